"""The picture of a front: designs in two objectives, the front as a line, and a machine that is marked."""

from typing import TYPE_CHECKING

import numpy as np

from tokensieve.explore.answers import Front
from tokensieve.report.canvas import COLOURS, Kind, drawn
from tokensieve.report.designs import scale, word

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_OTHERS = 20_000
"""Designs off the front that are drawn, evenly taken."""


def front_picture(front: Front, title: str, mark: tuple[float, float] | None, name: str, kind: Kind = "png") -> bytes:
    """Return the first two objectives of a front as a PNG or SVG file; the same front gives the same bytes.

    `mark` are both figures of the machine called `name`; a third objective and more are in the colour of no axis.
    """
    scales = [_scale(front, i, mark) for i in range(2)]

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        step = -(-front.others.shape[1] // MOST_OTHERS)
        x, y = (front.others[i, ::step] / scales[i][0] for i in range(2))
        axes.scatter(x, y, s=10, color=COLOURS[6], alpha=0.6, linewidths=0, label="designs")
        x, y = (front.wanted[i] / scales[i][0] for i in range(2))
        order = np.argsort(x)
        line = ":" if len(front.objectives) == 2 else ""
        axes.plot(x[order], y[order], line, marker="o", markersize=5, color=COLOURS[0], label="front")
        if mark is not None:
            star = [mark[i] / scales[i][0] for i in range(2)]
            axes.scatter(star[:1], star[1:], s=90, marker="*", color=COLOURS[1], label=name, zorder=3)
        axes.set(xlabel=_label(front, 0, scales[0][1]), ylabel=_label(front, 1, scales[1][1]))
        axes.set_title(title, parse_math=False, fontsize="medium")
        axes.legend(frameon=False)

    return drawn((6.4, 4.8), draw, kind)


def _scale(front: Front, i: int, mark: tuple[float, float] | None) -> tuple[float, str]:
    finite = front.others[i][np.isfinite(front.others[i])]
    return scale(front.objectives[i].text, max(float(np.abs(finite).max()), abs(mark[i]) if mark else 0.0))


def _label(front: Front, i: int, unit: str) -> str:
    return f"{word(front.objectives[i])}, {unit}" if unit else word(front.objectives[i])
