"""Canonical JSON, as the store writes it."""

import json
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return a number of numpy's as Python's; all else as it is."""
    return value.item() if isinstance(value, np.generic) else value


_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=plain)


def encode(value: object) -> str:
    """Return `value` as JSON without spaces.

    >>> encode({"topk.lanes": [8, 16]})
    '{"topk.lanes":[8,16]}'
    """
    return _ENCODER.encode(value)
