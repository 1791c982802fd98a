"""What other tools add to a CSV trace when they save it again: blanks, columns of row names, commas at the end."""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from tokensieve.workloads.columns import Column

_ROW_NAMES = re.compile(r"|Unnamed: \d+(\.\d+)*|X(\.\d+)?|\.\.\.1")
"""What pandas, R and readr call a column of row names that they read again: nothing, Unnamed: 0, X or ...1."""

_MOST_COMMAS = 3


def split_fields(text: str) -> list[str]:
    """Return the fields of a line, at least one, without the blanks around them."""
    return [field.strip() for field in next(csv.reader([text], skipinitialspace=True), [""])]


@dataclass(frozen=True)
class Margins:
    """Fields of each line that are passed over."""

    before: int = 0
    """Columns of row names."""

    after: int = 0
    """Empty fields at the end, of commas that a spreadsheet adds to every line."""

    @classmethod
    def of_header(cls, fields: list[str]) -> "Margins":
        """Return the margins of a file whose header has these fields."""
        before = after = 0
        while before < len(fields) - 1 and _ROW_NAMES.fullmatch(fields[before]):
            before += 1
        while after < len(fields) - before - 1 and not fields[-1 - after]:
            after += 1
        return cls(before, after)

    def within(self, fields: list[str], columns: int) -> list[str]:
        """Return what stands between the margins; a line of a file with so many `columns` may lack empty ends."""
        inner = fields[self.before :]
        cut = min(self.after, max(len(inner) - columns, 0))
        return inner[: len(inner) - cut] if cut and not any(inner[-cut:]) else inner


def parses(fields: list[str], columns: Mapping[str, Column]) -> bool:
    """Return whether `fields` are a row of `columns`."""
    return len(fields) == len(columns) and all(
        column.parse(text) is not None for column, text in zip(columns.values(), fields, strict=True)
    )


def has_decimal_commas(fields: list[str], columns: Mapping[str, Column]) -> bool:
    """Return whether too long a row is one of `columns` once some of its commas are taken for decimal points."""
    extra = len(fields) - len(columns)
    if not 0 < extra <= _MOST_COMMAS:
        return False
    ids = sum(name.endswith("_id") for name in columns)  # they come first and have no decimals
    places_of_digits = range(ids, len(fields) - 1)
    divided = [place for place in places_of_digits if fields[place].isdigit() and fields[place + 1].isdigit()]
    for places in combinations(divided, extra):
        merged: list[str] = []
        for place, field in enumerate(fields):
            if place - 1 in places:
                merged[-1] += f".{field}"
            else:
                merged.append(field)
        if parses(merged, columns):
            return True
    return False
