"""Outcomes as people read them: tables, pictures, sentences."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tokensieve.report.accuracy import Part
from tokensieve.report.accuracyfigure import curves_png, scatter_png
from tokensieve.report.quantity import count, digits
from tokensieve.report.table import Column, Table
from tokensieve.validate.row import Agreement, Row
from tokensieve.validate.section import Outcome

VERDICTS = {"in": "in,", "out": "OUT,", "printed": "printed"}
COLUMNS = (
    Column(title="row", left=True),
    Column(title="expected"),
    Column(title="modelled"),
    Column(title="unit", left=True),
    Column(title="deviation"),
    Column(title="verdict", left=True),
    Column(title="remarks", left=True),
)
SCATTER_BAND = 0.05
"""Share at which a scatter plot has its dotted lines."""


def part(outcome: Outcome) -> Part:
    """Return an outcome as a part of the page."""
    section = outcome.section
    if section is None:
        return Part(name=outcome.name, title=outcome.title, table=None, notes=(f"Left out: {outcome.left_out}.",))
    remarks = tuple(dict.fromkeys(remark for row in section.rows for remark in _remarks(row)))
    return Part(
        name=outcome.name,
        title=outcome.title,
        notes=(*section.notes, *(agreement_words(name, one) for name, one in section.agreements.items())),
        table=Table(title=outcome.title, columns=COLUMNS, rows=tuple(_cells(row, remarks) for row in section.rows)),
        remarks=remarks,
        pictures=tuple(_captions(outcome)),
    )


def _remarks(row: Row) -> Iterator[str]:
    yield f"Source: {row.source}."
    if row.assumption:
        yield f"Assumes: {row.assumption}."
    if row.cause:
        yield f"Cause: {row.cause}."


def _cells(row: Row, remarks: Sequence[str]) -> tuple[str, ...]:
    deviation = row.deviation
    return (
        row.name,
        "-" if row.expected is None else figure(row.expected),
        figure(row.modelled),
        row.unit,
        "-" if deviation is None else f"{100 * deviation:+.2f} %",
        f"{VERDICTS[row.verdict]} {row.band.text}" if row.band else VERDICTS[row.verdict],
        " ".join(str(remarks.index(remark) + 1) for remark in _remarks(row)),
    )


def figure(value: float) -> str:
    """Return a figure as it is printed: whole numbers in full, others with four digits.

    >>> figure(196608), figure(0.27791), figure(258.38)
    ('196,608', '0.2779', '258.4')
    """
    return count(value) if value == value // 1 else digits(value)


def agreement_words(name: str, one: Agreement) -> str:
    """Return how well a group of rows agrees, in one sentence."""
    told = f"{name}: {one.rows} rows, mean deviation {100 * one.mean:.2f} %, largest {100 * one.largest:.2f} %"
    return told + ("." if one.correlation is None else f", correlation {one.correlation:.4f}.")


def _captions(outcome: Outcome) -> Iterator[tuple[str, str]]:
    """Yield file and caption of each picture."""
    if outcome.section and outcome.section.scatter:
        yield f"{outcome.name}.png", "modelled over expected; the dotted lines are 5 % away"
    if outcome.section and outcome.section.curves:
        yield f"{outcome.name}-curves.png", "; ".join(curve.title for curve in outcome.section.curves)


def pictures(outcome: Outcome) -> dict[str, bytes]:
    """Return the pictures of an outcome by file name."""
    made = {}
    if outcome.section and outcome.section.scatter:
        made[f"{outcome.name}.png"] = _scatter(outcome.section.scatter)
    if outcome.section and outcome.section.curves:
        made[f"{outcome.name}-curves.png"] = curves_png(outcome.section.curves)
    return made


def _scatter(groups: Mapping[str, tuple[Row, ...]]) -> bytes:
    pairs = {name: [(row.expected, row.modelled) for row in rows if row.expected] for name, rows in groups.items()}
    unit = next(row.unit for rows in groups.values() for row in rows)
    return scatter_png(pairs, unit, SCATTER_BAND)


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return how many rows were in their band, and those that were not."""
    rows = [(outcome, row) for outcome in outcomes for row in outcome.rows]
    verdicts = Counter(row.verdict for _, row in rows)
    resting = sum(row.verdict == "out" and not row.fails for _, row in rows)
    lines = [
        f"{len(rows)} rows: {verdicts['in']} in their band, {verdicts['out']} out of it ({resting} of them rest on an "
        f"assumption), {verdicts['printed']} printed only."
    ]
    lines += [f"out of its band: {o.name}: {r.name}{'' if r.fails else ' (assumption)'}" for o, r in rows if _out(r)]
    lines += [f"left out: {o.name}: {o.left_out}" for o in outcomes if o.section is None]
    return "\n".join(lines)


def _out(row: Row) -> bool:
    return row.verdict == "out"
