"""Checks 26 and 27: A3, MNNFast and SpAtten-1/8 (paper Table III), from `tokensieve.validate.table3`."""

from dataclasses import replace

from tokensieve.validate.section import Data, Section
from tokensieve.validate.table3 import table3_rows


def section(data: Data) -> Section:
    """Return the rows of the table; their sources name the checks."""
    return Section(rows=tuple(replace(row, source=f"checks 26, 27: {row.source}") for row in table3_rows()))
