"""What a store keeps of a result, and what follows from it: the one list of column names.

Names are the dotted paths of `result.json`, so that a column and a key of a result are found under the same word.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from tokensieve.sim.cost.area import UNITS as AREA_UNITS
from tokensieve.sim.cost.fpga import FIGURES as FPGA_FIGURES
from tokensieve.sim.result import CAUSES, POWER, TENSORS, Result
from tokensieve.workloads.reference import Kind as ReferenceKind

Kind = Literal["int", "float", "text", "bool"]
F64 = npt.NDArray[np.float64]
Value = int | float | str | None

ENERGY_UNITS = (
    "dram", "fetcher", "key_sram", "value_sram", "qk", "softmax", "requant", "topk", "pv", "importance", "ranking",
    "dram_background", "leakage",
)  # fmt: skip
"""Units of `energy_j`. A test compares them with those of a run."""

CLOCK = "clock.mhz"
"""Parameter that time follows from."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of totals."""

    name: str
    """Dotted path in `result.json`. `operations` alone is no key there: `throughput_gops` follows from it."""

    kind: Kind


def _group(group: str, kind: Kind, *names: str) -> tuple[Column, ...]:
    return tuple(Column(f"{group}.{name}", kind) for name in names)


FPGA_GROUP = "fpga"
FPGA: tuple[Column, ...] = tuple(
    Column(f"{FPGA_GROUP}.{name}", "float" if name == "fmax_mhz" else "int") for name in FPGA_FIGURES
)
"""Columns of what the top-k engine of a machine takes of an FPGA, whatever the level; they are no keys of a result."""

BOTTLENECK = "bottleneck"
"""The one figure that is text."""

TOTALS: tuple[Column, ...] = (
    *_group("cycles", "int", *CAUSES, "total"),
    *_group("traffic.vectors", "int", "key", "value"),
    Column("traffic.lsb_rows", "int"),
    *_group("traffic.dram_bytes", "int", *TENSORS, "total"),
    *_group("energy_j", "float", *ENERGY_UNITS, "total"),
    *_group("area_mm2", "float", *AREA_UNITS, "total"),
    *_group("operations", "int", "effective", "dense_equivalent"),
    Column(BOTTLENECK, "text"),
    Column("reference.kind", "text"),
    *_group("reference", "int", "cycles", "dram_bytes"),
    Column("reference.energy_j", "float"),
    *FPGA,
)
"""Columns of a point, 64 at most. An evaluator that does not know one leaves it out, and it is null."""

RATIOS: tuple[str, ...] = ("speedup", "dram_reduction", "energy_saving")
"""Columns that compare with the un-pruned reference; null without one, as `reference.*` are."""

DERIVED: tuple[str, ...] = (
    "seconds",
    *(f"power_w.{share}" for share in ("compute", *POWER, "total")),
    "throughput_gops.effective",
    "throughput_gops.dense_equivalent",
    *RATIOS,
)
"""Columns that are computed on reading, in floating point."""

RATES: tuple[str, ...] = (
    "tokens",
    "tokens_per_second",
    "ms_per_token",
    "joules_per_token",
    "edp_js",
    "gops_per_watt",
    "gops_per_mm2",
)
"""Columns that are computed on reading and are no keys of a result: rates of the attention that was run. `edp_js` is
energy times time, in J s; operations are those done. `tokens` are the tokens of the text in prefill, those generated in
decode."""

FIGURES: tuple[str, ...] = (*DERIVED, *RATES)
"""All columns that are computed on reading."""

assert len(TOTALS) <= 64


def totals_of(result: Result) -> dict[str, Value]:
    """Return the columns of a result, by name; those that it does not have are None. `FPGA` are not among them."""
    told = result.to_dict() | {"operations": dict(result.operations)}
    return {column.name: look_up(told, column.name) for column in TOTALS if column not in FPGA}


def look_up(tree: Any, path: str) -> Any:
    """Return the value at a dotted path of nested mappings, or None where there is none.

    >>> look_up({"cycles": {"total": 7}}, "cycles.total")
    7
    """
    for name in path.split("."):
        if not isinstance(tree, Mapping) or name not in tree:
            return None
        tree = tree[name]
    return tree


def flat(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return the leaves of nested mappings by dotted path."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        found |= flat(value, f"{above}{name}.") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return found


def derived(totals: Mapping[str, F64], mhz: F64, tokens: F64) -> dict[str, F64]:
    """Return the columns of `FIGURES` of many points, NaN where a total is.

    `totals` holds the numeric columns of `TOTALS`, shape (points,), `mhz` the clock of each point, `tokens` those of
    its work. The arithmetic is that of `sim.result.Result`, so that a figure has the same bits here and there.
    """
    found = _of_result(totals, mhz)
    return found | rates({**totals, **found}, tokens)


def rates(figures: Mapping[str, F64], tokens: F64) -> dict[str, F64]:
    """Return the columns of `RATES` of points with these `figures`, which hold those of `DERIVED`, too."""
    seconds, joules = figures["seconds"], figures["energy_j.total"]
    gops = figures["throughput_gops.effective"]
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "tokens": tokens,
            "tokens_per_second": tokens / seconds,
            "ms_per_token": 1e3 * seconds / tokens,
            "joules_per_token": joules / tokens,
            "edp_js": joules * seconds,
            "gops_per_watt": gops / figures["power_w.total"],
            "gops_per_mm2": gops / figures["area_mm2.total"],
        }


def _of_result(totals: Mapping[str, F64], mhz: F64) -> dict[str, F64]:
    """Return the columns of `DERIVED`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        seconds = totals["cycles.total"] / (mhz * 1e6)
        joules = {
            share: sum((totals[f"energy_j.{unit}"] for unit in units), np.zeros(len(mhz)))
            for share, units in POWER.items()
        }
        total = totals["energy_j.total"]
        joules = {"compute": total - sum(joules.values(), np.zeros(len(mhz))), **joules, "total": total}
        found = {"seconds": seconds}
        found |= {f"power_w.{share}": one / seconds for share, one in joules.items()}
        for name in ("effective", "dense_equivalent"):
            found[f"throughput_gops.{name}"] = totals[f"operations.{name}"] / seconds * 1e-9
        found["speedup"] = totals["reference.cycles"] / totals["cycles.total"]
        found["dram_reduction"] = _ratio(totals["reference.dram_bytes"], totals["traffic.dram_bytes.total"])
        found["energy_saving"] = _ratio(totals["reference.energy_j"], total)
    return found


def _ratio(a: F64, b: F64) -> F64:
    return np.where(b == 0, np.nan, a / b)


REFERENCES: tuple[str, ...] = ("none", *get_args(ReferenceKind))
"""Kinds of reference that a point may have been priced with."""
