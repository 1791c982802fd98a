"""What a store answers, as pages: the front, the best design and the knee."""

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from tokensieve.explore.answers import Best, Front
from tokensieve.explore.selection import Selection
from tokensieve.explore.tally import KNEE, SHOWN, Objective
from tokensieve.report.designs import change, design, scale, shown, told, word
from tokensieve.report.quantity import count
from tokensieve.report.table import Column, Table

MOST_ROWS = 40
"""Designs of a front that are printed; the rest is in --json."""

_HEADS = {"seconds": "time", "energy_j.total": "energy", "area_mm2.total": "area"}


def about(designs: Selection) -> str:
    """Return what the designs were priced on."""
    means = ", weighted geometric means" if len(set(designs.weights)) > 1 else ", geometric means"
    return f"{', '.join(designs.workloads)}, level {designs.level}{means if len(designs.workloads) > 1 else ''}"


def designs_table(
    rows: Sequence[Mapping[str, Any]], objectives: Sequence[Objective], marks: Sequence[str], title: str
) -> Table:
    """Return one line for each of `rows`, as `--json` has them, with what is said of each in `marks`."""
    others = [one for one in objectives if one.text not in SHOWN]
    texts = [*SHOWN, *(f"max {one.text}" if one.largest else one.text for one in others)]
    names = [*SHOWN, *(one.text for one in others)]
    scales = [scale(n, max(abs(row["figures"][t]) for row in rows)) for n, t in zip(names, texts, strict=True)]
    heads = [_HEADS.get(name, name) for name in names]
    axes = list(rows[0]["values"])
    words = [any(isinstance(row["values"][name], str) for row in rows) for name in axes]
    columns = (
        Column(title="point"),
        *(
            Column(title=name.replace(".", ".\n", 1), group="axes", left=left)
            for name, left in zip(axes, words, strict=True)
        ),
        *(Column(title=f"{head}\n{own}", group="figures") for head, (_, own) in zip(heads, scales, strict=True)),
        Column(title="bottleneck", group="figures", left=True),
        *([Column(title="", group="figures", left=True)] if any(marks) else []),
    )
    cells = tuple(
        (
            str(row["ids"][0]) if row["ids"] else "",
            *(shown(row["values"].get(name, "")) for name in axes),
            *(_figure(row["figures"][text] / by) for text, (by, _) in zip(texts, scales, strict=True)),
            row["bottleneck"],
            *([mark] if any(marks) else []),
        )
        for row, mark in zip(rows, marks, strict=True)
    )
    return Table(title=title, columns=columns, rows=cells)


def front_page(front: Front, mark: Mapping[str, Any] | None, name: str, width: int) -> str:
    """Return all that `tokensieve pareto` prints; `mark` is the row of the machine `name`, where it is marked."""
    rows = front.rows()
    some = _thinned(rows)
    every, marks = [*some, *([mark] if mark else [])], [""] * len(some) + ([name] if mark else [])
    words = " and ".join(word(one) for one in front.objectives)
    title = f"Front of {words}: {about(front.designs)}"
    lines = [designs_table(every, front.objectives, marks, title).text(width), ""]
    lines += wrap(_front_line(front, len(some)), width)
    if mark:
        lines += wrap(_against(front, rows, mark, name), width)
    return "\n".join(lines)


def best_page(best: Best, width: int) -> str:
    """Return all that `tokensieve best` prints."""
    rows, own = [best.best, best.knee][: len(best.designs)], best.objectives
    marks = ["best, knee"] if len(rows) == 1 else ["best", "knee"]
    title = f"Best {word(own[0])}: {about(best.designs)}"
    lines = [designs_table(rows, own, marks, title).text(width), ""]
    fitting = f"{count(best.fitting)} of {count(best.compared)} designs satisfy the constraints." if best.held else ""
    lines += [*wrap(fitting, width), *wrap(best_line(best), width)]
    return "\n".join(lines)


def best_line(best: Best) -> str:
    """Return in a sentence which design to take, and what the best one adds to the knee."""
    first, second = best.objectives[:2]
    top, knee = best.best, best.knee
    figure = told(first.text, float(best.wanted[0, 0]))
    if len(best.designs) == 1:
        return f"Best {word(first)}: point {top['ids'][0]} ({design(top['values'])}), {figure}; it is the knee, too."
    more = "more" if best.wanted[1, 0] > best.wanted[1, 1] else "less"
    gain, price = (change(float(best.wanted[i, 0]), float(best.wanted[i, 1])) for i in range(2))
    return (
        f"Best {word(first)}: point {top['ids'][0]} ({design(top['values'])}), {figure}. "
        f"Knee, within {100 * KNEE:g} % of that: point {knee['ids'][0]} ({design(knee['values'])}); the best one buys "
        f"{gain} of {word(first)} for {price} {more} {word(second)}."
    )


def _thinned(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return some of a long front, its ends among them."""
    if len(rows) <= MOST_ROWS:
        return list(rows)
    return [rows[round(i * (len(rows) - 1) / (MOST_ROWS - 1))] for i in range(MOST_ROWS)]


def _front_line(front: Front, printed: int) -> str:
    compared = front.others.shape[1]
    less = f", of which {count(printed)} are printed" if printed < len(front.designs) else ""
    left = f" {count(front.designs.partial)} designs are left out: not priced on all workloads." * bool(
        front.designs.partial
    )
    return f"{count(len(front.designs))} of {count(compared)} designs are on the front{less}.{left}"


def _against(front: Front, rows: Sequence[Mapping[str, Any]], mark: Mapping[str, Any], name: str) -> str:
    """Return how many designs of the front beat the marked machine."""
    texts = [f"max {one.text}" if one.largest else one.text for one in front.objectives]

    def no_worse(row: Mapping[str, Any], text: str) -> bool:
        a, b = row["figures"][text], mark["figures"][text]
        return bool(a >= b if text.startswith("max ") else a <= b)

    beating = sum(all(no_worse(row, text) for text in texts) for row in rows)
    if not beating:
        return f"No design of the front is as good as {name} in every objective."
    return f"{count(beating)} of them are as good as {name} or better in every objective."


def _figure(value: float) -> str:
    if value == round(value) and abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:,.3f}" if 1e-2 <= abs(value) < 1e7 or not value else f"{value:.3e}"
