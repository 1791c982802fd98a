"""Digests of machines that differ from one machine in a few fields, without building them."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from tokensieve.arch.base import field_names
from tokensieve.arch.errors import ArchError, nearest
from tokensieve.arch.fixed_length_pruner import LATER, FixedLengthPruner
from tokensieve.arch.machine import Arch

_OPTIONAL = {f"pruner.{name}": FixedLengthPruner.model_fields[name].default for name in LATER}
"""Fields that the canonical JSON leaves out where they are at these defaults."""


class Digests:
    """Digests of a machine with other values in some of its fields.

    Its canonical JSON is cut at every field once; a digest is that of the pieces with some values replaced, in whatever
    order these are given. So it equals `Arch.digest` of the same machine built. That a value is valid is not checked.

    >>> base = Arch()
    >>> Digests(base).of({"clock.mhz": 1000}) == base.digest
    True
    """

    def __init__(self, base: Arch) -> None:
        self._pieces: list[str] = []
        self._place: dict[str, int] = {}
        for path, text in _pieces(base.identity | {"pruner": base.pruner.model_dump(mode="json")}, ""):
            if path:
                self._place[path] = len(self._pieces)
            self._pieces.append(text)
        assert "".join(self._pieces) == base.canonical

    def of(self, own: Mapping[str, Any]) -> str:
        """Return the digest of the machine with the values of `own`, by dotted path such as ``topk.lanes``.

        Raises `ArchError` if a path is no field.
        """
        pieces = self._pieces.copy()
        for path, value in own.items():
            if path not in self._place:
                raise ArchError(_unknown(path))
            pieces[self._place[path]] = _text(path, value)
        return hashlib.sha256("".join(pieces).encode()).hexdigest()


def _pieces(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield the pieces of the canonical JSON of a group, each with the path of the field whose value it is, or none."""
    for number, name in enumerate(sorted(tree)):
        value, path = tree[name], f"{prefix}{name}"
        if path in _OPTIONAL:
            assert number > 0, "a field that may be left out has a comma before it"
            yield path, _text(path, value)
            continue
        yield "", f"{'{' if number == 0 else ','}{json.dumps(name)}:"
        if isinstance(value, Mapping):
            yield from _pieces(value, f"{path}.")
        else:
            yield path, json.dumps(value)
    yield "", "}"


def _text(path: str, value: Any) -> str:
    """Return the JSON of a field's value; numbers of numpy count as Python's.

    Of one that may be left out it is its name too, or nothing.
    """
    if path == "technology":
        value = Arch.technology_identity(value)
    plain = value.item() if hasattr(value, "item") else value
    text = str(plain) if type(plain) is int else json.dumps(plain)
    if path not in _OPTIONAL:
        return text
    return "" if plain == _OPTIONAL[path] else f",{json.dumps(path.rpartition('.')[2])}:{text}"


def _unknown(path: str) -> str:
    *groups, name = path.split(".")
    known = field_names(Arch, groups)
    if name in known:
        return f"{path} must be a single field, got a group of {len(field_names(Arch, [*groups, name]))}"
    return f"{path} is not a known field{nearest(name, known or field_names(Arch, []))}"
