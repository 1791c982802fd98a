"""Checks 14 to 16: SpAtten-e2e on GPT-2-Medium (paper Table IV), from `tokensieve.validate.table4`."""

from collections.abc import Iterator
from dataclasses import replace

from tokensieve.validate.row import Row
from tokensieve.validate.section import Data, Section
from tokensieve.validate.table4 import FC_TIME, fc_candidates, table4_rows


def section(data: Data) -> Section:
    """Return the rows, and below the time of the fully connected layers what it is with each candidate cause."""
    return Section(rows=tuple(_rows()), notes=_NOTES)


def _rows() -> Iterator[Row]:
    for row in table4_rows():
        yield row
        if row.name == FC_TIME:
            yield from (replace(one, name=f"  with: {one.name}") for one in fc_candidates())


_NOTES = (
    "Nothing here has a band. The time of attention rests on keep ratios that were not published. The time of the "
    "fully connected layers needs 73 % of the peak bandwidth, and why the paper's DRAM gives no more cannot be known: "
    "rows that begin with *with* switch one candidate each.",
)
