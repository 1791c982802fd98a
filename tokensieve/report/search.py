"""What a search came to: the front, the best design by each objective, how far apart levels are, what it cost."""

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from tokensieve.explore.promote import Confirmed, Promotion
from tokensieve.explore.search import Found
from tokensieve.explore.tally import Objective, Outcome, Row
from tokensieve.report.designs import design, told, word, word_of
from tokensieve.report.quantity import count
from tokensieve.report.sweep import (
    answer,
    counts_line,
    named_object,
    objective_text,
    outcome_object,
    reasons,
    sweep_table,
)
from tokensieve.report.table import Column, Table


def search_page(
    found: Found, promotion: Promotion | None, confirmed: Sequence[Confirmed] | None, title: str, width: int
) -> str:
    """Return all that `tokensieve search` prints, at most `width` characters wide."""
    closer = promotion is not None and bool(promotion.best)
    outcome, best = (promotion.outcome, promotion.best) if closer and promotion else (found.outcome, found.best)
    level = f", then {promotion.level}" if closer and promotion else ""
    parts = [sweep_table(outcome, f"{title}{level}").text(width), ""]
    parts += wrap(cost(found), width)
    parts += reasons(found.outcome)
    if promotion is not None:
        parts += _promoted(promotion, width)
    if confirmed is not None:
        parts += ["", *(line for one in confirmed for line in _lines(confirmed_line(one), width))]
    parts.append("")
    for line in (*best_lines(outcome.objectives, best), *_stored(outcome, best), answer(outcome)):
        parts += wrap(line, width)
    return "\n".join(parts)


def _lines(text: str, width: int) -> list[str]:
    return wrap(text, width, subsequent_indent="  ", break_on_hyphens=False)


def cost(found: Found) -> str:
    """Return what a search tried, and how it came to it."""
    tried, options = len(found.tried), found.options
    share = 100 * tried / found.size
    how = (
        "all of them" if tried == found.size
        else f"{tried:,} tried, {share:.2g} %, by {options.method} with seed {options.seed}"
    )  # fmt: skip
    again = found.asked - tried
    repeated = f" {count(again)} proposals had been tried before." if again else ""
    return f"A space of {found.size:,} designs, {how}.{repeated} {counts_line(found.outcome)}"


def best_lines(objectives: Sequence[Objective], best: Sequence[Row]) -> list[str]:
    """Return the best design by each objective, a line each."""
    return [
        f"Best {word(one)}: design {count(row.number)} ({design(row.values) or 'the only one'}), "
        f"{told(one.text, row.wanted[i])}."
        for i, (one, row) in enumerate(zip(objectives, best, strict=True))
    ]


def _stored(outcome: Outcome, best: Sequence[Row]) -> list[str]:
    """Return which points of the store the best designs are; nothing without a store."""
    points = [outcome.points.get(row.number) for row in best]
    if not points or None in points:
        return []
    told = (f"{point} ({word(one)})" for one, point in zip(outcome.objectives, points, strict=True))
    return [f"In the store, the best are points {', '.join(told)}."]


def _promoted(promotion: Promotion, width: int) -> list[str]:
    """Return what is said of promoted designs."""
    lines = ["", *wrap(promoted_line(promotion), width), *reasons(promotion.outcome)]
    if promotion.apart:
        lines += ["", errors_table(promotion).text(width)]
    return lines


def promoted_line(promotion: Promotion) -> str:
    """Return how many designs were promoted."""
    many, outcome = len(promotion.numbers), promotion.outcome
    stored = f", {count(outcome.from_store)} points from the store" if outcome.from_store else ""
    bad = f", {count(many - outcome.valid)} are not valid" if many > outcome.valid else ""
    return (
        f"Priced again at level {promotion.level}: {count(many)} designs, {count(promotion.of_front)} of them of the "
        f"front{stored}; {count(len(outcome.rows))} are on the front there{bad}."
    )


def errors_table(promotion: Promotion) -> Table:
    """Return how far apart the levels are in each objective, on the front and at its best design."""
    columns = (
        Column(title="objective", left=True),
        Column(title="median\nerror", group="figures"),
        Column(title="largest\nerror", group="figures"),
        Column(title="best by screening\nis worse by", group="figures"),
    )
    rows = tuple(
        (word_of(one.objective), *(f"{100 * x:.2f} %" for x in (one.median, one.largest, one.lost)))
        for one in promotion.apart
    )
    return Table(title=f"the front's figures beside those at level {promotion.level}", columns=columns, rows=rows)


def confirmed_line(one: Confirmed) -> str:
    """Return what came of one top-k engine."""
    who = f"{one.engine}, {one.lanes} lanes ({count(len(one.designs))} designs of the front)"
    if one.played is None:
        return f"Not played at level rtl: top-k {who}: {one.why}."
    many = sum(one.played["commands"].values())
    if not many:
        return f"Not played at level rtl: top-k {who}: {one.work} has no selection that searches."
    return (
        f"Confirmed at level rtl: top-k {who}: {count(many)} commands of {one.work} on the Verilog give golden's "
        f"answers in the law's cycles, {count(one.played['cycles_rtl'])}."
    )


def search_object(
    found: Found, promotion: Promotion | None, confirmed: Sequence[Confirmed] | None, title: str
) -> dict[str, Any]:
    """Return a search as JSON has it."""
    options = found.options
    return {
        **_outcome(found.outcome, found.best, title),
        "space": found.size,
        "evaluations": len(found.tried),
        "proposals": found.asked,
        "sampler": options.method,
        "seed": options.seed,
        "batch": options.batch,
        "promotion": None if promotion is None else _promotion(promotion, title),
        "confirmed": None if confirmed is None else [_confirmed(one) for one in confirmed],
    }


def _outcome(outcome: Outcome, best: Sequence[Row], title: str) -> dict[str, Any]:
    names = [objective_text(one) for one in outcome.objectives]
    return {
        **outcome_object(outcome, title),
        "best_by": {name: named_object(row, outcome) for name, row in zip(names, best, strict=False)},
    }


def _promotion(promotion: Promotion, title: str) -> dict[str, Any]:
    return {
        "level": promotion.level,
        "numbers": promotion.numbers.tolist(),
        "of_front": promotion.of_front,
        "errors": {
            one.objective: {"median": one.median, "largest": one.largest, "best_is_worse_by": one.lost}
            for one in promotion.apart
        },
        **_outcome(promotion.outcome, promotion.best, title),
    }


def _confirmed(one: Confirmed) -> dict[str, Any]:
    return {
        "engine": one.engine,
        "lanes": one.lanes,
        "workload": one.work,
        "designs": list(one.designs),
        "rtl": None if one.played is None else dict(one.played),
        "why": one.why,
    }
