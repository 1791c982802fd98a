"""Streams of DRAM requests from text files.

A line is one request: its byte address (decimal, or hexadecimal behind 0x), then, if wanted, ``R`` or ``W`` (a read if
left out) and the earliest cycle at which it may be sent (0 if left out; never before that of the line above). Blanks,
tabs or a comma stand between the fields. Empty lines, and what follows ``#``, are passed over. A byte
order mark may come first.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError

LAST_CYCLE = 1 << 40
_LINE = re.compile(r"(0[xX][0-9a-fA-F]+|[0-9]+)(?:[ \t,]+([RrWw]))?(?:[ \t,]+([0-9]+))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Requests:
    """A stream of requests, in order."""

    addresses: npt.NDArray[np.int64]
    writes: npt.NDArray[np.bool_]
    earliest: npt.NDArray[np.int64]
    """Cycle before which a request is not sent, never falling."""


def read_requests(path: Path) -> Requests:
    """Return the requests of a file; raises `WorkloadError` naming file, line and rule."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as problem:
        raise WorkloadError(f"{path} cannot be read as text: {getattr(problem, 'strerror', None) or problem}") from None
    lines = list(_requests(path, text))
    if not lines:
        raise WorkloadError(f"{path} holds no request")
    addresses, writes, earliest = zip(*lines, strict=True)
    return Requests(np.array(addresses, np.int64), np.array(writes, np.bool_), np.array(earliest, np.int64))


def _requests(path: Path, text: str) -> Iterator[tuple[int, bool, int]]:
    before = 0
    for number, line in enumerate(text.splitlines(), 1):
        wanted = line.partition("#")[0].strip()
        if not wanted:
            continue
        found = _LINE.fullmatch(wanted)
        if not found:
            raise WorkloadError(
                f"{path}, line {number}: expected ADDRESS [R|W] [CYCLE], for example 0x1f40 R 12, got {wanted[:60]!r}"
            )
        address, cycle = _number(found[1]), _number(found[3]) if found[3] else before
        if address >= 1 << 46:
            raise WorkloadError(f"{path}, line {number}: an address must be below 2^46, got {found[1][:60]}")
        if not before <= cycle <= LAST_CYCLE:
            raise WorkloadError(f"{path}, line {number}: the cycle must be in {before}..2^40, got {found[3][:60]}")
        before = cycle
        yield address, (found[2] or "R") in "Ww", cycle


def _number(text: str) -> int:
    """Return a number; of one with more than 60 digits the first 60, which is more than any field takes."""
    base, digits = (16, text[2:]) if text[:2] in ("0x", "0X") else (10, text)
    return int(digits.lstrip("0")[:60] or "0", base)
