"""Columns that become a data frame or a file, whatever they were read from."""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from tokensieve.arch.errors import ToolError
from tokensieve.explore.columns import Kind
from tokensieve.explore.text import encode

Chunk = Mapping[str, Sequence[Any]]
"""Some rows: a column of Python values, None where there is none, under each name."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Named columns of one kind each, read in chunks of rows."""

    kinds: Mapping[str, Kind]
    """Kind of each column, in order."""

    chunks: Callable[[], Iterator[Chunk]]
    """Reads the rows again, from the first."""

    def columns(self) -> dict[str, list[Any]]:
        """Return all rows."""
        whole: dict[str, list[Any]] = {name: [] for name in self.kinds}
        for chunk in self.chunks():
            for name, column in whole.items():
                column += chunk[name]
        return whole


def kind_of(types: set[type]) -> Kind:
    """Return the kind of a column of values of some types; numbers of both kinds are floats, other mixtures text.

    >>> kind_of({int, type(None), float}), kind_of({int, str})
    ('float', 'text')
    """
    types = types - {type(None)}
    if types == {bool}:
        return "bool"
    if types == {int}:
        return "int"
    return "float" if types and types <= {int, float} else "text"


def cast(values: Sequence[Any], kind: Kind) -> list[Any]:
    """Return a column of `kind`; what is no text becomes JSON in a column of text."""
    if kind == "float":
        return [None if one is None else float(one) for one in values]
    if kind == "text":
        return [one if one is None or isinstance(one, str) else encode(one) for one in values]
    return list(values)


def to_pandas(frame: Frame) -> Any:
    """Return a `pandas.DataFrame`; whole numbers with gaps are `Int64`. Raises `ToolError` without pandas."""
    pandas = needed("pandas")
    nullable = {"int": "Int64", "bool": "boolean"}
    plain = {"int": np.int64, "bool": np.bool_, "float": np.float64}

    def column(values: list[Any], kind: Kind) -> Any:
        if kind == "text":
            return pandas.array(values, dtype="str")
        gaps = kind in nullable and None in values
        return pandas.array(values, dtype=nullable[kind]) if gaps else np.array(values, plain[kind])

    columns = frame.columns()
    return pandas.DataFrame({name: column(columns[name], kind) for name, kind in frame.kinds.items()})


def to_polars(frame: Frame) -> Any:
    """Return a `polars.DataFrame`. Raises `ToolError` without polars."""
    polars = needed("polars")
    types = {"int": polars.Int64, "float": polars.Float64, "text": polars.String, "bool": polars.Boolean}
    return polars.DataFrame(frame.columns(), schema={name: types[kind] for name, kind in frame.kinds.items()})


def write_parquet(frame: Frame, path: Path) -> int:
    """Write a Parquet file, a group of rows at a time, and return its rows. Raises `ToolError` without pyarrow."""
    arrow, parquet = needed("pyarrow"), needed("pyarrow.parquet")
    types = {"int": arrow.int64(), "float": arrow.float64(), "text": arrow.string(), "bool": arrow.bool_()}
    schema = arrow.schema([(name, types[kind]) for name, kind in frame.kinds.items()])
    with parquet.ParquetWriter(path, schema) as writer:
        return sum(_group(writer, arrow.table(dict(chunk), schema=schema)) for chunk in frame.chunks())


def _group(writer: Any, table: Any) -> int:
    writer.write_table(table)
    return int(table.num_rows)


def write_csv(frame: Frame, path: Path) -> int:
    """Write a CSV file with a line of names, and return its rows. Numbers read back to the same bits."""
    rows = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(frame.kinds)
        for chunk in frame.chunks():
            lines = list(zip(*(chunk[name] for name in frame.kinds), strict=True))
            writer.writerows(lines)
            rows += len(lines)
    return rows


def needed(module: str) -> Any:
    """Return a module of the extra `explore`. Raises `ToolError`, with what to install, where it is missing."""
    try:
        return import_module(module)
    except ModuleNotFoundError as problem:
        package = module.partition(".")[0]
        if (problem.name or "").partition(".")[0] != package:
            raise
        raise ToolError(f"{package} is missing: pip install -e '.[explore]'") from None
