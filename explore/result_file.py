"""A `result.json` that a run wrote, read as data frames. Column names are its dotted paths, as in a store."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import numpy as np

from tokensieve.arch.errors import StoreError
from tokensieve.arch.library import check_no_trace
from tokensieve.arch.reading import read_text
from tokensieve.explore.columns import DERIVED, RATES, TOTALS, flat, look_up, rates
from tokensieve.explore.frame import Frame, cast, kind_of, to_pandas, to_polars
from tokensieve.sim.result import SCHEMA_VERSION, Level

FILE = "result.json"
"""Name of the file that `run --out` writes into its folder."""

_UNIT_GROUPS = ("busy_cycles", "utilization", "energy_j", "area_mm2")


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result that was read from a file."""

    told: Mapping[str, Any]
    """The JSON object."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object."""
        return dict(self.told)

    def to_pandas(self, table: str = "totals") -> Any:
        """Return a table as a `pandas.DataFrame`: `totals` (one row), `layers` (one a layer) or `units` (one a unit).

        Raises `StoreError` for another table, and `ToolError` without pandas.
        """
        return to_pandas(self.frame(table))

    def to_polars(self, table: str = "totals") -> Any:
        """Return a table as a `polars.DataFrame`, as `to_pandas`. Raises `ToolError` without polars."""
        return to_polars(self.frame(table))

    def frame(self, table: str) -> Frame:
        """Return a table as columns."""
        if table not in _TABLES:
            raise StoreError(f"table of a result must be one of {', '.join(_TABLES)}, got {table!r}")
        return _framed(_TABLES[table](self.told))


def open_result(path: Path | str) -> ResultFile:
    """Read the result in a file, or in the folder that `run --out` named.

    Raises `StoreError` where there is none, or one of another version.
    """
    file = Path(path)
    if file.is_dir():
        file /= FILE
        if not file.exists():
            raise StoreError(f"{path}: is a folder without a {FILE}, which `tokensieve run --out` writes")
    check_no_trace(file, "a result", StoreError, "`tokensieve run --trace`")
    try:
        told = json.loads(read_text(file, StoreError))
    except (ValueError, RecursionError):
        raise StoreError(f"result {file}: is no JSON, as `tokensieve run --out` writes it") from None
    if not isinstance(told, dict) or told.get("level") not in get_args(Level):
        raise StoreError(f"result {file}: is no result of tokensieve run")
    if told.get("schema_version") != SCHEMA_VERSION:
        raise StoreError(
            f"result {file}: schema_version must be {SCHEMA_VERSION}, got {told.get('schema_version')!r}; run it again"
        )
    return ResultFile(told)


def _totals(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one row: what was run, what was set, and the columns that a store has of it."""
    made = told["provenance"]
    about = {"arch": made.get("arch"), "workload": made.get("workload"), "level": told["level"]}
    paths = sorted(one.partition("=")[0] for one in made.get("set", ()))
    row = about | {path: look_up(made["machine"], path) for path in paths}
    names = [column.name for column in TOTALS if not column.name.startswith(("operations.", "fpga."))]
    figures = {name: look_up(told, name) for name in (*names, *DERIVED)}
    numbers = {name: np.array([value], float) for name, value in figures.items() if not isinstance(value, str)}
    follows = rates(numbers, np.full(1, np.nan))
    return [row | figures | {name: follows[name].item() for name in RATES if not np.isnan(follows[name]).any()}]


def _layers(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [flat(layer) for layer in told["layers"]]


def _units(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    units = dict.fromkeys(unit for group in _UNIT_GROUPS for unit in told[group] if unit != "total")
    return [{"unit": unit, **{group: told[group].get(unit) for group in _UNIT_GROUPS}} for unit in units]


_TABLES = {"totals": _totals, "layers": _layers, "units": _units}


def _framed(rows: list[dict[str, Any]]) -> Frame:
    columns = {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
    kinds = {name: kind_of({type(one) for one in column}) for name, column in columns.items()}
    chunk = {name: cast(column, kinds[name]) for name, column in columns.items()}
    return Frame(kinds, lambda: iter([chunk]))
