"""Counts of actions in closed form, and energy and area of a batch: the tables of `sim.cost`, asked unit by unit.

A unit's entries and its area are asked for once for all designs that agree on the fields that they are read from; of
fields that set nothing but the depth of memories, `sim.cost` takes arrays. A test compares the outcome with `sim.cost`
design by design.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.analytic.batch import F64, Batch, each
from tokensieve.sim.analytic.stages import Stages
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.traffic import STREAMS
from tokensieve.sim.cost.area import UNITS, cells_of
from tokensieve.sim.cost.cells import ARRAYS, cells_um2, leakage_watts
from tokensieve.sim.cost.energy import JOULES_PER_PJ, standby_watts, unit_picojoules

Actions = dict[str, dict[str, F64]]
"""Counts by unit and action, an array over designs each."""


@dataclass(frozen=True)
class Counts:
    """Actions of a run that are the same on every machine."""

    scores: float
    """Scores computed, second passes included."""

    chosen: float
    """Scores that the local top-k loads."""

    decided: float
    """Scores whose decision compares them."""

    products: float
    """Multiplications of Q x K."""

    weighted: float
    """Multiplications of Prob x V."""

    tokens: float
    heads: float
    """Additions to the sums of tokens and of heads."""

    forced: F64
    """Queries of each group whose format forces a second pass, shape (G, 1)."""


def counts(summary: Summary) -> Counts:
    """Return what a run adds up to, whatever the machine."""
    work = summary.work
    keys = work.keys[work.query_row].astype(np.float64)
    again, forced = work.redo, work.forced[work.query_row]
    return Counts(
        scores=float((keys * (1 + again)).sum()),
        chosen=float(keys[~work.topk_passes].sum()),
        decided=float((keys * (1 + again) * work.decide[work.query_row]).sum()),
        products=float((keys * (1 + again + forced)).sum()) * work.head_dim,
        weighted=float(work.values.sum()) * work.head_dim,
        tokens=float(keys.sum()),
        heads=float(len(work.values) * work.head_dim),
        forced=_column(summary.by_query(forced)),
    )


def actions(summary: Summary, batch: Batch, s: Stages, clocks: F64, known: Counts) -> Actions:
    """Return how often each unit does what on every design, in a run of so many DRAM clocks; names as `count.actions`.

    All but activates and refreshes are exact, granules as far as blocks of queries do not cut one.
    """
    one, often = np.ones(len(batch)), fetches(summary, s)
    by_stream = {name: s.memory.granules[i] * often[i] for i, name in enumerate(STREAMS)}
    reads = sum(by_stream[name].sum(axis=0) for name in STREAMS[:-1])
    writes = by_stream["output"].sum(axis=0)
    opened = np.rint(sum((s.memory.opened[i] * often[i]).sum(axis=0) for i in range(len(STREAMS))))
    column = {name: batch.column(f"dram.{name}") for name in ("refresh", "nREFI", "channels", "pseudo_channels")}
    refreshes = np.floor(clocks / column["nREFI"]) * column["refresh"] * column["channels"] * column["pseudo_channels"]
    seconds = _column(summary.forced) * s.blocks + s.lsb_rows
    return {
        "dram": {"activate": opened, "read_granule": reads, "write_granule": writes, "refresh": refreshes},
        "fetcher": {"request": reads + writes, "return": reads},
        "key_sram": {
            "write_line": (s.key_lines * (s.rows + seconds)).sum(axis=0),
            "read_line": (s.key_lines * (s.queries + known.forced + s.again * s.queries)).sum(axis=0),
        },
        "value_sram": {"write_line": (s.value_lines * s.rows).sum(axis=0), "read_line": (s.pv * s.queries).sum(axis=0)},
        "qk": {"multiply": one * known.products},
        "softmax": dict.fromkeys(("dequantize", "exp", "accumulate", "divide"), one * known.scores),
        "requant": {"compare": one * known.decided},
        "topk": {"load": one * known.chosen, "compare": _compared(summary, batch), "drain": one * known.chosen},
        "ranking": _ranking(summary, batch),
        "pv": {"multiply": one * known.weighted},
        "importance": {"add_token": one * known.tokens, "add_head": one * known.heads},
    }


def _column(values: F64) -> F64:
    return values[:, None]


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


def energies(batch: Batch, done: Actions, seconds: F64) -> dict[str, F64]:
    """Return the energy by unit of every design, in J, what flows with time included."""
    joules = {}
    for unit, of_unit in done.items():
        table = each(batch, partial(_entries, unit, tuple(of_unit)), ARRAYS)
        joules[unit] = sum((n * one for n, one in zip(of_unit.values(), table, strict=True)), np.zeros(len(batch)))
    return joules | {unit: watts * seconds for unit, watts in background(batch).items()}


def _entries(unit: str, names: tuple[str, ...], arch: Arch) -> list[float]:
    entries = unit_picojoules(unit, arch, load_technology(arch.technology))
    return [entries[name].value * JOULES_PER_PJ for name in names]


def background(batch: Batch) -> dict[str, F64]:
    """Return the power in W that flows with time, as `energy.background_watts`; leakage adds up over the units."""
    shares = [each(batch, partial(_silicon, unit), ARRAYS)[1] for unit in UNITS]
    return {"dram_background": each(batch, _standby), "leakage": np.sum(shares, axis=0)}


def _standby(arch: Arch) -> float:
    return standby_watts(arch, load_technology(arch.technology)).value


def areas(batch: Batch) -> dict[str, F64]:
    """Return the area by unit of every design, in mm2, as `area.area`."""
    return {unit: each(batch, partial(_silicon, unit), ARRAYS)[0] for unit in UNITS}


def _silicon(unit: str, arch: Arch) -> list[float]:
    """Return area in mm2 and leakage in W."""
    technology = load_technology(arch.technology)
    cells = cells_of(unit, arch, technology)
    return [cells_um2(cells, technology).value * 1e-6, leakage_watts([cells], technology).value]
