"""A section of the validation: rows that belong together, with what has to be said and drawn about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tokensieve.report.accuracyfigure import Curve
from tokensieve.validate.row import Agreement, Row, agreement


class LeftOut(Exception):  # noqa: N818 -- no error: the reason why a section cannot be computed here
    """A section cannot be computed here. The message says what is missing; nothing fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Rows that belong together."""

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    """Paragraphs for the reader: what was run, and what a deviation is put down to."""

    scatter: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    """Groups of rows of one unit, by name, that are drawn modelled over expected."""

    curves: tuple[Curve, ...] = ()

    @property
    def agreements(self) -> dict[str, Agreement]:
        """How well each group of `scatter` agrees."""
        return {name: agreement(rows) for name, rows in self.scatter.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Outcome of a section that was asked for: its rows, or why it was left out."""

    name: str
    title: str
    section: Section | None
    """None where it was left out."""

    left_out: str | None = None
    """Why."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Rows, none where the section was left out."""
        return self.section.rows if self.section else ()


@dataclass(frozen=True, slots=True)
class Data:
    """The reference data, which stand beside the repository and not in it."""

    folder: Path

    def file(self, name: str) -> Path:
        """Return the path of the file called `name` in the folder; raise `LeftOut` where it is missing."""
        path = self.folder / name
        if not path.is_file():
            raise LeftOut(f"{name} is not in the folder of the reference data (--data)")
        return path


def passed(outcomes: Sequence[Outcome]) -> bool:
    """Return whether no row that needs no assumption is out of its band."""
    return not any(row.fails for outcome in outcomes for row in outcome.rows)
