"""Checks 23 to 26: area and power beside the paper's, from `tokensieve.validate.power`."""

from tokensieve.validate.power import power_rows
from tokensieve.validate.section import Data, Section


def section(data: Data) -> Section:
    """Return the rows; takes a minute of CPU."""
    return Section(rows=tuple(power_rows()), notes=_NOTES)


_NOTES = (
    "A modelled figure is the middle of an interval that the uncertainties of the constants span; the interval stands "
    "in the remarks. Power is a mean over the 30 named workloads, whose lengths and ratios are ours.",
)
