"""Named YAML files that ship with the package, and files of users that start from them."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from itertools import takewhile
from pathlib import Path
from typing import Any

from tokensieve.arch.base import ArchModel, build, shown
from tokensieve.arch.errors import ArchError, TokensieveError, nearest
from tokensieve.arch.yamlio import Lines, load_yaml

_SUFFIXES = (".yaml", ".yml")
_MAX_EXTENDS = 16


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the groups and values of `over` laid on top; neither is changed."""
    result = {k: merge({}, v) if isinstance(v, Mapping) else v for k, v in base.items()}
    for key, value in over.items():
        below = result.get(key)
        result[key] = merge(below if isinstance(below, dict) else {}, value) if isinstance(value, Mapping) else value
    return result


TRACES = (".npz", ".csv")
"""Endings of the files of traces."""


def check_no_trace(path: Path | str, wanted: str, error: type[TokensieveError], taker: str = "--trace") -> None:
    """Raise `error` where the file at `path` is a trace by its ending, and not the `wanted` one; `taker` takes it."""
    if Path(path).suffix.lower() in TRACES:
        raise error(f"{path}: this is a trace, not {wanted}: {taker} takes one")


def check_kind(path: Path | str, data: Mapping[str, Any], wanted: str, error: type[TokensieveError]) -> None:
    """Raise `error` where the fields `data` of the file at `path` are those of another kind than the `wanted` one."""
    if (kind := kind_of(data)) not in (None, wanted):
        raise error(f"{path}: this is {kind}, not {wanted}")


_KINDS = {
    "a workload": {"phase"},
    "a sweep": {"axes", "suite"},
    "a technology": {"logic", "sram"},
    "an architecture": {"topk", "clock", "number"},
}
"""What has one of these fields, looked for in this order."""


def kind_of(data: Mapping[str, Any]) -> str | None:
    """Return what a YAML file describes, by its groups: a workload, a sweep, a technology or an architecture,
    or None.

    >>> kind_of({"name": "mine", "phase": "decode"}), kind_of({"nRCD": 7})
    ('a workload', None)
    """
    return next((kind for kind, fields in _KINDS.items() if fields & data.keys()), None)


@dataclass(frozen=True)
class Opened:
    """One file as it stands, without its ``extend``."""

    path: Path
    data: dict[str, Any]
    lines: Lines
    parent: str | None
    """Name or file that it extends."""

    seen: tuple[str, ...]
    """Files from the one asked for down to this one."""


@dataclass(frozen=True)
class Library:
    """The YAML files of one folder of this package, each of which describes a `model`.

    A file may start from another one by ``extend: NAME``, and so may its groups that `parts` has a library for.
    """

    folder: str
    model: type[ArchModel]
    noun: str
    """What one of them is called in an error."""

    asked_by: str
    """What asks for one, in an error."""

    parts: Mapping[str, "Library"] = field(default_factory=dict)

    pins: Mapping[str, Callable[[Path, str, str], str]] = field(default_factory=dict)
    """Fields that name something of another library, and what returns what the model holds of it: asked with the file
    that names it, the name and its place for an error."""

    kind: str | None = None
    """What `kind_of` says of its files."""

    @property
    def wanted(self) -> str:
        """What a file must be, with its article."""
        return self.kind or f"a {self.noun}"

    def names(self) -> list[str]:
        """Return the names of the files that ship with the package."""
        folder = resources.files("tokensieve.arch") / self.folder
        return sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))

    def about(self, name: str) -> str:
        """Return the first sentence of the comment at the head of the shipped file called `name`."""
        text = (resources.files("tokensieve.arch") / self.folder / f"{name}.yaml").read_text(encoding="utf-8")
        head = " ".join(line[1:].strip() for line in takewhile(lambda line: line.startswith("#"), text.splitlines()))
        return re.split(r"\. (?=[A-Z0-9])", head.rstrip("."))[0] + "."

    def fields(self, name: str, seen: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return the merged fields of the file called `name` and of everything it extends.

        Each file has to be a whole `model` together with what it extends, so that an error names the file it stands in.
        """
        one = self.opened(name, seen)
        path, data, lines = one.path, one.data, one.lines
        base = {} if one.parent is None else self.fields(one.parent, one.seen)
        for name, pin in self.pins.items():
            if isinstance(data.get(name), str):
                data[name] = pin(path, data[name], f"{path}, line {lines[name,]}: {name}")
        for part, library in self.parts.items():
            if isinstance(data.get(part), dict) and "extend" in data[part]:
                place = f"{path}, line {lines.pop((part, 'extend'))}: {part}.extend"
                base[part] = library.fields(library.beside(path, data[part].pop("extend"), place))
        data = merge(base, data)
        build(self.model, data, ArchError, lines, str(path))
        return data

    def opened(self, name: str, seen: tuple[str, ...] = ()) -> Opened:
        """Return the file called `name`, or raise `ArchError` where it is one of the files `seen` that lead to it."""
        path = self._find(name)
        key = os.path.realpath(path)
        if key in seen or len(seen) >= _MAX_EXTENDS:
            chain = " -> ".join(Path(s).stem for s in (*seen, key))
            raise ArchError(f"{path}: extend runs in a circle or too far ({chain})")
        check_no_trace(name, self.wanted, ArchError)
        data, lines = load_yaml(path, ArchError)
        check_kind(path, data, self.wanted, ArchError)
        parent = None
        if "extend" in data:
            place = f"{path}, line {lines.pop(('extend',))}: extend"
            parent = self.beside(path, data.pop("extend"), place)
        return Opened(path, data, lines, parent, (*seen, key))

    def beside(self, path: Path, parent: object, place: str) -> str:
        """Return the name or file that the file at `path` asks for; a file's name is relative to it."""
        if not isinstance(parent, str) or not parent:
            raise ArchError(f"{place} must be the name of a {self.noun} or a file, got {shown(parent)}")
        if parent in self.names():
            return parent
        beside = os.path.join(path.parent, parent)
        if not os.path.isfile(beside):
            raise self._unknown(place, parent)
        return beside

    def _find(self, name: str) -> Path:
        if name in self.names():
            return Path(str(resources.files("tokensieve.arch") / self.folder / f"{name}.yaml"))
        if name.endswith(_SUFFIXES) or "/" in name or os.path.isfile(name):
            return Path(name)
        raise self._unknown(self.asked_by, name)

    def _unknown(self, place: str, name: str) -> ArchError:
        known = self.names()
        return ArchError(
            f"{place} must be a {self.noun} ({', '.join(known)}) or a YAML file, "
            f"got {shown(name)}{nearest(name, known)}"
        )
