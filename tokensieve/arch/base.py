"""The base of every architecture model, and the translation of pydantic's errors into a user's words."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    ValidationError,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from tokensieve.arch.docstrings import field_docs
from tokensieve.arch.errors import TokensieveError, nearest
from tokensieve.arch.letters import is_plain
from tokensieve.arch.wholes import as_whole, takes_whole

M = TypeVar("M", bound=BaseModel)


def plain_letters(name: str) -> str:
    """Return `name`. Raises `PydanticCustomError` for letters that a terminal acts upon."""
    if not is_plain(name):
        raise PydanticCustomError("letters", "no control or direction-turning characters are taken in a name")
    return name


Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(plain_letters)]
"""A name that is printed."""


class ArchModel(BaseModel):
    """A frozen, hashable description of one part of the machine. Unknown keys and wrong types are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        validate_default=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _whole_numbers(cls, data: Any) -> Any:
        """Take integral floats for the fields that are whole numbers: `1e4` and `8.0` are what some tools write."""
        if type(data) is not dict or not any(type(value) in (float, list) for value in data.values()):
            return data
        fields = cls.model_fields
        return {
            name: as_whole(value) if name in fields and takes_whole(fields[name].annotation) else value
            for name, value in data.items()
        }

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Put the docstrings of the fields into the schema."""
        schema = handler(core_schema)
        properties = handler.resolve_ref_schema(schema)["properties"]
        for name, text in field_docs(cls).items():
            if name in properties:
                properties[name].setdefault("description", text)
        return schema


def build(
    model: type[M],
    data: Mapping[str, Any],
    error: type[TokensieveError],
    where: Mapping[tuple[str, ...], int] | None = None,
    source: str = "",
) -> M:
    """Return a `model` made of `data`, or raise `error` naming the first field that breaks a rule.

    `where` maps dotted paths (as tuples) to the line of `source` they stand on.
    """
    try:
        return model.model_validate(data)
    except ValidationError as problem:
        raise error(_message(model, problem, where or {}, source)) from None


def _message(
    model: type[BaseModel], problem: ValidationError, where: Mapping[tuple[str, ...], int], source: str
) -> str:
    items = [dict(item) for item in problem.errors(include_url=False)]
    lines = [_sentence(model, item, where, source) for item in _once(items)]
    return "\n".join(dict.fromkeys(lines))


def _once(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return errors with one for each field that takes whole and other numbers, of which pydantic has one for each."""
    both = [item["loc"][:-1] for item in items if item["loc"][-1:] == ("float",)]
    return [
        item | {"loc": item["loc"][:-1]} if item["loc"][-1:] == ("float",) else item
        for item in items
        if item["loc"][-1:] != ("int",) or item["loc"][:-1] not in both
    ]


def _sentence(model: type[BaseModel], item: dict[str, Any], where: Mapping[tuple[str, ...], int], source: str) -> str:
    path = tuple(str(p) for p in item["loc"])
    rule = _rule(model, item, path)
    return placed(rule, where, source, path)


def placed(rule: str, where: Mapping[tuple[str, ...], int], source: str, path: tuple[str, ...] = ()) -> str:
    """Return `rule` with its place in `source` before it: the line of the field that it names first, or of `path`.

    >>> placed("topk.lanes must be a power of two", {("topk", "lanes"): 3}, "mine.yaml")
    'mine.yaml, line 3: topk.lanes must be a power of two'
    """
    named = tuple(rule.partition(" ")[0].split("."))  # what a rule over several fields names first
    line = _line(named, where) or _line(path, where)
    place = f"{source}, line {line}: " if source and line else f"{source}: " if source else ""
    return place + rule


def _line(path: tuple[str, ...], where: Mapping[tuple[str, ...], int]) -> int | None:
    """Return the line of the field at `path`, or of the innermost group around it that has one."""
    dotted = {".".join(place): line for place, line in where.items()}  # a key of a sweep has dots of its own
    return next((dotted[name] for n in range(len(path), 0, -1) if (name := ".".join(path[:n])) in dotted), None)


def _rule(model: type[BaseModel], item: dict[str, Any], path: tuple[str, ...]) -> str:
    name, kind, context, came = ".".join(path), item["type"], item.get("ctx", {}), item.get("input")
    if kind == "extra_forbidden":
        return f"{name} is not a known field{nearest(path[-1], field_names(model, path[:-1]))}"
    if kind == "missing":
        return f"{name} is required"
    if kind == "value_error":
        told = str(context["error"])
        return f"{name}{told}".removeprefix(".") if told[0] in ".:" else told
    if kind in {"literal_error", "enum"}:
        known = [str(k).strip("'") for k in context["expected"].replace(" or ", ", ").split(", ")]
        return f"{name} must be one of {', '.join(known)}, got {shown(came)}{nearest(str(came), known)}"
    if kind in _BOUNDS:
        return f"{name} must be {bounds(model, path) or _BOUNDS[kind].format(**context)}, got {shown(came)}"
    if kind in _TYPES:
        return f"{name} must be {_TYPES[kind].format(**context)}, got {shown(came)}"
    return f"{name} is invalid ({item['msg']}), got {shown(came)}"


def shown(value: object) -> str:
    """Return `value` as it is shown in an error, cut where it is long."""
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


_SHOWN = 64
_BOUNDS = {
    "greater_than_equal": ">= {ge}",
    "greater_than": "> {gt}",
    "less_than_equal": "<= {le}",
    "less_than": "< {lt}",
}
_TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "string_type": "a string",
    "string_unicode": "a string of valid characters",
    "string_too_short": "a string of at least {min_length} characters",
    "string_too_long": "a string of at most {max_length} characters",
    "string_pattern_mismatch": "a string that matches {pattern}",
    "model_type": "a group of fields",
    "dict_type": "a group of fields",
    "model_attributes_type": "a group of fields",
    "tuple_type": "a list",
    "list_type": "a list",
    "too_short": "a list of at least {min_length}",
}


def submodel(model: type[BaseModel], path: Iterable[str]) -> type[BaseModel] | None:
    """Return the model found by following `path` down from `model`, or None."""
    here: type[BaseModel] | None = model
    for part in path:
        field = here.model_fields.get(part) if here else None
        kind = field.annotation if field else None
        here = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    return here


def field_names(model: type[BaseModel], path: Iterable[str]) -> list[str]:
    """Return the names of the fields of the model at `path`."""
    here = submodel(model, path)
    return list(here.model_fields) if here else []


def bounds(model: type[BaseModel], path: tuple[str, ...]) -> str:
    """Return the range of the field at `path` in words: ``in 1..64``, ``>= 1``, or nothing."""
    here = submodel(model, path[:-1])
    field = here.model_fields.get(path[-1]) if here else None
    limits = {
        k: getattr(m, k) for m in (field.metadata if field else ()) for k in ("ge", "gt", "le", "lt") if hasattr(m, k)
    }
    if "ge" in limits and "le" in limits:
        return f"in {limits['ge']}..{limits['le']}"
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    return " and ".join(f"{signs[k]} {v}" for k, v in limits.items())
