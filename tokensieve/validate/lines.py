"""CSV files of the reference data, whose lines know where they stand."""

import csv
import io
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.reading import read_text

MOST = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a file; what it refuses is a `WorkloadError` that names file, line and field."""

    place: str
    fields: Mapping[str, str | None]

    def text(self, name: str, known: Collection[str] | None = None) -> str:
        """Return a field, one of `known` where that is given."""
        value = self._given(name)
        if known is not None and value not in known:
            self.refuse(f"{name} must be one of {', '.join(known)}, got {value!r}")
        return value

    def whole(self, name: str, low: int = 0, high: int = MOST) -> int:
        """Return a field that must be a whole number in `low`..`high`."""
        text = self._given(name).strip()
        digits = text.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
            self.refuse(f"{name} must be a whole number, got {text[:40]!r}")
        if not low <= int(text) <= high:
            self.refuse(f"{name} must be {f'in {low}..{high}' if high < MOST else f'at least {low}'}, got {text}")
        return int(text)

    def _given(self, name: str) -> str:
        value = self.fields.get(name)
        if value is None:
            self.refuse(f"there is no {name}")
        return value

    def refuse(self, problem: str) -> NoReturn:
        """Raise the error of this line."""
        raise WorkloadError(f"{self.place}: {problem}")


def read_lines(path: Path, columns: Iterable[str]) -> list[Line]:
    """Return the lines of a CSV file that has `columns`, and maybe others.

    Raises `WorkloadError` for what is no UTF-8 text, a missing column, and no lines at all.
    """
    text = read_text(path, WorkloadError)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    missing = sorted(set(columns) - set(reader.fieldnames or ()))
    if missing:
        raise WorkloadError(f"{path}: there must be a column {missing[0]}")
    lines = [Line(f"{path}, line {reader.line_num}", fields) for fields in reader]
    if not lines:
        raise WorkloadError(f"{path}: there are no lines below the columns")
    return lines


def column(lines: Iterable[Line], name: str, low: int = 0, high: int = MOST) -> npt.NDArray[np.int64]:
    """Return the whole numbers of a column."""
    return np.array([line.whole(name, low, high) for line in lines], np.int64)
