"""The accuracy page, and the same as plain text: parts with a table each, remarks below it and pictures."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill

from tokensieve.report.markdown import table as markdown_table
from tokensieve.report.table import Table

IMAGES = "img"
"""Folder of the pictures, beside the page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A section, ready to be written."""

    name: str
    """Name on the command line, and stem of its pictures."""

    table: Table | None
    """None where the section was left out."""

    title: str
    notes: tuple[str, ...] = ()
    """Paragraphs above the table."""

    remarks: tuple[str, ...] = ()
    """What the numbers in the last column of the table stand for, in order from 1."""

    pictures: tuple[tuple[str, str], ...] = ()
    """File and caption of each picture."""


def page(parts: Sequence[Part], head: str, tail: str) -> str:
    """Return the Markdown page: `head`, a section for each part, `tail`."""
    return "\n\n".join([head, *(_markdown(part) for part in parts), tail]) + "\n"


def _markdown(part: Part) -> str:
    blocks = [f"## {part.title}", f"`tokensieve validate --section {part.name}`", *part.notes]
    blocks += [f"![{caption}]({IMAGES}/{file})" for file, caption in part.pictures]
    if part.table is not None:
        titles = [column.title.replace("\n", " ") for column in part.table.columns]
        blocks.append(markdown_table(titles, part.table.rows))
    if part.remarks:
        blocks.append("\n".join(f"{number}. {remark}" for number, remark in enumerate(part.remarks, 1)))
    return "\n\n".join(blocks)


def text(part: Part, width: int) -> str:
    """Return a part as plain text at most `width` wide, if its table is not wider than that."""
    blocks = [fill(note, width) for note in part.notes]
    blocks.insert(0, part.table.text(width) if part.table else part.title)
    blocks += [fill(f"[{number}] {one}", width, subsequent_indent="    ") for number, one in enumerate(part.remarks, 1)]
    return "\n".join(blocks) + "\n"
