"""What texts and values in a store must be, where somebody may have changed them by other means than ours."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import repeat
from types import NoneType
from typing import Any, get_args

from pydantic import BaseModel

from tokensieve.arch.base import shown, submodel
from tokensieve.arch.machine import Arch
from tokensieve.explore.columns import CLOCK, flat

_LARGEST = 1 << 63
"""Bound of whole numbers, which columns of 64 bits hold."""

_MOST_TOKENS = 1 << 53
"""Bound of a count that double precision holds."""


class DamageError(ValueError):
    """A store that no store of ours is like; `sqlite.translated` makes a `StoreError` of it, with the file's name."""


class RowDamageError(DamageError):
    """A row that none of ours is like."""

    def __init__(self, table: str, row: object, what: str) -> None:
        super().__init__(f"table {table}, row {row}: {what}")


def parsed(text: Any, table: str, row: object, column: str) -> Any:
    """Return the JSON value of a cell. Raises `RowDamageError` where it is none, or has a number that is not finite."""
    try:
        return _DECODER.decode(text)
    except (ValueError, TypeError, RecursionError):
        raise RowDamageError(table, row, f"{column} must be JSON, got {shown(text)}") from None


def parsed_as(kind: str, text: Any, table: str, row: object, column: str) -> Any:
    """Return the value of a cell that must be a JSON `kind`, a word of `CHECKS`."""
    value = parsed(text, table, row, column)
    try:
        told = CHECKS[kind](value)
    except RecursionError:
        told = "must not be nested deeply"
    if told:
        raise RowDamageError(table, row, f"{column}{told if told[0] == '.' else f' {told}'}, got {shown(text)}")
    return value


def given_values(
    numbers: Sequence[int], form: Sequence[int], texts: Sequence[Any], forms: Mapping[int, Sequence[str]]
) -> list[list[Any]]:
    """Return the values that points override, one list for each.

    `numbers`, `form` and `texts` (JSON arrays) have one entry for each point, `forms` the fields of each form.
    """
    values = _together(texts) or [parsed(*one, "given") for one in zip(texts, repeat("point"), numbers, strict=False)]
    for one in set(form):
        rows = [row for row, its in enumerate(form) if its == one]
        names = forms[one]
        for row in rows:
            if not isinstance(values[row], list) or len(values[row]) != len(names):
                what = f"given must be a list of {len(names)}, as form {one} has fields, got {shown(texts[row])}"
                raise RowDamageError("point", numbers[row], what)
        for path, column in zip(names, zip(*(values[row] for row in rows), strict=True), strict=True):
            for row, value in zip(rows, column, strict=True) if not _all_fit(path, column) else ():
                if told := misfit(path, value):
                    raise RowDamageError("point", numbers[row], f"given: {told}")
    return values


def _together(texts: Sequence[Any]) -> list[Any]:
    """Return the values of JSON texts, parsed at once; nothing where that is impossible."""
    try:
        values: list[Any] = _DECODER.decode(f"[{','.join(texts)}]")
    except (ValueError, TypeError, RecursionError):
        return []
    return values if len(values) == len(texts) else []


def _all_fit(path: str, column: Sequence[Any]) -> bool:
    """Return whether all values of a column may stand in a field, looked at together."""
    types = set(map(type, column))
    if not types <= _kinds().get(path, types):
        return False
    whole = column if types == {int} else [one for one in column if type(one) is int]
    return not whole or (min(whole) >= -_LARGEST and max(whole) < _LARGEST)


def misfit(path: str, value: Any) -> str:
    """Return why a value cannot stand in a field of a machine, as far as its type tells; '' where it can.

    >>> misfit("topk.lanes", "8"), misfit("topk.engine", "radix")
    ("topk.lanes must be a whole number below 2^63, got '8'", '')
    """
    if path in _groups():
        return f"{path} must be a group of fields, got {shown(value)}"
    if _all_fit(path, [value]):
        return ""
    words = [word for kind, word in _WORDS.items() if kind in _kinds().get(path, {int})]
    return f"{path} must be {' or '.join(words)}, got {shown(value)}"


_WORDS = {int: "a whole number below 2^63", float: "a number", bool: "true or false", str: "text", NoneType: "null"}


@cache
def _kinds() -> dict[str, frozenset[type]]:
    """Return the types of values that each field of a machine takes; text where words are listed."""
    return dict(_leaves(Arch))


def _leaves(model: type[BaseModel], above: str = "") -> list[tuple[str, frozenset[type]]]:
    found = []
    for name, field in model.model_fields.items():
        below = submodel(model, (name,))
        if below:
            found += _leaves(below, f"{above}{name}.")
        else:
            parts = get_args(field.annotation) or (field.annotation,)
            found.append((f"{above}{name}", frozenset(one if one in _WORDS else type(one) for one in parts)))
    return found


@cache
def _groups() -> frozenset[str]:
    """Return the names of groups of fields."""
    return frozenset(path.rpartition(".")[0] for path in _kinds()) - {""}


def _machine(value: Any) -> str:
    if not isinstance(value, dict):
        return "must be an object"
    leaves = flat(value)
    told = next((told for path, one in leaves.items() if (told := misfit(path, one))), "")
    missing = [path for path in ("name", CLOCK) if path not in leaves]
    if missing:
        return f"must have {missing[0]}"
    return f"must be a machine ({told})" if told else ""


def _work(value: Any) -> str:
    if not isinstance(value, dict):
        return "must be an object"
    if "workload" not in value and not isinstance(value.get("trace"), str):
        return "must have workload, or the SHA-256 of a trace"
    tokens, seed, scores = value.get("tokens"), value.get("seed"), value.get("scores")
    if tokens is not None and not _counts(tokens, 1):
        return ".tokens must be a whole number from 1 up"
    if seed is not None and not _counts(seed, 0):
        return ".seed must be a whole number from 0 up"
    return "" if scores is None or isinstance(scores, str) else ".scores must be text or null"


def _counts(value: Any, least: int) -> bool:
    return type(value) is int and least <= value < _MOST_TOKENS


def _sweep(value: Any) -> str:
    if not isinstance(value, dict):
        return "must be an object"
    limits, suite = value.get("constraints"), value.get("workloads")
    if limits is not None and not _texts(limits):
        return ".constraints must be a list of texts"
    if suite is not None and not (isinstance(suite, dict) and all(_weighs(one) for one in suite.values())):
        return ".workloads must give each workload a weight above 0"
    return ""


def _weighs(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value < _MOST_TOKENS


def _paths(value: Any) -> str:
    return "" if _texts(value) and len(set(value)) == len(value) else "must be a list of names, each of them once"


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _object(value: Any) -> str:
    return "" if isinstance(value, dict) else "must be an object"


CHECKS: Mapping[str, Callable[[Any], str]] = {
    "machine": _machine,
    "work": _work,
    "sweep": _sweep,
    "paths": _paths,
    "object": _object,
}
"""What is wrong with a value of each kind, in words that follow the column's name; '' where it is right."""


def _finite(text: str) -> float:
    """Return a number of JSON in double precision. Raises `ValueError` for `NaN`, `Infinity` and beyond."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


_DECODER = json.JSONDecoder(parse_constant=_finite, parse_float=_finite)
