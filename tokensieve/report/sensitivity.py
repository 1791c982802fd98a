"""Which fields matter, as tables and in one sentence."""

from textwrap import wrap
from typing import Any

import numpy as np

from tokensieve.explore.sensitivity import Effect, Sensitivity
from tokensieve.explore.sobol import Indices, SobolIndices
from tokensieve.report.designs import design, told, word, word_of
from tokensieve.report.quantity import count
from tokensieve.report.table import Column, Table

NOTHING = 5e-4
"""Swing, or share of the variance, below which a field is said to do nothing."""


def sensitivity_page(found: Sensitivity, title: str, width: int) -> str:
    """Return all that `tokensieve sensitivity` prints without --sobol."""
    tables = [_table(found, i, title).text(width) for i in range(len(found.objectives))]
    base = f"Base design: {design(found.base)}."
    return "\n".join(["\n\n".join(tables), "", *wrap(base, width), *wrap(sensitivity_line(found), width)])


def sensitivity_line(found: Sensitivity) -> str:
    """Return in a sentence which field moves the first objective most, and which do not."""
    first = word(found.objectives[0])
    idle = [one.name for one in found.effects if found.swing(one) < NOTHING]
    top = found.effects[0]
    if len(idle) == len(found.effects):
        return f"No field moves {first} by itself."
    rest = f"; {', '.join(idle)} {'does' if len(idle) == 1 else 'do'} nothing to it" if idle else ""
    return f"{top.name} moves {first} most: by {100 * found.swing(top):.1f} % of the base design's{rest}."


def sobol_page(found: SobolIndices, title: str, width: int) -> str:
    """Return all that `tokensieve sensitivity --sobol` prints."""
    tables = [
        _sobol_table(found, indices, f"{title}: share of the variance of {_name(text)}").text(width)
        for text, indices in zip(found.objectives, found.indices, strict=True)
    ]
    left = found.drawn - found.blocks
    less = (
        f"; {count(left)} of {count(found.drawn)} blocks hold a design that is refused, and are left out"
        if left
        else ""
    )
    lines = [
        f"{count(found.designs)} designs priced at level analytic, all values equally likely{less}.",
        sobol_line(found),
    ]
    return "\n".join(["\n\n".join(tables), "", *(part for line in lines for part in wrap(line, width))])


def sobol_line(found: SobolIndices) -> str:
    """Return in a sentence which field makes most of the variance of the first objective."""
    total, name = found.indices[0].total, _name(found.objectives[0])
    if not total.any():
        return f"No field moves {name}."
    top = int(np.argmax(total))
    alone = found.indices[0].first[top]
    idle = [one for one, share in zip(found.names, total.tolist(), strict=True) if share < NOTHING]
    rest = f"; {', '.join(idle)} {'makes' if len(idle) == 1 else 'make'} none" if idle else ""
    return (
        f"{found.names[top]} makes most of the variance of {name}: {_share(alone)} alone, {_share(total[top])} with "
        f"its interactions{rest}."
    )


def sensitivity_object(found: Sensitivity) -> dict[str, Any]:
    """Return the effects as JSON has them."""
    texts = [f"max {one.text}" if one.largest else one.text for one in found.objectives]
    return {
        "method": "one at a time",
        "objectives": texts,
        "base": {"values": dict(found.base), "figures": dict(zip(texts, found.wanted.tolist(), strict=True))},
        "effects": [
            {
                "name": one.name,
                "values": list(one.values),
                "figures": {t: _plain(row.tolist()) for t, row in zip(texts, one.wanted, strict=True)},
                "swing": {t: found.swing(one, i) for i, t in enumerate(texts)},
            }
            for one in found.effects
        ],
        "answer": sensitivity_line(found),
    }


def sobol_object(found: SobolIndices) -> dict[str, Any]:
    """Return the indices as JSON has them."""
    return {
        "method": "sobol",
        "designs": found.designs,
        "blocks": {"drawn": found.drawn, "used": found.blocks},
        "objectives": list(found.objectives),
        "indices": {
            text: {
                name: {
                    "first": float(one.first[i]),
                    "first_error": float(one.first_error[i]),
                    "total": float(one.total[i]),
                    "total_error": float(one.total_error[i]),
                }
                for i, name in enumerate(found.names)
            }
            for text, one in zip(found.objectives, found.indices, strict=True)
        },
        "answer": sobol_line(found),
    }


def _plain(values: list[float]) -> list[float | None]:
    return [value if value == value else None for value in values]  # NaN, of a design that is refused


def _table(found: Sensitivity, objective: int, title: str) -> Table:
    """Return one line per field: the base design's value, the best and the worst one, and what they change."""
    wish, base = found.objectives[objective], float(found.wanted[objective])
    columns = (
        Column(title="field", left=True),
        Column(title="base"),
        Column(title="best"),
        Column(title="change"),
        Column(title="worst"),
        Column(title="change"),
        Column(title="refused"),
    )
    ranked = sorted(found.effects, key=lambda one: -found.swing(one, objective))
    cells = tuple(_row(one, one.wanted[objective], base, wish.largest) for one in ranked)
    head = f"{title}: {word(wish)}, {told(wish.text, base)} at the base design, one field at a time"
    return Table(title=head, columns=columns, rows=cells)


def _row(one: Effect, figures: Any, base: float, largest: bool) -> tuple[str, ...]:
    low, high = int(np.nanargmin(figures)), int(np.nanargmax(figures))
    best, worst = (high, low) if largest else (low, high)
    ends = (one.values[best], _change(figures[best], base), one.values[worst], _change(figures[worst], base))
    if figures[low] == figures[high]:
        ends = ("", "0", "", "0")
    refused = int(np.isnan(figures).sum())
    return (one.name, one.base, *ends, str(refused) if refused else "")


def _change(value: float, base: float) -> str:
    return f"{100 * (value / base - 1):+.2f} %" if base else f"{value:+.3g}"


def _sobol_table(found: SobolIndices, one: Indices, title: str) -> Table:
    columns = (
        Column(title="field", left=True),
        Column(title="alone"),
        Column(title="+-"),
        Column(title="with\ninteractions"),
        Column(title="+-"),
    )
    order = np.argsort(-one.total, kind="stable").tolist()
    cells = tuple(
        (found.names[i], *(_share(part[i]) for part in (one.first, one.first_error, one.total, one.total_error)))
        for i in order
    )
    return Table(title=title, columns=columns, rows=cells)


def _share(value: float) -> str:
    return f"{100 * value + 0.0:.1f} %".replace("-0.0 %", "0.0 %")


def _name(text: str) -> str:
    return word_of(text.removeprefix("max "))
