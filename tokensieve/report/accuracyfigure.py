"""Pictures of the accuracy page: modelled over expected, and sweeps with the place where somebody else has a knee."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokensieve.report.canvas import COLOURS, MARKERS, drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Pairs = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One line of a picture, and where the source has its knee."""

    title: str
    x_label: str
    y_label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    knee: float
    """The place on the x axis that the source names."""

    knee_label: str


def scatter_png(groups: Mapping[str, Pairs], unit: str, band: float | None = None) -> bytes:
    """Return modelled over expected on logarithmic axes, a colour for each group; the same input, the same bytes.

    `groups` holds (expected, modelled) pairs, all positive and in `unit`. With `band`, two lines at that share beside
    the diagonal are drawn.
    """

    def draw(figure: "Figure") -> None:
        axes = figure.subplots()
        values = [value for pairs in groups.values() for pair in pairs for value in pair]
        ends = [min(values) / 1.3, max(values) * 1.3]
        axes.plot(ends, ends, color="black", linewidth=0.8)
        for side in (1 - band, 1 + band) if band else ():
            axes.plot(ends, [end * side for end in ends], color="black", linewidth=0.6, linestyle=":")
        for place, (name, pairs) in enumerate(groups.items()):
            x, y = zip(*pairs, strict=True)
            colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
            # the fewer points, the further in front
            axes.scatter(
                x, y, s=18, label=name, alpha=0.75, linewidths=0, color=colour, marker=marker, zorder=3 + 1 / len(x)
            )
        axes.set(xscale="log", yscale="log", xlabel=f"expected, {unit}", ylabel=f"modelled, {unit}")
        axes.set_aspect("equal")
        axes.legend(frameon=False, fontsize="small")

    return drawn((5.6, 5.2), draw)


def curves_png(curves: Sequence[Curve]) -> bytes:
    """Return one panel for each curve, with a dashed line at its knee; the same input, the same bytes."""

    def draw(figure: "Figure") -> None:
        panels = figure.subplots(1, len(curves), squeeze=False)[0]
        for axes, curve in zip(panels, curves, strict=True):
            axes.plot(curve.x, curve.y, marker="o", color=COLOURS[0])
            axes.axvline(curve.knee, color=COLOURS[1], linestyle="--", label=curve.knee_label)
            axes.set_xscale("log", base=2)
            axes.set_xticks(curve.x, [f"{x:g}" for x in curve.x])
            axes.set_xticks([], minor=True)
            axes.set_ylim(bottom=0)
            axes.set(title=curve.title, xlabel=curve.x_label, ylabel=curve.y_label)
            axes.legend(frameon=False)

    return drawn((5.0 * len(curves), 4.0), draw)
