"""The picture of a run: cycles by cause beside DRAM bytes by tensor, one stacked bar per layer."""

import warnings
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from tokensieve.report.quantity import prefix
from tokensieve.report.words import CAUSE_WORDS, TENSOR_WORDS
from tokensieve.sim.result import CAUSES, TENSORS, Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, which colour-blind readers can tell apart.
CAUSE_COLOURS = dict(zip(CAUSES, ("#0072B2", "#D55E00", "#E69F00", "#CC79A7", "#999999"), strict=True))
TENSOR_COLOURS = dict(zip(TENSORS, ("#F0E442", "#0072B2", "#56B4E9", "#009E73", "#CC79A7"), strict=True))
_INCHES = (11.0, 4.4)
_DOTS_PER_INCH = 150


def cycles_png(result: Result, title: str) -> bytes:
    """Return the picture of `result` as a PNG file; the same result and title give the same bytes."""
    from matplotlib import style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with style.context("default", after_reset=True), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name may hold letters that the font lacks
        figure = Figure(figsize=_INCHES, dpi=_DOTS_PER_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        figure.suptitle(title, parse_math=False)
        left, right = figure.subplots(1, 2)
        layers = [one.layer for one in result.layers]
        _bars(left, layers, [one.cycles for one in result.layers], CAUSE_WORDS, CAUSE_COLOURS, "cycles")
        _bars(right, layers, [one.dram_bytes for one in result.layers], TENSOR_WORDS, TENSOR_COLOURS, "DRAM traffic, B")
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
) -> None:
    """Draw one bar per layer, stacked of what `parts` holds under the keys of `words`."""
    factor, letter = prefix(max((sum(part.get(k, 0) for k in words) for part in parts), default=0))
    floor = [0.0] * len(parts)
    for key, word in words.items():
        heights = [part.get(key, 0) / factor for part in parts]
        if any(heights):
            places = range(len(parts))
            axes.bar(places, heights, bottom=floor, label=word, color=colours[key], edgecolor="white", linewidth=0.4)
        floor = [a + b for a, b in zip(floor, heights, strict=True)]
    axes.set_xticks(*_ticks(layers))
    axes.set_xlabel("layer")
    axes.set_ylabel(_axis(quantity, letter))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(words), frameon=False, columnspacing=1.2)


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
