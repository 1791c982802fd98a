"""Checks 26 and 27: A3, MNNFast and SpAtten-1/8 (paper Table III), from `tokensieve.validate.table3`."""

from tokensieve.validate.row import Row, within
from tokensieve.validate.section import Data, Section
from tokensieve.validate.table3 import TableRow, table3_rows


def section(data: Data) -> Section:
    """Return the rows of the study."""
    return Section(rows=tuple(_row(row) for row in table3_rows()))


def _row(row: TableRow) -> Row:
    return Row(
        name=row.name,
        expected=row.expected,
        modelled=row.modelled,
        unit=row.unit,
        source=f"checks 26, 27: {row.source}",
        band=None if row.band is None else within(row.expected, row.band),
        assumption="; ".join(row.assumptions) or None,
        cause="; ".join(row.causes) or None,
    )
