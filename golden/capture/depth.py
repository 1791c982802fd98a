"""Whether a model's files hold as many layers as its config.json names: each takes time to build, missed or not."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.reading import MOST_WEIGHTS, open_file

MOST_LAYERS = 256
"""Layers, blocks, groups or experts that are built although no weights with as many numbers are there."""

_COUNTS = re.compile(r"(n|num)_(\w+_)?(layers?|blocks|groups|experts)|(en|de)coder_layers|inner_group_num")
"""What configs call the numbers of parts that are built one by one."""

_NUMBERED = re.compile(rb"\.(\d{1,9})\.")
_MOST_HEADER = 64 << 20


def check_counts(name: str, folder: Path, config: dict[str, Any]) -> None:
    """Raise `WorkloadError` where config.json names more parts of a kind than both `MOST_LAYERS` and the weights."""
    above = [(field, count) for field, count in _counts(config) if count > MOST_LAYERS]
    if not above:
        return
    most = max(_numbers(folder), MOST_LAYERS)
    for field, count in above:
        if count > most:
            raise WorkloadError(
                f"{name}: config.json: {field} must be at most {most}, its weights hold no more, got {count}"
            )


def _counts(config: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the numbers of parts in a config and in those inside it."""
    for field, value in config.items():
        if isinstance(value, dict):
            yield from ((f"{field}.{inner}", n) for inner, n in value.items() if _is_count(inner, n))
        elif _is_count(field, value):
            yield field, value


def _is_count(field: str, value: object) -> bool:
    return type(value) is int and _COUNTS.fullmatch(field) is not None


def _numbers(folder: Path) -> int:
    """Return how many different numbers the names of the weights hold, in the headers of all files of safetensors."""
    found: set[bytes] = set()
    for path in folder.glob("*.safetensors"):
        with open_file(path, WorkloadError, MOST_WEIGHTS) as file:
            length = int.from_bytes(file.read(8), "little")
            found.update(_NUMBERED.findall(file.read(min(length, _MOST_HEADER))))
    return len(found)
