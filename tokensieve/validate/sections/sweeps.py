"""Checks 19 and 20: comparators of the top-k and bytes of SRAM, swept as in the paper's design space (Fig. 19).

And the channels of DRAM, whose stalls have to fall with each of them.
"""

from itertools import pairwise

from tokensieve.arch import load_arch
from tokensieve.report.accuracyfigure import Curve
from tokensieve.sim.result import Result
from tokensieve.validate.authors import PRUNED, cost
from tokensieve.validate.row import Row, at_most, exactly
from tokensieve.validate.section import Data, Section

LANES = (1, 2, 4, 8, 16, 32)
KIB = (64, 96, 128, 192, 256, 384, 512)
"""KiB of each of the two SRAMs; 192 are the paper's 196,608 bytes."""

CHANNELS = (1, 2, 4, 8, 16, 32)

APPLICATION = "the paper does not say on which GPT-2 application it swept"
OWN = "authors' trace on spatten"
SOURCE_LANES, SOURCE_SRAM = "check 19: paper V-C, Fig. 19", "check 20: paper V-C, Fig. 19"
PAIRS = (
    "6-bit K lies in pairs of heads, and a pair of layer 0 takes 2 x 116 of the 256 lines of 192 KiB: the next pair is "
    "not fetched before the verdict on this one; 384 KiB of K hold two pairs"
)


def section(data: Data) -> Section:
    """Return cycles at each point, and what the points beyond the paper's choice still gain."""
    lanes = {n: _cycles(data, f"topk.lanes={n}") for n in LANES}
    sram = {n: _cycles(data, f"key_sram.kib={n}", f"value_sram.kib={n}") for n in KIB}
    rows = [_point(f"lanes of the top-k: {n}", cycles, SOURCE_LANES) for n, cycles in lanes.items()]
    rows.append(_gain("gain of 32 lanes over 16", lanes[16], lanes[32], 0.2, SOURCE_LANES))
    rows += [_point(f"SRAMs of {n} KiB", cycles, SOURCE_SRAM) for n, cycles in sram.items()]
    for other in ("key", "value"):
        cycles = _cycles(data, f"{other}_sram.kib=384")
        rows.append(_point(f"{other[0].upper()} SRAM alone of 384 KiB", cycles, SOURCE_SRAM))
    rows.append(_gain("gain of 512 KiB over 192", sram[192], sram[512], 0.05, SOURCE_SRAM, PAIRS))
    stalls = [_run(data, f"dram.channels={n}").cycles["dram_stall"] for n in CHANNELS]
    rows += [_point(f"waiting for DRAM, channels: {n}", s, OWN) for n, s in zip(CHANNELS, stalls, strict=True)]
    rows.append(_rises(stalls))
    return Section(rows=tuple(rows), curves=(_lane_curve(lanes), _sram_curve(sram)))


def _run(data: Data, *sets: str) -> Result:
    return cost(data.file(PRUNED), load_arch("spatten", sets))


def _cycles(data: Data, *sets: str) -> int:
    return _run(data, *sets).cycles["total"]


def _rises(stalls: list[int]) -> Row:
    """Return how often twice the channels do not make the stalls fewer."""
    return Row(
        name="doublings of the channels that save no stall",
        expected=0,
        modelled=sum(after >= before for before, after in pairwise(stalls)),
        unit="",
        source=OWN,
        band=exactly(0),
    )


def _point(name: str, cycles: int, source: str) -> Row:
    return Row(name=name, expected=None, modelled=cycles, unit="cycles", source=source)


def _gain(name: str, before: int, after: int, most: float, source: str, *causes: str) -> Row:
    return Row(
        name=name,
        expected=None,
        modelled=before / after - 1,
        unit="",
        source=source,
        band=at_most(most),
        assumptions=(APPLICATION,),
        causes=causes,
    )


def _lane_curve(cycles: dict[int, int]) -> Curve:
    return Curve(
        title="lanes of the top-k engines",
        x_label="lanes",
        y_label="cycles (millions)",
        x=tuple(map(float, cycles)),
        y=tuple(c * 1e-6 for c in cycles.values()),
        knee=16,
        knee_label="the paper's choice, 16",
    )


def _sram_curve(cycles: dict[int, int]) -> Curve:
    return Curve(
        title="bytes of K and of V SRAM",
        x_label="kB (1,000 bytes) of each",
        y_label="cycles (millions)",
        x=tuple(round(n * 1.024) for n in cycles),
        y=tuple(c * 1e-6 for c in cycles.values()),
        knee=196.608,
        knee_label="the paper's choice, 196 kB",
    )
