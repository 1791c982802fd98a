"""JSON Schema of `result.json`, made of the classes of `tokensieve.sim.result`: their types, marks and docstrings."""

from collections.abc import Mapping
from dataclasses import replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, TypeVar, Union, get_args, get_origin, is_typeddict

from tokensieve.sim.result import SCHEMA_VERSION, Result
from tokensieve.sim.result_part import Key, Mark, Part, keys, text

Schema = dict[str, Any]

_NAME = {"pattern": r"^[A-Za-z0-9_]+$"}
_TYPES = {int: "integer", float: "number", str: "string"}


def result_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) that every result of this version meets."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"tokensieve result, version {SCHEMA_VERSION}",
        **schema_of(Result),
    }


def schema_of(kind: Any, meaning: str = "") -> Schema:
    """Return the JSON Schema of a value of type `kind`, described by `meaning` or else by what the type itself says.

    >>> schema_of(int, "Bytes.")
    {'type': 'integer', 'minimum': 0, 'description': 'Bytes.'}
    """
    kind, marks = _bare(kind)
    meaning = meaning or next((mark for mark in marks if isinstance(mark, str)), "")
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _or_null(next(one for one in parts if one is not NoneType), meaning)
    if origin is Literal:
        return _described({"const": parts[0]} if len(parts) == 1 else {"enum": list(parts)}, meaning)
    if origin is Mapping:
        return _mapping(parts, marks, meaning)
    if origin in (tuple, list):
        return _list(parts, meaning)
    if issubclass(kind, Part):
        return _closed(keys(kind), meaning or text(kind.__doc__))
    least = {"minimum": 0} if kind is not str and Mark.SIGNED not in marks else {}
    return _described({"type": _TYPES[kind], **least}, meaning)


def _bare(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return `kind` without its marks, and the marks."""
    if get_origin(kind) is not Annotated:
        return kind, ()
    inner, *marks = get_args(kind)
    return inner, tuple(marks)


def _described(schema: Schema, meaning: str) -> Schema:
    return schema | ({"description": meaning} if meaning else {})


def _or_null(kind: Any, meaning: str) -> Schema:
    schema = schema_of(kind, meaning)
    return schema | {"type": [schema["type"], "null"]}


def _mapping(parts: tuple[Any, ...], marks: tuple[Any, ...], meaning: str) -> Schema:
    """Return the schema of a group, whose keys a `TypedDict` among the marks lists, or of a map of names."""
    name, value = parts
    listed = next((mark for mark in marks if is_typeddict(get_origin(mark) or mark)), None)
    if listed is not None:
        group = _closed(_listed(listed), meaning)
        return _open(group) if value is Any else group
    names = {"propertyNames": _NAME} if Mark.NAME in _bare(name)[1] else {}
    schema = _described({"type": "object"}, meaning) | names | {"additionalProperties": schema_of(value)}
    return schema | ({"required": ["total"]} if Mark.SUMMED in marks else {})


def _listed(group: Any) -> tuple[Key, ...]:
    """Return the keys of a `TypedDict`; those of a generic one have the type that it was given."""
    found, given = keys(get_origin(group) or group), get_args(group)
    return tuple(replace(key, kind=given[0]) if isinstance(key.kind, TypeVar) else key for key in found)


def _closed(found: tuple[Key, ...], meaning: str) -> Schema:
    """Return the schema of an object that has these keys and no others."""
    optional = {key.name: get_args(key.kind)[0] for key in found if get_origin(key.kind) is NotRequired}
    return {
        "type": "object",
        "description": meaning,
        "properties": {key.name: schema_of(optional.get(key.name, key.kind), key.meaning) for key in found},
        "required": [key.name for key in found if key.name not in optional],
        "additionalProperties": False,
    }


def _open(group: Schema) -> Schema:
    """Return the schema of an object that may have any of these keys, and others."""
    return {name: part for name, part in group.items() if name not in ("required", "additionalProperties")}


def _list(parts: tuple[Any, ...], meaning: str) -> Schema:
    """Return the schema of a list of any length, or of one with an item of each type."""
    schema = _described({"type": "array"}, meaning)
    if parts[1:] in ((), (...,)):
        return schema | {"items": schema_of(parts[0])}
    return schema | {"prefixItems": [schema_of(one) for one in parts], "minItems": len(parts), "items": False}
