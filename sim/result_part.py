"""`Part`: a piece of a result, whose JSON keys are the fields and properties of its class.

A class body is the one place where a key stands: its order is the order of the JSON object, the docstring under a field
(or in a property) is the key's meaning, and its type is the type in the JSON Schema, with the marks below.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import zip_longest
from typing import Annotated, Any, TypeVar, get_type_hints

from tokensieve.arch.docstrings import class_bodies, written

T = TypeVar("T")


class Mark(Enum):
    """What a type says of a key beyond the type itself."""

    FIGURE = "figure"
    HIDDEN = "hidden"
    SIGNED = "signed"
    NAME = "name"
    SUMMED = "summed"
    """A map whose key `total` is the sum of the others."""


Figure = Annotated[T, Mark.FIGURE]
"""A number, or a group of them, that is labelled `modelled` by default."""

Hidden = Annotated[T, Mark.HIDDEN]
"""A field that other keys are derived from and that is no key itself."""

Signed = Annotated[float, Mark.SIGNED]
"""A number that may be negative; no other may."""

Name = Annotated[str, Mark.NAME]
"""Letters, digits and underscores."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a JSON object."""

    name: str
    kind: Any
    """Type, with its marks."""

    meaning: str

    @property
    def marks(self) -> tuple[Any, ...]:
        """Marks of the key itself."""
        return getattr(self.kind, "__metadata__", ())


class Part:
    """A piece of a result. Subclasses are frozen dataclasses."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object, keys in the order of the class."""
        own: type = type(self)
        return {key.name: _plain(getattr(self, key.name)) for key in keys(own)}


def _plain(value: Any) -> Any:
    """Return `value` as JSON has it."""
    if isinstance(value, Part):
        return value.to_dict()
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


@cache
def keys(group: type) -> tuple[Key, ...]:
    """Return the keys of a `Part`, or of a `TypedDict` that lists the keys of a mapping, in the order of its source."""
    hints = get_type_hints(group, include_extras=True)
    found = (Key(name, hints.get(name) or _returned(group, name), meaning) for name, meaning in _members(group))
    return tuple(key for key in found if Mark.HIDDEN not in key.marks)


def figures(part: type) -> list[str]:
    """Return the keys that are labelled `modelled` by default."""
    return [key.name for key in keys(part) if Mark.FIGURE in key.marks]


def _returned(group: type, name: str) -> Any:
    """Return the type of a property."""
    return get_type_hints(getattr(group, name).fget, include_extras=True)["return"]


def _members(group: type) -> Iterator[tuple[str, str]]:
    """Yield every field and property of `group` with its docstring, in the order of the source.

    The source alone knows both: docstrings of fields are not kept, nor is the order of fields among properties.
    """
    body = class_bodies(group.__module__)[group.__name__]
    for node, below in zip_longest(body, body[1:]):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, text(written(below))
        elif isinstance(node, ast.FunctionDef) and any(ast.unparse(d) == "property" for d in node.decorator_list):
            yield node.name, text(ast.get_docstring(node))


def text(docstring: str | None) -> str:
    """Return a docstring on one line."""
    return " ".join((docstring or "").split())
