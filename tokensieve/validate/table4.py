"""The paper's Table IV (GPT-2-Medium, 32 tokens): what it prints, what the model gives, and why the two may differ.

``python -m tokensieve.validate.table4`` prints it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from statistics import fmean

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.arch.memory import Dram
from tokensieve.arch.presets import load_arch, load_dram
from tokensieve.report.quantity import digits, percent
from tokensieve.report.table import Column, Table
from tokensieve.run.end_to_end import joined
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.dram.run import replay
from tokensieve.sim.fc.layers import WEIGHT_BITS, fc_result
from tokensieve.sim.fc.stream import steady
from tokensieve.sim.result_fc import EndToEnd
from tokensieve.validate.benchmarks import PAPER
from tokensieve.validate.row import Row
from tokensieve.workloads.benchmarks import find_workload, workload_names
from tokensieve.workloads.complete import complete
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fc import fc_work
from tokensieve.workloads.models import model_shape

MODEL = "gpt2-medium"

FASTER = "section V: 35x and 24x faster than a TITAN Xp"
CANDIDATES = "candidates stand below, each switched alone"
RATIOS = "the keep ratios of its tasks are not published; ours are set by the paper's means"


FC_TIME = "fully connected, 8-bit weights, time"
FC_SOURCE = "check 15: paper Table IV"
PAPERS_FC_MS = 25.75


def table4_rows(arch: Arch | None = None) -> tuple[Row, ...]:
    """Return Table IV and what the text says of SpAtten-e2e, modelled on `arch` (default: `spatten`).

    The time of the fully connected layers has its candidate causes in `fc_candidates`.
    """
    machine = load_arch("spatten") if arch is None else arch
    narrow, wide = (_mean(runs) for runs in table4_runs(machine).values())
    table = "paper Table IV"
    return (
        _row("attention, time", "ms", 2.13, narrow.attention_ms, f"check 14: {table}", RATIOS),
        _row(f"attention, time, {PAPER}", "ms", 2.13, _charged_ms(), f"check 14: {table}", RATIOS),
        replace(_row(FC_TIME, "ms", PAPERS_FC_MS, narrow.fc_ms, FC_SOURCE), causes=(CANDIDATES,)),
        _row("fully connected, share of the time", "", 0.924, narrow.fc_ms / narrow.total_ms, table, RATIOS),
        _row("fully connected, work", "GFLOP", 19.3, narrow.fc_gflop, table),
        _row("attention, work", "GFLOP", 0.9, narrow.attention_gflop, table, RATIOS),
        _row(
            "12-bit weights over 8-bit, time", "", 35 / 24, wide.total_ms / narrow.total_ms, f"paper {FASTER}", RATIOS
        ),
        _row(
            "DRAM efficiency of streamed weights",
            "",
            0.73,
            steady(machine).efficiency,
            "check 16: paper implied by Table IV",
        ),
    )


def _charged_ms() -> float:
    """Return the mean time of attention on the preset of the paper's reading."""
    arch = load_arch(PAPER)
    runs = {d.digest: cycle_result(arch, d) for d in table4_decisions(arch)}
    return 1e3 * fmean(runs[d.digest].seconds for d in table4_decisions(arch))


def _row(name: str, unit: str, expected: float, modelled: float, source: str, *assumptions: str) -> Row:
    return Row(name=name, unit=unit, expected=expected, modelled=modelled, source=source, assumptions=assumptions)


@dataclass(frozen=True, slots=True)
class _Mean:
    """Means over the tasks."""

    attention_ms: float
    fc_ms: float
    attention_gflop: float
    fc_gflop: float

    @property
    def total_ms(self) -> float:
        """Time of both parts."""
        return self.attention_ms + self.fc_ms


def _mean(runs: list[EndToEnd]) -> _Mean:
    told = [run.to_dict() for run in runs]
    return _Mean(
        attention_ms=1e3 * fmean(one["attention_seconds"] for one in told),
        fc_ms=1e3 * fmean(one["fc_seconds"] for one in told),
        attention_gflop=1e-9 * fmean(one["operations"]["attention"] for one in told),
        fc_gflop=1e-9 * fmean(one["operations"]["fc"] for one in told),
    )


def table4_runs(arch: Arch) -> dict[int, list[EndToEnd]]:
    """Return, by width of a weight, a run for each of the four GPT-2-Medium tasks, no head pruned, as the paper has it.

    Tasks that differ in name alone are simulated once.
    """
    shape, found = model_shape(MODEL), table4_decisions(arch)
    attention = {d.digest: cycle_result(arch, d) for d in {d.digest: d for d in found}.values()}
    return {bits: [joined(arch, attention[d.digest], d, shape, bits) for d in found] for bits in WEIGHT_BITS}


@lru_cache(maxsize=2)
def table4_decisions(arch: Arch) -> tuple[Decisions, ...]:
    """Return the decisions of the four tasks."""
    whole = {"head": (Fraction(1),)}
    tasks = [find_workload(name) for name in workload_names() if name.startswith(f"{MODEL}-")]
    kept = [w.model_copy(update={"name": MODEL, "schedule": w.schedule.model_copy(update=whole)}) for w in tasks]
    texts = [w.model_dump_json() for w in kept]
    drawn = {text: complete(w.counts(), arch.topk, 0) for text, w in dict(zip(texts, kept, strict=True)).items()}
    return tuple(drawn[text] for text in texts)


def fc_candidates(arch: Arch | None = None) -> tuple[Row, ...]:
    """Return the time of the fully connected layers with each candidate cause switched on alone, named after it."""
    machine = load_arch("spatten") if arch is None else arch
    return tuple(
        _row(name, "ms", PAPERS_FC_MS, 1e-3 * cycles / machine.clock.mhz, FC_SOURCE)
        for name, cycles in _fc_cycles(machine).items()
    )


def _fc_cycles(arch: Arch) -> dict[str, float]:
    """Return the cycles of the fully connected layers by what is switched on in the model."""
    work = fc_work(table4_decisions(arch)[0], model_shape(MODEL))
    ours = fc_result(arch, work, 8)

    def on(dram: Dram) -> float:
        return fc_result(arch.model_copy(update={"dram": dram}), work, 8).cycles["total"]

    def at(bytes_per_cycle: float) -> float:
        """Return the cycles with another stream: those that it holds the bus, and what ours takes besides."""
        return ours.cycles["total"] - ours.busy_cycles["dram"] + ours.dram_bytes["total"] / bytes_per_cycle

    vocabulary = len(work.tokens) // work.layers * work.shape.hidden * (work.shape.vocab or 0)
    ported = {name: _with(load_dram(name), channels=arch.dram.channels) for name in SIMULATORS}
    return {
        "peak bandwidth": at(arch.dram.peak_gb_per_s * 1e3 / arch.clock.mhz),
        "no refresh": on(_with(arch.dram, refresh=False)),
        "16 granules outstanding in a channel": at(_outstanding(arch)),
        **{f"a controller that sees {n} requests of a channel": on(_with(arch.dram, window=n)) for n in (16, 8, 4)},
        **{f"DRAM configuration {name}": on(dram) for name, dram in ported.items()},
        "weights fetched first, multiplied after": float(sum(ours.busy_cycles.values())),
        "the vocabulary's matrix as well": ours.cycles["total"] + steady(arch).cycles(vocabulary),
        "every granule in a row of its own": on(_with(arch.dram, mapping=ROW_EACH)),
    }


SIMULATORS = ("dramsim3", "ramulator-release", "ramulator-v21")
"""DRAM configurations that follow other simulators of HBM2, mapping of addresses included."""

ROW_EACH = "co-ro-ba-bg-pc-ch"
"""Address mapping that puts neighbours into rows of their own: columns above the rows."""

LONG = 50_000
"""Granules of a stream that sees some ten refreshes of a channel."""


def _with(dram: Dram, **fields: object) -> Dram:
    return dram.model_copy(update=fields)


def _outstanding(arch: Arch) -> float:
    """Return the bytes per cycle of a sequential stream that keeps at most 16 granules of each channel outstanding.

    The release's test bench has at most 16 requests pending in a channel.
    """
    addresses = np.arange(LONG) * arch.dram.granule_bytes
    one = replay(_with(arch.dram, channels=1), addresses, mhz=arch.clock.mhz, issue="axi16")
    return arch.dram.channels * one.bytes_per_cycle


WIDTH = 120
"""Columns of text."""


def text(rows: Iterable[Row], candidates: Iterable[Row]) -> str:
    """Return the rows, and below them the time of the fully connected layers with each candidate, as plain text."""
    columns = (
        Column(title="Table IV, GPT-2-Medium, 32 tokens", left=True),
        Column(title="paper"),
        Column(title="modelled"),
        Column(title="deviation"),
        Column(title="rests on", left=True),
    )
    whole = Table(title="SpAtten-e2e", columns=columns, rows=tuple(map(_cells, rows)))
    return "\n\n".join(table.text(WIDTH) for table in (whole, _candidate_table(candidates)))


def _cells(row: Row) -> tuple[str, ...]:
    assert row.expected is not None
    assert row.deviation is not None
    return (
        f"{row.name}, {row.unit}" if row.unit else row.name,
        digits(row.expected),
        digits(row.modelled),
        f"{100 * row.deviation:+.1f} %",
        "unpublished ratios" if row.assumptions else "",
    )


def _candidate_table(candidates: Iterable[Row]) -> Table:
    columns = (Column(title="switched in the model", left=True), Column(title="ms"), Column(title="of the paper's"))
    cells = tuple((one.name, digits(one.modelled), percent(one.modelled, PAPERS_FC_MS)) for one in candidates)
    return Table(title=FC_TIME.capitalize(), columns=columns, rows=cells)


if __name__ == "__main__":
    print(text(table4_rows(), fc_candidates()))
