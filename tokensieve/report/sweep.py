"""What a sweep came to: a table, the best design, the knee, and one sentence that answers."""

import math
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from tokensieve.explore.dry import Dry
from tokensieve.explore.tally import KNEE, Objective, Outcome, Row
from tokensieve.report.designs import change, design, shown, word
from tokensieve.report.quantity import count, digits, prefix
from tokensieve.report.table import Column, Table
from tokensieve.sim.analytic.rough import SWEEPS

MOST_ROWS = 24
"""Rows of a table of the front."""

MOST_REASONS = 5
"""Rules and errors that are told."""

_UNITS = {"seconds": ("time", "s"), "energy_j.total": ("energy", "J"), "area_mm2.total": ("area", "mm2")}
_RATIOS = {"speedup": ("", "speedup"), "dram_reduction": ("DRAM", "reduction"), "energy_saving": ("energy", "saving")}


def sweep_page(outcome: Outcome, title: str, width: int) -> str:
    """Return all that `tokensieve sweep` prints, at most `width` characters wide."""
    parts = [counts_line(outcome), *reasons(outcome)]
    if outcome.best is not None:
        parts = [sweep_table(outcome, title).text(width), "", *parts, ""]
        parts += [line for told in (*_named(outcome), answer(outcome)) for line in wrap(told, width)]
    return "\n".join(parts)


def sweep_table(outcome: Outcome, title: str) -> Table:
    """Return one row per design of a small sweep, or of the front of a large one."""
    rows = _thinned(outcome)
    names = list(rows[0].figures)
    scales = {name: prefix(max(row.figures[name] for row in rows)) for name in ("seconds", "energy_j.total")}
    scales |= dict.fromkeys(("area_mm2.total", *_RATIOS), (1.0, ""))
    others = [i for i, one in enumerate(outcome.objectives) if one.text not in names]
    axes = list(rows[0].values)
    columns = (
        Column(title="design"),
        *(Column(title=name.replace(".", ".\n", 1), group="axes", left=_is_text(rows, name)) for name in axes),
        *(Column(title="\n".join(_head(name, scales[name])), group="figures") for name in names),
        *(Column(title=outcome.objectives[i].text, group="figures") for i in others),
        Column(title="bottleneck", group="figures", left=True),
        Column(title="", group="figures", left=True),
    )
    cells = tuple(
        (
            count(row.number),
            *(shown(row.values[name]) for name in axes),
            *(f"{row.figures[name] / scales[name][0]:,.3f}" for name in names),
            *(digits(row.wanted[i]) for i in others),
            row.bottleneck,
            _mark(row, outcome),
        )
        for row in rows
    )
    what = "" if outcome.whole else ": the front, the best first"
    return Table(title=f"{title}{what}", columns=columns, rows=cells)


def counts_line(outcome: Outcome) -> str:
    """Return how many designs were tried, and what became of them."""
    parts = [f"{count(outcome.designs)} designs", f"{count(outcome.valid)} valid"]
    refused, failed = sum(outcome.refused.values()), sum(outcome.failed.values())
    for many, what in (
        (refused, "refused"), (failed, "failed"), (outcome.excluded, "kept out by constraints before they were priced"),
        (outcome.broken, "that break a constraint"), (outcome.numberless, "whose objective is no number"),
    ):  # fmt: skip
        parts += [f"{count(many)} {what}"] if many else []
    if outcome.from_store:
        parts.append(f"{count(outcome.from_store)} points from the store")
    return f"{parts[0]}: {', '.join(parts[1:])}."


def nothing_valid(outcome: Outcome) -> str:
    """Return why a sweep has no design to offer."""
    lines = [f"no design of this sweep is valid: {counts_line(outcome)}", *reasons(outcome)]
    if outcome.excluded and outcome.designs == outcome.excluded:
        lines.append(f"  constraints: {'; '.join(outcome.held)}")
    if outcome.broken:
        priced = outcome.broken + outcome.numberless + outcome.valid
        lines += [f"  {text}: {count(held)} of {count(priced)} satisfy it" for text, held in outcome.held.items()]
    return "\n".join(lines)


def answer(outcome: Outcome) -> str:
    """Return the sentence that answers: which design to take, and what the best one would add.

    Raises nothing for a sweep with a valid design.
    """
    best, knee = outcome.best, outcome.knee
    assert best is not None
    assert knee is not None
    wanted, price = outcome.objectives[:2]
    taken = design(knee.values) or "the only design"
    if best.number == knee.number:
        return f"Take {taken}: no other design that was tried has {_better(wanted)} {word(wanted)}."
    differs = {name: value for name, value in best.values.items() if value != knee.values[name]}
    gain, cost = (change(best.wanted[i], knee.wanted[i]) for i in range(2))
    more = "more" if best.wanted[1] > knee.wanted[1] else "less"
    return f"Take {taken}; {design(differs)} buys {gain} of {word(wanted)} for {cost} {more} {word(price)}."


def dry_page(dry: Dry, width: int) -> str:
    """Return all that `tokensieve sweep --dry-run` prints."""
    about = "" if dry.looked_at == dry.designs else f" of {count(dry.looked_at)} looked at"
    lines = [f"{count(dry.designs)} designs, {count(dry.points)} design points."]
    lines += [f"  refused {count(many)}{about}: {why}" for why, many in list(dry.refused.items())[:MOST_REASONS]]
    if dry.excluded:
        lines.append(f"  kept out by constraints {count(dry.excluded)}{about}")
    if dry.seconds is None:
        lines.append("None of the designs that were tried is valid.")
    else:
        lines.append(
            f"About {_duration(dry.seconds)} on {dry.workers} processes (a probe of {count(dry.priced)} designs), "
            f"{dry.process_mb:.0f} MB a process, {digits(dry.store_mb)} MB of a store at level {dry.level}."
        )
    return "\n".join(line for told in lines for line in wrap(told, width, subsequent_indent="    "))


def _duration(seconds: float) -> str:
    """Return a time as a person would say it.

    >>> _duration(0.4), _duration(95), _duration(8000)
    ('1 s', '95 s', '2.2 h')
    """
    if seconds < 120:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def outcome_object(outcome: Outcome, title: str) -> dict[str, Any]:
    """Return an outcome as JSON has it."""
    return {
        "title": title,
        "designs": outcome.designs,
        "valid": outcome.valid,
        "excluded": outcome.excluded,
        "broken": outcome.broken,
        "numberless": outcome.numberless,
        "refused": dict(outcome.refused),
        "failed": dict(outcome.failed),
        "from_store": outcome.from_store,
        "without_rtl": outcome.without_rtl,
        "objectives": [objective_text(one) for one in outcome.objectives],
        "whole": outcome.whole,
        "rows": [row_object(row, outcome) for row in outcome.rows],
        "best": None if outcome.best is None else named_object(outcome.best, outcome),
        "knee": None if outcome.knee is None else named_object(outcome.knee, outcome),
        "answer": None if outcome.best is None else answer(outcome),
    }


def row_object(row: Row, outcome: Outcome) -> dict[str, Any]:
    """Return a design as JSON has it."""
    wanted = {objective_text(one): value for one, value in zip(outcome.objectives, row.wanted, strict=True)}
    return {
        "number": row.number,
        "values": dict(row.values),
        "figures": {**row.figures, **wanted},
        "bottleneck": row.bottleneck,
        "fits": row.fits,
    }


def named_object(row: Row, outcome: Outcome) -> dict[str, Any]:
    """Return the best design, or the knee, as JSON has it: with its point in the store, null without one."""
    return {**row_object(row, outcome), "point": outcome.points.get(row.number)}


def objective_text(one: Objective) -> str:
    """Return an objective as a sweep file has it."""
    return f"max {one.text}" if one.largest else one.text


def _named(outcome: Outcome) -> list[str]:
    best, knee = outcome.best, outcome.knee
    assert best is not None
    assert knee is not None
    first, second = (word(one) for one in outcome.objectives[:2])
    top = f"Best {first}: design {count(best.number)} ({design(best.values) or 'the only one'})"
    if best.number == knee.number:
        return [f"{top}, which is also the knee.", *_stored(outcome)]
    return [
        f"{top}.",
        f"Knee, the {_least(outcome.objectives[1])} {second} within {100 * KNEE:g} % of that: design "
        f"{count(knee.number)} ({design(knee.values)}).",
        *_stored(outcome),
    ]


def _stored(outcome: Outcome) -> list[str]:
    """Return which points of the store the best design and the knee are; nothing without a store."""
    points = [outcome.points.get(row.number) for row in (outcome.best, outcome.knee) if row is not None]
    if not points or None in points:
        return []
    also = "" if points[0] == points[1] else f" and the knee point {points[1]}"
    return [f"In the store, the best is point {points[0]}{also}."]


def reasons(outcome: Outcome) -> list[str]:
    """Return the commonest rules and errors, a line each."""
    lines = []
    for what, rules in (("refused", outcome.refused), ("failed", outcome.failed)):
        told = list(rules.items())
        for why, many in told[:MOST_REASONS]:
            lines.append(f"  {what} {count(many)}: {why}")
            lines += ["    --allow-rough lets them pass, as estimates"] if why.endswith(SWEEPS) else []
        if len(told) > MOST_REASONS:
            left = sum(many for _, many in told[MOST_REASONS:])
            lines.append(f"  {what} {count(left)} by {len(told) - MOST_REASONS} other rules")
    if outcome.without_rtl:
        lines.append(f"  without figures of fpga {count(outcome.without_rtl)}: there is no RTL of their top-k engine")
    return lines


def _thinned(outcome: Outcome) -> list[Row]:
    """Return the rows of the table: all, or some of a long front, the best and the knee among them."""
    rows = list(outcome.rows)
    if outcome.whole or len(rows) <= MOST_ROWS:
        return rows
    places = {round(i * (len(rows) - 1) / (MOST_ROWS - 1)) for i in range(MOST_ROWS)}
    named = {one.number for one in (outcome.best, outcome.knee) if one is not None}
    return [row for i, row in enumerate(rows) if i in places or row.number in named]


def _mark(row: Row, outcome: Outcome) -> str:
    marks = [
        what
        for what, one in (("best", outcome.best), ("knee", outcome.knee))
        if one is not None and one.number == row.number
    ]
    if not row.fits:
        return "breaks a constraint" if all(map(math.isfinite, row.wanted)) else "no number"
    return ", ".join(marks)


def _head(name: str, scale: tuple[float, str]) -> tuple[str, str]:
    if name in _RATIOS:
        return _RATIOS[name]
    title, unit = _UNITS[name]
    return title, f"{scale[1]}{unit}"


def _is_text(rows: Sequence[Row], name: str) -> bool:
    return any(isinstance(row.values[name], str) for row in rows)


def _least(one: Objective) -> str:
    return "most" if one.largest else "least"


def _better(one: Objective) -> str:
    return "more" if one.largest else "less"
