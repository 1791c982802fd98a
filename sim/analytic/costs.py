"""Counts of actions in closed form, and the energy of a batch: counts times the table of `sim.cost.energy`.

The table is made unit by unit, once for all designs that agree on the fields that a unit's entries are read from; so is
background power. A test compares the outcome with `sim.cost.energy` design by design.
"""

from functools import partial

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.analytic.batch import F64, Batch, each
from tokensieve.sim.analytic.stages import Stages
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.traffic import STREAMS
from tokensieve.sim.cost.area import UNITS, cells_of
from tokensieve.sim.cost.cells import leakage_watts
from tokensieve.sim.cost.energy import standby_watts, unit_energies

Actions = dict[str, dict[str, F64]]
"""Counts by unit and action, an array over designs each."""


def actions(summary: Summary, batch: Batch, s: Stages, clocks: F64) -> Actions:
    """Return how often each unit does what on every design, in a run of so many DRAM clocks; names as `count.actions`.

    All but activates and refreshes are exact, granules as far as blocks of queries do not cut one.
    """
    work, one = summary.work, np.ones(len(batch))
    keys = work.keys[work.query_row].astype(np.float64)
    again, forced = work.redo, work.forced[work.query_row]
    scores = float((keys * (1 + again)).sum())
    chosen = float(keys[~work.topk_passes].sum())
    by_stream = {name: (s.memory.granules[i] * fetches(summary, s)[i]) for i, name in enumerate(STREAMS)}
    reads = sum(by_stream[name].sum(axis=0) for name in STREAMS[:-1])
    writes = by_stream["output"].sum(axis=0)
    opened = sum((s.memory.opened[i] * fetches(summary, s)[i]).sum(axis=0) for i in range(len(STREAMS)))
    column = {name: batch.column(f"dram.{name}") for name in ("refresh", "nREFI", "channels", "pseudo_channels")}
    refreshes = np.floor(clocks / column["nREFI"]) * column["refresh"] * column["channels"] * column["pseudo_channels"]
    seconds = _column(summary.forced) * s.blocks + s.lsb_rows
    return {
        "dram": {"activate": opened, "read_granule": reads, "write_granule": writes, "refresh": refreshes},
        "fetcher": {"request": reads + writes, "return": reads},
        "key_sram": {
            "write_line": (s.key_lines * (s.rows + seconds)).sum(axis=0),
            "read_line": (s.key_lines * (s.queries + _forced_queries(summary) + s.again * s.queries)).sum(axis=0),
        },
        "value_sram": {"write_line": (s.value_lines * s.rows).sum(axis=0), "read_line": (s.pv * s.queries).sum(axis=0)},
        "qk": {"multiply": one * float((keys * (1 + again + forced)).sum()) * work.head_dim},
        "softmax": dict.fromkeys(("dequantize", "exp", "accumulate", "divide"), one * scores),
        "requant": {"compare": one * float((keys * (1 + again) * work.decide[work.query_row]).sum())},
        "topk": {"load": one * chosen, "compare": _compared(summary, batch), "drain": one * chosen},
        "ranking": _ranking(summary, batch),
        "pv": {"multiply": one * float(work.values.sum()) * work.head_dim},
        "importance": {"add_token": one * float(keys.sum()), "add_head": one * float(len(work.values) * work.head_dim)},
    }


def _column(values: F64) -> F64:
    return values[:, None]


def _forced_queries(summary: Summary) -> F64:
    return _column(summary.by_query(summary.work.forced[summary.work.query_row]))


def fetches(summary: Summary, s: Stages) -> list[F64]:
    """Return how often rows of each stream are fetched, by group and design, in the order of `STREAMS`."""
    live = _column(summary.rows) * np.ones_like(s.blocks)
    cut = s.blocks > 1
    key = np.where(cut, s.rows, _column(summary.key_owners))
    value = np.where(cut, s.rows, _column(summary.value_owners))
    low = _column(summary.forced) * s.blocks + s.lsb_rows
    return [live, key, low, value, live]


def _compared(summary: Summary, batch: Batch) -> F64:
    """Return the scores that the local top-k moves past its comparators."""
    if not summary.engaged.any():
        return np.zeros(len(batch))
    return each(batch, lambda arch: summary.searches(arch.topk)[1].sum())


def _ranking(summary: Summary, batch: Batch) -> dict[str, F64]:
    def counted(arch: Arch) -> F64:
        total: F64 = sum(summary.selection(kind, arch.topk)[1:].sum(axis=1) for kind in ("token", "head"))
        return total

    items, streamed = each(batch, counted)
    return {"load": items, "compare": streamed, "drain": items}


def energies(batch: Batch, counts: Actions, seconds: F64) -> dict[str, F64]:
    """Return the energy by unit of every design, in J, what flows with time included."""
    joules = {}
    for unit, of_unit in counts.items():
        names = list(of_unit)
        table = each(batch, partial(_entries, unit, names))
        joules[unit] = sum((of_unit[name] * table[i] for i, name in enumerate(names)), np.zeros(len(batch)))
    return joules | {unit: watts * seconds for unit, watts in background(batch).items()}


def _entries(unit: str, names: list[str], arch: Arch) -> list[float]:
    entries = unit_energies(unit, arch, load_technology(arch.technology))
    return [entries[name][0] for name in names]


def background(batch: Batch) -> dict[str, F64]:
    """Return the power in W that flows with time, as `energy.background_watts`; leakage adds up over the units."""

    def standby(arch: Arch) -> float:
        return standby_watts(arch, load_technology(arch.technology)).value

    shares = [each(batch, partial(_leakage, unit)) for unit in UNITS]
    return {"dram_background": each(batch, standby), "leakage": np.sum(shares, axis=0)}


def _leakage(unit: str, arch: Arch) -> float:
    technology = load_technology(arch.technology)
    return leakage_watts([cells_of(unit, arch, technology)], technology).value
