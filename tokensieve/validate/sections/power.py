"""Checks 23 to 26: area and power beside the paper's, from `tokensieve.validate.power`."""

from tokensieve.validate.power import power_rows
from tokensieve.validate.section import Data, Section


def section(data: Data) -> Section:
    """Return the rows; takes a minute of CPU."""
    return Section(rows=tuple(power_rows()), notes=_NOTES)


_NOTES = (
    "A modelled figure is the middle of an interval that the uncertainties of the constants span; the interval stands "
    "in the remarks. The paper does not say which mean its power is: here stand that of the 30 named workloads, each "
    "counted once, that weighted by time (energy by time), and that of the 8 of GPT-2, for both presets. Lengths and "
    "ratios are ours. The 1/8 design is priced on BERT, as its row of Table III can be.",
)
