"""Tables as data: columns and rows of strings, cut into pieces that fit a width, and written as plain text."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Self

GAP = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Head of one column."""

    title: str
    """Title, which may have several lines."""

    group: str = ""
    """Columns of one group stay together while they fit."""

    left: bool = False
    """Whether the cells are words, set to the left, and not numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A titled table. Its first column names the rows, and is repeated in every piece."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    def widths(self) -> list[int]:
        """Return the width of each column, in characters."""
        cells = zip(*(c.title.split("\n") for c in self._even()), strict=True)
        lines = [*cells, *self.rows]
        return [max(len(line[i]) for line in lines) for i in range(len(self.columns))]

    def _even(self) -> list[Column]:
        """Return the columns with titles of equally many lines."""
        lines = max(c.title.count("\n") for c in self.columns)
        return [replace(c, title="\n" * (lines - c.title.count("\n")) + c.title) for c in self.columns]

    def pieces(self, width: int) -> list[Self]:
        """Return tables that hold the columns of this one and are at most `width` wide, if one pair of columns is."""
        widths = self.widths()
        room = width - widths[0]
        packed = [p for group in self._packed(self._groups(), widths, room) for p in self._broken(group, widths, room)]
        return [self._only((0, *piece)) for piece in packed]

    def _groups(self) -> list[list[int]]:
        """Return the numbers of the columns after the first, in runs of one group."""
        runs: list[list[int]] = []
        for i in range(1, len(self.columns)):
            if runs and self.columns[runs[-1][-1]].group == self.columns[i].group:
                runs[-1].append(i)
            else:
                runs.append([i])
        return runs

    def _packed(self, runs: Iterable[list[int]], widths: Sequence[int], room: int) -> list[list[int]]:
        """Return `runs` joined, first come first, as long as they fit beside one another."""
        packed: list[list[int]] = []
        for run in runs:
            if packed and _width([*packed[-1], *run], widths) <= room:
                packed[-1] += run
            else:
                packed.append(list(run))
        return packed

    def _broken(self, run: list[int], widths: Sequence[int], room: int) -> list[list[int]]:
        """Return `run` in pieces that fit: one, unless it is too wide."""
        if _width(run, widths) <= room:
            return [run]
        return self._packed([[i] for i in run], widths, room)

    def _only(self, chosen: Sequence[int]) -> Self:
        return replace(
            self,
            columns=tuple(self.columns[i] for i in chosen),
            rows=tuple(tuple(row[i] for i in chosen) for row in self.rows),
        )

    def text(self, width: int) -> str:
        """Return the table as lines of text at most `width` wide, the title above and in pieces where it has to be."""
        pieces = ["\n".join(piece._lines()) for piece in self.pieces(width)]
        return f"{self.title}\n" + f"\n\n{self.title}, continued\n".join(pieces)

    def _lines(self) -> list[str]:
        widths, columns = self.widths(), self._even()
        heads = zip(*(c.title.split("\n") for c in columns), strict=True)
        rule = tuple("-" * w for w in widths)
        return [self._line(cells, widths) for cells in (*heads, rule, *self.rows)]

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        set_ = zip(self.columns, cells, widths, strict=True)
        return GAP.join(t.ljust(w) if c.left else t.rjust(w) for c, t, w in set_).rstrip()


def _width(run: Iterable[int], widths: Sequence[int]) -> int:
    return sum(len(GAP) + widths[i] for i in run)
