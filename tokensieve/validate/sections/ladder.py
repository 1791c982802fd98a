"""Checks 17 and 18: from a dense 32-bit datapath to the whole design (paper Fig. 20), on the authors' trace."""

from dataclasses import replace

import numpy as np

from tokensieve.arch import load_arch
from tokensieve.arch.machine import Arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.validate.authors import PRUNED, cost
from tokensieve.validate.row import Row, within
from tokensieve.validate.section import Data, Section
from tokensieve.validate.sections.gpt2 import SWITCHES
from tokensieve.workloads.complete import complete
from tokensieve.workloads.csvtrace import read_csv
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.reference import dense

MEAN = "the paper's step is a mean of eight benchmarks, of which only this one's trace is public"
FAST = "GPT-2-small on WikiText-2 is pruned harder than the mean: 6.0x fewer keys and values, against 3.8x"
HIDDEN = "at 6 bits softmax and barriers between layers bind more than DRAM does, and no width shortens them"
BARE = "the same quotient without the softmax's passes and the barrier"


def section(data: Data) -> Section:
    """Return the cycles of each step, and the factors between them."""
    arch, slow = load_arch("spatten"), load_arch("spatten", ["topk.lanes=1"])
    pruned = unquantized(data, arch)
    first = cycle_result(arch, dense(pruned, "fp32"), un_pruned=True).cycles["total"]
    second = cycle_result(slow, pruned).cycles["total"]
    third = cycle_result(arch, pruned).cycles["total"]
    last = cost(data.file(PRUNED), arch).cycles["total"]
    return Section(
        rows=(
            _step("dense, 32 bits", first),
            _step("pruned, 32 bits, top-k of 1 lane", second),
            _step("pruned, 32 bits, top-k of 16 lanes", third),
            _step("pruned and quantized", last),
            _factor("pruning with a top-k of 1 lane", 1.1, first / second, None, "Fig. 20"),
            _factor("16 lanes for 1", 3.0, second / third, 0.4, "check 18: paper Fig. 20", FAST),
            _factor("pruning with 16 lanes", 3.4, first / third, 0.3, "check 17: paper Fig. 20", FAST),
            _factor("quantization", 2.8, third / last, 0.3, "check 17: paper Fig. 20", HIDDEN),
            _factor("quantization where neither is waited for", 2.8, _bare(data, pruned), None, "Fig. 20", BARE),
        )
    )


def _bare(data: Data, pruned: Decisions) -> float:
    """Return the gain of quantization without the first two mechanisms that the section gpt2 switches off."""
    arch = load_arch("spatten", [field for switch in SWITCHES[:2] for field in switch.sets])
    wide = cycle_result(arch, pruned).cycles["total"]
    return wide / cost(data.file(PRUNED), arch).cycles["total"]


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


def _step(name: str, cycles: int) -> Row:
    return Row(name=name, expected=None, modelled=cycles, unit="cycles", source="authors' trace on spatten")


def _factor(name: str, expected: float, modelled: float, share: float | None, source: str, *causes: str) -> Row:
    return Row(
        name=f"gain of {name}",
        expected=expected,
        modelled=modelled,
        unit="x",
        source=source,
        band=None if share is None else within(expected, share),
        assumptions=(MEAN,),
        causes=causes,
    )
