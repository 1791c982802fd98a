"""Energy and area constants of a technology, each with its source and how sure we are of it.

Three rules turn them into figures that no table holds, and all are code: widths and capacities between two points
follow a power law (`Curve.at`), areas of memories a fit (`macros.fit`), and the intervals of a sum add up (`Quantity`).
A technology may extend another one's file, and may scale what it extends to another node (`Scaling`). One that does not
ship is a file, and `Arch` names it together with a digest of its constants (`pin_technology`).
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from tokensieve.arch.base import ArchModel, build, submodel
from tokensieve.arch.constants import DramConstants, DramSet, LogicConstants, Scaling
from tokensieve.arch.errors import ArchError
from tokensieve.arch.library import Library
from tokensieve.arch.macros import SramConstants
from tokensieve.arch.quantity import ZERO, Constant, Curve, Point, Quantity
from tokensieve.arch.yamlio import Lines

__all__ = [
    "ZERO", "Constant", "Curve", "DramConstants", "DramSet", "LogicConstants", "Point", "Quantity", "Scaling",
    "SramConstants", "Technology", "load_technology", "pin_technology", "technology_names",
]  # fmt: skip


class Technology(ArchModel):
    """Energy and area constants of one technology."""

    name: Annotated[str, Field(min_length=1)]
    """Name; of those that ship, the one that `arch.technology` asks for."""

    note: Annotated[str, Field(min_length=1)]
    """What the constants stand for, and what was not scaled."""

    dram: DramSet
    """DRAM by standard."""

    logic: LogicConstants
    """Arithmetic, registers and wires."""

    sram: SramConstants
    """On-chip memories."""

    scaling: Scaling | None = None
    """Factors that `logic` and `sram` of the technology below have been multiplied by; own constants stand as given."""

    @property
    def digest(self) -> str:
        """First 16 digits of SHA-256 over the canonical JSON of all fields."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def constants(self) -> list[tuple[str, Constant]]:
        """Return the dotted name of every constant and the constant, in order of the file."""
        groups = [(f"dram.{name}", getattr(self.dram, name)) for name in type(self.dram).model_fields]
        groups += [("logic", self.logic), ("sram", self.sram)]
        return [row for prefix, group in groups for row in _constants(group, prefix)]


def _constants(group: ArchModel, prefix: str) -> list[tuple[str, Constant]]:
    rows: list[tuple[str, Constant]] = []
    for name in type(group).model_fields:
        value = getattr(group, name)
        if isinstance(value, Constant):
            rows.append((f"{prefix}.{name}", value))
        elif isinstance(value, Curve):
            rows += [(f"{prefix}.{name}[{p.at}]", p) for p in value.points]
        elif isinstance(value, tuple):
            rows += [(f"{prefix}.{name}[{m.words}x{m.bits}]", m) for m in value]
    return rows


LIBRARY = Library("technology", Technology, "shipped technology", "technology", kind="a technology")

_PINNED = re.compile(r"(.+)@([0-9a-f]{16})")


def technology_names() -> list[str]:
    """Return the names of the technologies that ship with the package."""
    return LIBRARY.names()


def load_technology(name: str = "tsmc40") -> Technology:
    """Return the technology or YAML file called `name`, or raise `ArchError` with the names there are.

    A file may be followed by the digest that `pin_technology` puts there, and then has to have it still.

    >>> round(load_technology().logic.multiply_energy.at(12).value, 3)
    0.446
    """
    return _kept(name) if name in _shipped() or _PINNED.fullmatch(name) else _read(name)


def pin_technology(path: Path, asked: str, place: str) -> str:
    """Return what `Arch.technology` holds of the technology `asked` for by the file at `path`.

    That is the name of one that ships, or else a file's name, taken relative to `path`, and a digest: machines are told
    apart by what the file holds. `place` begins an error.
    """
    if asked in _shipped():
        return asked
    pinned = _PINNED.fullmatch(asked)
    file = os.path.normpath(LIBRARY.beside(path, pinned[1] if pinned else asked, place))
    name = f"{file}@{pinned[2] if pinned else _read(file).digest}"
    _checked(name)
    _kept(name)
    return name


@lru_cache
def _shipped() -> frozenset[str]:
    return frozenset(technology_names())


@lru_cache
def _kept(name: str) -> Technology:
    """Return a technology that stays as it is: one that ships, or a file with its digest."""
    return _checked(name) if _PINNED.fullmatch(name) else _read(name)


def _checked(name: str) -> Technology:
    """Return the technology of a file that its digest follows, or raise `ArchError` where the file has another one."""
    file, _, digest = name.rpartition("@")
    found = _read(file)
    if found.digest != digest:
        raise ArchError(f"technology must be a file with the digest {digest}, got {file} with {found.digest}")
    return found


def _read(name: str, seen: tuple[str, ...] = ()) -> Technology:
    """Return the fields of a file on top of those that it extends, which its `scaling` multiplies."""
    one = LIBRARY.opened(name, seen)
    base = _read(one.parent, one.seen) if one.parent is not None else None
    found = _laid_on(base, one.data, one.lines, one.path)
    if found.scaling is None:
        return found
    if base is None:
        raise ArchError(
            f"{one.path}, line {one.lines['scaling',]}: scaling must come with extend, "
            "as it multiplies what the file extends, got none"
        )
    return _laid_on(_scaled(base, found.scaling), one.data, one.lines, one.path)


def _laid_on(base: Technology | None, data: dict[str, Any], lines: Lines, path: Path) -> Technology:
    """Return `data` on top of the constants of `base`; name, note and scaling are each file's own."""
    under = base.model_dump(include={"dram", "logic", "sram"}) if base else {}
    return build(Technology, _over(Technology, under, data), ArchError, lines, str(path))


def _over(model: type[BaseModel], under: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """Return `data` on top of `under`, group by group. A constant or curve is replaced whole, source and all."""
    result = dict(under)
    for name, value in data.items():
        below = submodel(model, (name,))
        if below and not issubclass(below, Constant | Curve) and isinstance(value, Mapping):
            result[name] = _over(below, under.get(name, {}), value)
        else:
            result[name] = value
    return result


def _scaled(technology: Technology, scaling: Scaling) -> Technology:
    groups = {name: _scaled_group(getattr(technology, name), name, scaling) for name in ("logic", "sram")}
    return technology.model_copy(update=groups)


def _scaled_group(group: ArchModel, name: str, scaling: Scaling) -> ArchModel:
    """Return `group` with every constant, curve and macro multiplied by its factor."""

    def one(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(one(below) for below in value)
        factor = scaling.factor(name, value.points[0] if isinstance(value, Curve) else value)
        return value.scaled(factor) if factor else value

    return group.model_copy(update={field: one(getattr(group, field)) for field in type(group).model_fields})
