"""Pictures as files: drawn in the library's own style, the same input giving the same bytes."""

import warnings
from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's palette, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#000000")
MARKERS = "os^vDPX*"
DOTS_PER_INCH = 120

Kind = Literal["png", "svg"]


def drawn(inches: tuple[float, float], draw: Callable[["Figure"], None], kind: Kind = "png") -> bytes:
    """Return what `draw` puts on an empty figure, in the library's own style whatever the reader's is."""
    from matplotlib import rc_context, style
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with (
        style.context("default", after_reset=True),
        rc_context({"svg.hashsalt": "tokensieve"}),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # a name may hold letters that the font lacks
        figure = Figure(figsize=inches, dpi=DOTS_PER_INCH, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        for axes in figure.axes:
            axes.spines[["top", "right"]].set_visible(False)
        data = BytesIO()
        figure.savefig(data, format=kind, metadata={"Software": None} if kind == "png" else {"Date": None})
    return data.getvalue()
