"""Whole numbers as tools write them: ``8``, ``8e0``, ``993.0``, ``1e+05``."""

import re
from decimal import Decimal
from types import UnionType
from typing import Any, Union, get_args, get_origin

_FORM = re.compile(r"[-+]?[0-9]{1,40}(\.[0-9]{0,40})?([eE][-+]?[0-9]{1,2})?", re.ASCII)
_MOST = 1 << 64
"""Size from which on a number with a decimal point or an exponent is no count."""


def whole_number(text: str) -> int | None:
    """Return the whole number that a decimal `text` stands for, or None where it stands for none below 2^64 in size.

    >>> [whole_number(text) for text in ("8", "8e0", "993.0", "1e+05", "8.5", "0x8", "")]
    [8, 8, 993, 100000, None, None, None]
    """
    if not _FORM.fullmatch(text):
        return None
    value = Decimal(text)
    return int(value) if abs(value) < _MOST and value == value.to_integral_value() else None


def as_whole(value: Any) -> Any:
    """Return `value` with integral floats made whole numbers, also those in a list.

    >>> as_whole([8.0, 8.5, "8.0", 1e300])
    [8, 8.5, '8.0', 1e+300]
    """
    if type(value) is float and value.is_integer() and abs(value) < _MOST:
        return int(value)
    return [as_whole(one) for one in value] if type(value) is list else value


def takes_whole(kind: Any) -> bool:
    """Return whether a field of type `kind` takes whole numbers, alone or in a list, and no others.

    >>> [takes_whole(kind) for kind in (int, int | None, tuple[int, ...], float, int | float, str)]
    [True, True, True, False, False, False]
    """
    if get_origin(kind) in (Union, UnionType, tuple, list):
        parts = [takes_whole(one) for one in get_args(kind) if one not in (type(None), Ellipsis)]
        return any(parts) and float not in get_args(kind)
    return kind is int
