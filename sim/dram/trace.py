"""Streams of DRAM requests from text files, in the forms that DRAM simulators read.

A line is one request. Empty lines, and what follows ``#``, are passed over; blanks, tabs or a comma stand between the
fields, and a byte order mark may come first. The forms:

* ``tokensieve``: byte address (decimal, or hexadecimal behind 0x), then, if wanted, ``R``/``READ`` or ``W``/``WRITE``
  (a read if left out) and the earliest cycle at which it may be sent (0 if left out; never before that of the line
  above).
* ``dramsim3``: address (hexadecimal, with or without 0x), ``READ`` or ``WRITE``, and that cycle.
* ``ramulator``: ``LD``, ``ST``, ``R`` or ``W``, then the address (Ramulator 2); or the other way about (Ramulator 1).

``auto`` takes the form of the first request. A line that begins with a word is ``ramulator``; one that has three
fields and says ``READ`` or ``WRITE`` in full is ``dramsim3``.
"""

import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError, nearest
from tokensieve.arch.reading import not_utf8, open_text, read_bytes
from tokensieve.arch.wholes import whole_number

LAST_CYCLE = 1 << 40
MOST_REQUESTS = 10_000_000
"""Most requests of a file."""

_LONGEST_LINE = 1 << 14
_BITS = 64
_WRITES = {"R": 0, "READ": 0, "LD": 0, "W": 1, "WRITE": 1, "ST": 1}
_HEX = re.compile(r"(0[xX])?([0-9a-fA-F]+)", re.ASCII)
_BETWEEN = re.compile(r"[ \t]*[ \t,][ \t]*")

Fields = tuple[str, str, str]
"""Address, direction and cycle; one that is left out is empty."""


@dataclass(frozen=True, slots=True)
class Requests:
    """A stream of requests, in order."""

    addresses: npt.NDArray[np.uint64]
    writes: npt.NDArray[np.bool_]
    earliest: npt.NDArray[np.int64]
    """Cycle before which a request is not sent, never falling."""

    form: str
    """Form that the file was read in, of `FORMS`."""


@dataclass(frozen=True, slots=True)
class _Form:
    """One form of a line."""

    shown: str
    """What a line must be, in an error."""

    split: Callable[[Sequence[str]], Fields | None]
    """Returns the fields of a request, or None where it is none."""

    hexadecimal: bool = False
    """Whether addresses are hexadecimal without 0x, too."""


def _tokensieve(fields: Sequence[str]) -> Fields | None:
    if len(fields) == 2 and not _is_direction(fields[1]):
        return fields[0], "", fields[1]
    return _padded(fields) if len(fields) == 1 or (len(fields) <= 3 and _is_direction(fields[1])) else None


def _dramsim3(fields: Sequence[str]) -> Fields | None:
    return _padded(fields) if len(fields) == 3 and fields[1].upper() in ("READ", "WRITE") else None


def _ramulator(fields: Sequence[str]) -> Fields | None:
    if len(fields) != 2:
        return None
    address, direction = fields if _is_direction(fields[1]) else fields[::-1]
    return (address, direction, "") if _is_direction(direction) else None


def _is_direction(field: str) -> bool:
    return field.upper() in _WRITES


def _padded(fields: Sequence[str]) -> Fields:
    address, direction, cycle = (*fields, "", "")[:3]
    return address, direction, cycle


_FORMS = {
    "tokensieve": _Form("ADDRESS [R|W] [CYCLE], for example 0x1f40 R 12", _tokensieve),
    "dramsim3": _Form("ADDRESS READ|WRITE CYCLE, for example 0x1f40 READ 12", _dramsim3, hexadecimal=True),
    "ramulator": _Form("LD|ST|R|W ADDRESS or ADDRESS R|W, for example LD 0x1f40", _ramulator),
}
FORMS = ("auto", *_FORMS)
"""What `form` of `read_requests` may be."""


def read_requests(path: Path, form: str = "auto") -> Requests:
    """Return the requests of a file; raises `WorkloadError` naming file, line and rule."""
    if form not in FORMS:
        raise WorkloadError(f"form must be one of {', '.join(FORMS)}, got {form!r}{nearest(form, FORMS)}")
    try:
        with open_text(path, WorkloadError) as file:
            return _Reader(path, form).read(iter(lambda: file.readline(_LONGEST_LINE), ""))
    except UnicodeDecodeError:
        raise WorkloadError(f"{path}: {not_utf8(read_bytes(path, WorkloadError))}") from None


class _Reader:
    """Reads one file, line by line."""

    def __init__(self, path: Path, form: str) -> None:
        self._path, self._form, self._line, self._before = path, form, 0, 0

    def read(self, lines: Iterable[str]) -> Requests:
        """Return the requests in `lines`."""
        addresses, writes, earliest = array("Q"), array("b"), array("q")
        for self._line, line in enumerate(lines, 1):
            wanted = line.partition("#")[0].strip()
            if len(line) >= _LONGEST_LINE:
                raise self._wrong(f"a line must be shorter than {_LONGEST_LINE:,} characters")
            if wanted:
                address, write, self._before = self._request(wanted)
                addresses.append(address)
                writes.append(write)
                earliest.append(self._before)
            if len(addresses) > MOST_REQUESTS:
                raise self._wrong(f"a file must hold at most {MOST_REQUESTS:,} requests")
        if not addresses:
            raise WorkloadError(f"{self._path} holds no request")
        return Requests(
            np.array(addresses, np.uint64), np.array(writes, np.bool_), np.array(earliest, np.int64), self._form
        )

    def _request(self, text: str) -> tuple[int, int, int]:
        fields = _BETWEEN.split(text)
        if self._form == "auto":
            self._form = _form_of(fields)
        form = _FORMS[self._form]
        found = form.split(fields)
        address = _address(found[0], form.hexadecimal) if found else None
        cycle = self._cycle(found[2]) if found else None
        if found is None or address is None or cycle is None:
            raise self._wrong(f"expected {form.shown}, got {text[:60]!r}")
        if address >> _BITS:
            raise self._wrong(f"an address must be below 2^{_BITS}, got {found[0][:60]}")
        if not self._before <= cycle <= LAST_CYCLE:
            raise self._wrong(f"the cycle must be in {self._before}..2^40, got {found[2][:60]}")
        return address, _WRITES.get(found[1].upper(), 0), cycle

    def _cycle(self, text: str) -> int | None:
        return _number(text) if text else self._before

    def _wrong(self, why: str) -> WorkloadError:
        return WorkloadError(f"{self._path}, line {self._line}: {why}")


def _form_of(fields: Sequence[str]) -> str:
    """Return the form of a file whose first request has these fields."""
    if _is_direction(fields[0]):
        return "ramulator"
    return "dramsim3" if _dramsim3(fields) else "tokensieve"


def _address(text: str, hexadecimal: bool) -> int | None:
    found = _HEX.fullmatch(text)
    return _digits(found[2], 16) if found and (found[1] or hexadecimal) else _number(text)


def _number(text: str) -> int | None:
    if text.isascii() and text.isdigit():
        return _digits(text, 10)
    return None if text.startswith("-") else whole_number(text)


def _digits(text: str, base: int) -> int:
    """Return a number; of one with more than 60 digits the first 60, which is more than any field takes."""
    return int(text.lstrip("0")[:60] or "0", base)
