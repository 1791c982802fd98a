"""The picture of a run: cycles by cause beside DRAM bytes by tensor, by layer, and the reference beside each bar."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from textwrap import fill
from typing import TYPE_CHECKING, Any

from tokensieve.report.quantity import prefix
from tokensieve.report.words import CAUSE_WORDS, TENSOR_WORDS
from tokensieve.sim.result import CAUSES, TENSORS, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette and three of Tol's muted one, which colour-blind readers can tell apart; none stands for two.
CAUSE_COLOURS = dict(zip(CAUSES, ("#0072B2", "#D55E00", "#E69F00", "#CC79A7", "#999999"), strict=True))
TENSOR_COLOURS = dict(zip(TENSORS, ("#F0E442", "#009E73", "#56B4E9", "#332288", "#882255"), strict=True))
REFERENCE_COLOUR = "white"
_INCHES = (11.0, 4.4)
_DOTS_PER_INCH = 150
_TITLE = 130
"""Characters of a line of the title."""

_WIDTH = 0.8
"""Of a bar, or of a pair of them, where layers lie 1 apart."""


@dataclass(frozen=True)
class Beside:
    """The bars of the reference."""

    kind: str
    heights: Sequence[int]
    """One for each layer."""


def cycles_png(result: Result, title: str) -> bytes:
    """Return the picture of `result` as a PNG file; the same result and title give the same bytes."""
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style.context("default", after_reset=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name may hold letters that the font lacks
        figure = Figure(figsize=_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(fill(title, _TITLE, replace_whitespace=False), parse_math=False)
        left, right = figure.subplots(1, 2)
        layers = [one.layer for one in result.layers]
        ref = result.reference
        cycles, moved = [one.cycles for one in result.layers], [one.dram_bytes for one in result.layers]
        slow = Beside(ref.kind, ref.layer_cycles) if ref else None
        much = Beside(ref.kind, ref.layer_dram_bytes) if ref else None
        _bars(left, layers, cycles, CAUSE_WORDS, CAUSE_COLOURS, "cycles", slow)
        _bars(right, layers, moved, TENSOR_WORDS, TENSOR_COLOURS, "DRAM traffic, B", much)
        data = BytesIO()
        figure.savefig(data, format="png", metadata={"Software": None})
    return data.getvalue()


def _bars(
    axes: "Axes",
    layers: Sequence[int],
    parts: Sequence[Mapping[str, int]],
    words: Mapping[str, str],
    colours: Mapping[str, str],
    quantity: str,
    beside: Beside | None,
) -> None:
    """Draw one bar per layer, stacked of what `parts` holds under the keys of `words`, and to its right `beside`'s."""
    sums = [sum(part.get(k, 0) for k in words) for part in parts]
    factor, letter = prefix(max([*sums, *(beside.heights if beside else ())], default=0))
    look: dict[str, Any]
    floor, width = [0.0] * len(parts), _WIDTH / 2 if beside else _WIDTH
    left = [place - (width / 2 if beside else 0) for place in range(len(parts))]
    for key, word in words.items():
        heights = [part.get(key, 0) / factor for part in parts]
        if any(heights):
            look = {"color": colours[key], "edgecolor": "white", "linewidth": 0.4}
            axes.bar(left, heights, width, bottom=floor, label=word, **look)
        floor = [a + b for a, b in zip(floor, heights, strict=True)]
    if beside:
        right = [place + width / 2 for place in range(len(parts))]
        heights = [one / factor for one in beside.heights]
        look = {"color": REFERENCE_COLOUR, "edgecolor": "black", "linewidth": 0.6}
        axes.bar(right, heights, width, label=f"{beside.kind} reference", **look)
    axes.set_xticks(*_ticks(layers))
    axes.set_xlabel("layer")
    axes.set_ylabel(_axis(quantity, letter))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False, columnspacing=1.2)


def _ticks(layers: Sequence[int]) -> tuple[list[int], list[str]]:
    """Return places and names of at most 24 layers."""
    step = -(-len(layers) // 24) or 1
    places = list(range(0, len(layers), step))
    return places, [str(layers[p]) for p in places]


def _axis(quantity: str, letter: str) -> str:
    """Return the text of an axis.

    >>> _axis("cycles", "k"), _axis("DRAM traffic, B", "M"), _axis("cycles", "")
    ('cycles (thousands)', 'DRAM traffic, MB', 'cycles')
    """
    if quantity.endswith(", B"):
        return f"{quantity[:-1]}{letter}B"
    many = {"k": "thousands", "M": "millions", "G": "billions", "T": "10^12"}
    return f"{quantity} ({many[letter]})" if letter in many else quantity
