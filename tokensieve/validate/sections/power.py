"""Checks 23 to 26: area and power beside the paper's, from `tokensieve.validate.power`."""

from tokensieve.validate.power import PowerRow, power_rows
from tokensieve.validate.row import Band, Row
from tokensieve.validate.section import Data, Section

INSIDE = "the paper does not say what its area holds: ports and compiler of the memories, softmax, control"


def section(data: Data) -> Section:
    """Return the rows of the study, their intervals in words."""
    return Section(rows=tuple(_row(row) for row in power_rows()), notes=_NOTES)


def _row(row: PowerRow) -> Row:
    low, high = row.interval
    interval = f"modelled {low:.3g} to {high:.3g} within the uncertainties of the constants"
    return Row(
        name=row.name,
        expected=row.expected,
        modelled=row.modelled,
        unit=row.unit,
        source=f"checks 23 to 26: {row.source}",
        band=Band(low=row.low, high=row.high, text=f"{row.low:.3g} to {row.high:.3g}"),
        assumption=row.assumption or INSIDE,
        cause=f"{row.cause}; {interval}" if row.cause else interval,
    )


_NOTES = (
    "A modelled figure is the middle of an interval that the uncertainties of the constants span; the interval stands "
    "in the remarks. Power is a mean over the 30 named workloads, whose lengths and ratios are ours.",
)
