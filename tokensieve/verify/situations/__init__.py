"""The situations that each unit may get wrong, a module per unit: co-simulation with coverage must have been in all."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec

from tokensieve.arch.machine import Arch
from tokensieve.verify.situations.base import Seen, Situation
from tokensieve.verify.units.base import Unit

__all__ = ["Seen", "Situation", "counted", "situations_of"]


def situations_of(unit: str) -> tuple[Situation, ...]:
    """Return the situations of `unit`; none where it has no table."""
    name = f"{__package__}.{unit.replace('-', '_')}"
    return tuple(import_module(name).SITUATIONS) if find_spec(name) else ()


def counted(cases: Sequence[Seen]) -> Mapping[str, int]:
    """Return in how many of the `cases`, all of one unit with one engine, it was in each of its situations.

    Of a unit with a part that not all machines have, only the part's are counted: the others are the same without it.
    """
    unit, arch = cases[0].unit, cases[0].arch
    fields = _fields_of(unit, arch)
    situations = [one for one in situations_of(unit.name) if one.engine in ("", arch.topk.engine)]
    return {one.name: sum(map(one.shows, cases)) for one in situations if one.fields == fields}


def _fields_of(unit: Unit, arch: Arch) -> tuple[tuple[str, object], ...]:
    """Return the fields of the situations that a machine may be in: those none of which are at their defaults."""
    section = getattr(arch, unit.groups[0])
    kinds = type(section).model_fields
    every = {one.fields for one in situations_of(unit.name)}
    there = [some for some in every if all(getattr(section, name) != kinds[name].default for name, _ in some)]
    return max(there, key=len)
