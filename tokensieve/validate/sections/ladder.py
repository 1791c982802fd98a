"""Checks 17 and 18: from a dense 32-bit datapath to the whole design (paper Fig. 20), on the authors' trace."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from tokensieve.arch import load_arch
from tokensieve.arch.machine import Arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.validate.authors import PRUNED, cost
from tokensieve.validate.benchmarks import PAPER
from tokensieve.validate.row import Row, within
from tokensieve.validate.section import Data, Section
from tokensieve.workloads.complete import complete
from tokensieve.workloads.csvtrace import read_csv
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.reference import dense

MEAN = "the paper's step is a mean of eight benchmarks, of which only this one's trace is public"
WIDTH = "the paper's comparators are the width of the search; lanes = 1 narrows load and drain too"
HARDER = "GPT-2-small on WikiText-2 is pruned harder than the mean: 6.0x fewer keys and values, against 3.8x"
EFFICIENCY = (
    "the step of 32 bits streams at 92 % of the DRAM's peak, where the paper's figures imply 73 to 75 %; barriers "
    "between layers and a pass for the maximum hide what a narrower number saves"
)
CANDIDATE = "a window of 8 requests a channel is a candidate for the paper's DRAM; nothing published says so"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """A machine at both widths of its top-k."""

    name: str
    preset: str
    narrow: tuple[str, ...]
    """Fields of the step whose top-k is 1 wide."""

    wide: tuple[str, ...] = ()
    """Fields of the other steps, 16 wide."""

    assumptions: tuple[str, ...] = (MEAN,)
    causes: tuple[str, ...] = ()


_SEARCH = ("topk.lanes=8", "topk.comparators=1"), ("topk.lanes=8", "topk.comparators=16")
_WINDOW = "dram.window=8"

LADDERS = (
    Ladder(name="spatten, lanes", preset="spatten", narrow=("topk.lanes=1",), causes=(WIDTH,)),
    Ladder(name="spatten, comparators at 8 lanes", preset="spatten", narrow=_SEARCH[0], wide=_SEARCH[1]),
    Ladder(name=f"{PAPER}, comparators at 8 lanes", preset=PAPER, narrow=_SEARCH[0], wide=_SEARCH[1]),
    Ladder(
        name=f"{PAPER}, comparators at 8 lanes, candidate {_WINDOW}",
        preset=PAPER,
        narrow=(*_SEARCH[0], _WINDOW),
        wide=(*_SEARCH[1], _WINDOW),
        assumptions=(MEAN, CANDIDATE),
    ),
)


def section(data: Data) -> Section:
    """Return the cycles of each step, and the factors between them, of every ladder."""
    return Section(rows=tuple(row for ladder in LADDERS for row in _rows(data, ladder)), notes=_NOTES)


def _rows(data: Data, ladder: Ladder) -> Iterator[Row]:
    arch, slow = load_arch(ladder.preset, ladder.wide), load_arch(ladder.preset, ladder.narrow)
    pruned = unquantized(data, arch)
    first = cycle_result(arch, dense(pruned, "fp32"), un_pruned=True).cycles["total"]
    second = cycle_result(slow, pruned).cycles["total"]
    third = cycle_result(arch, pruned).cycles["total"]
    last = cost(data.file(PRUNED), arch).cycles["total"]
    yield _step(ladder, "dense, 32 bits", first)
    yield _step(ladder, "pruned, 32 bits, top-k 1 wide", second)
    yield _step(ladder, "pruned, 32 bits, top-k 16 wide", third)
    yield _step(ladder, "pruned and quantized", last)
    yield _factor(ladder, "pruning with a top-k 1 wide", 1.1, first / second, None, "Fig. 20")
    yield _factor(ladder, "16 for 1", 3.0, second / third, 0.4, "check 18: paper Fig. 20", *ladder.causes, HARDER)
    yield _factor(ladder, "pruning with a top-k 16 wide", 3.4, first / third, 0.3, "check 17: paper Fig. 20", HARDER)
    yield _factor(ladder, "quantization", 2.8, third / last, 0.3, "check 17: paper Fig. 20", EFFICIENCY)


def unquantized(data: Data, arch: Arch) -> Decisions:
    """Return the authors' pruned trace with K and V of 32 bits, each head with a value top-k of its own.

    For the simulator alone: 32 bits are no width that a file may have.
    """
    counts = read_csv(data.file(PRUNED))
    wide = {"query": 12, "key": 12, "value": 12, "lsb": 0}
    plain = replace(
        counts, bits=wide, lsb_refetch=np.zeros_like(counts.lsb_refetch), threshold=None, pair_shares_values=False
    )
    decisions = complete(plain, arch.topk, seed=0)
    return replace(decisions, meta={**decisions.meta, "bits": {"query": 32, "key": 32, "value": 32, "lsb": 0}})


def _step(ladder: Ladder, name: str, cycles: int) -> Row:
    return Row(
        name=f"{ladder.name}: {name}", expected=None, modelled=cycles, unit="cycles", source="authors' trace, modelled"
    )


def _factor(
    ladder: Ladder, name: str, expected: float, modelled: float, share: float | None, source: str, *causes: str
) -> Row:
    return Row(
        name=f"{ladder.name}: gain of {name}",
        expected=expected,
        modelled=modelled,
        unit="x",
        source=source,
        band=None if share is None else within(expected, share),
        assumptions=ladder.assumptions,
        causes=causes,
    )


_NOTES = (
    "The same four steps on four machines: `spatten` with 1 and 16 lanes; with 8 lanes and 1 or 16 comparators, as the "
    "authors' engine loads and drains 8 scores a cycle whatever its comparators; the same on `spatten-paper`; and that "
    "with a DRAM that sees 8 requests of a channel, a candidate. No one machine meets every row: the candidate that "
    "brings quantization to the paper's gain takes GPT-2's throughput away from it.",
)
