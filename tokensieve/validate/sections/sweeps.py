"""Checks 19 and 20: comparators of the top-k and bytes of SRAM, swept as in the paper's design space (Fig. 19).

Both public GPT-2 traces are swept, that of GPT-2-medium where its file is there. And the channels of DRAM, whose stalls
have to fall with each of them.
"""

from dataclasses import dataclass
from itertools import pairwise

from tokensieve.arch import load_arch
from tokensieve.report.accuracyfigure import Curve
from tokensieve.validate.authors import MEDIUM, PRUNED, cost
from tokensieve.validate.benchmarks import PAPER
from tokensieve.validate.row import Row, at_most, exactly
from tokensieve.validate.section import Data, LeftOut, Section

CHANNELS = (1, 2, 4, 8, 16, 32)

APPLICATION = "the paper does not say on which GPT-2 application it swept"
OWN = "authors' trace on spatten"
SOURCE_LANES, SOURCE_SRAM = "check 19: paper V-C, Fig. 19", "check 20: paper V-C, Fig. 19"
PAIRS = (
    "6-bit K lies in pairs of heads, and a pair of layer 0 takes 2 x 116 of the 256 lines of 192 KiB: the next pair is "
    "not fetched before the verdict on this one; 384 KiB of K hold two pairs. The trace of GPT-2-medium has no pairs"
)
LONG = (
    "GPT-2-medium keeps more keys in more heads, and its local top-k binds at every width swept: opposite evidence to "
    "the paper's knee at 16"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """A trace and where it is swept."""

    name: str
    file: str
    lanes: tuple[int, ...]
    kib: tuple[int, ...]
    """KiB of each of the two SRAMs; 192 are the paper's 196,608 bytes."""

    lane_causes: tuple[str, ...] = ()
    sram_causes: tuple[str, ...] = ()


SMALL = Swept(
    name="small", file=PRUNED, lanes=(1, 2, 4, 8, 16, 32), kib=(64, 96, 128, 192, 256, 384, 512), sram_causes=(PAIRS,)
)
MEDIUM_SWEPT = Swept(name="medium", file=MEDIUM, lanes=(1, 2, 4, 8, 16, 32), kib=(96, 192, 512), lane_causes=(LONG,))


def section(data: Data) -> Section:
    """Return cycles at each point, and what the points beyond the paper's choice still gain."""
    lanes, sram, rows = _sweep(data, SMALL)
    rows += [_point(f"small, {o[0].upper()} SRAM alone of 384 KiB", _cycles(data, PRUNED, f"{o}_sram.kib=384"),
                    SOURCE_SRAM) for o in ("key", "value")]  # fmt: skip
    rows += _channels(data)
    curves, notes = [_lane_curve(lanes, SMALL), _sram_curve(sram, SMALL)], list(_NOTES)
    try:
        lanes, sram, more = _sweep(data, MEDIUM_SWEPT)
    except LeftOut as missing:
        notes.append(f"Rows of GPT-2-medium are left out: {missing}.")
    else:
        rows += more
        curves += [_lane_curve(lanes, MEDIUM_SWEPT), _sram_curve(sram, MEDIUM_SWEPT)]
    return Section(rows=tuple(rows), curves=tuple(curves), notes=tuple(notes))


def _sweep(data: Data, swept: Swept) -> tuple[dict[int, int], dict[int, int], list[Row]]:
    """Return the cycles by lanes and by KiB on `spatten`, and the rows of a trace; the gains on both presets."""
    lanes = {n: _cycles(data, swept.file, *_lanes(n)) for n in swept.lanes}
    sram = {n: _cycles(data, swept.file, *_kib(n)) for n in swept.kib}
    rows = [_point(f"{swept.name}, lanes of the top-k: {n}", cycles, SOURCE_LANES) for n, cycles in lanes.items()]
    rows += [_point(f"{swept.name}, SRAMs of {n} KiB", cycles, SOURCE_SRAM) for n, cycles in sram.items()]
    for preset in ("spatten", PAPER):
        for what, sets, most, source, causes in (
            ("32 lanes over 16", (_lanes(16), _lanes(32)), 0.2, SOURCE_LANES, swept.lane_causes),
            ("512 KiB over 192", (_kib(192), _kib(512)), 0.05, SOURCE_SRAM, swept.sram_causes),
        ):
            before, after = (_cycles(data, swept.file, *one, preset=preset) for one in sets)
            rows.append(_gain(f"{swept.name}, gain of {what}, {preset}", before, after, most, source, *causes))
    return lanes, sram, rows


def _lanes(n: int) -> tuple[str, ...]:
    return (f"topk.lanes={n}",)


def _kib(n: int) -> tuple[str, ...]:
    return f"key_sram.kib={n}", f"value_sram.kib={n}"


def _cycles(data: Data, file: str, *sets: str, preset: str = "spatten") -> int:
    return cost(data.file(file), load_arch(preset, sets)).cycles["total"]


def _channels(data: Data) -> list[Row]:
    """Return the stalls by channels, and how often twice the channels do not make them fewer."""
    runs = [cost(data.file(PRUNED), load_arch("spatten", [f"dram.channels={n}"])) for n in CHANNELS]
    stalls = [run.cycles["dram_stall"] for run in runs]
    rows = [_point(f"waiting for DRAM, channels: {n}", s, OWN) for n, s in zip(CHANNELS, stalls, strict=True)]
    saves_none = Row(
        name="doublings of the channels that save no stall",
        expected=0,
        modelled=sum(after >= before for before, after in pairwise(stalls)),
        unit="",
        source=OWN,
        band=exactly(0),
    )
    return [*rows, saves_none]


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


def _lane_curve(cycles: dict[int, int], swept: Swept) -> Curve:
    return Curve(
        title=f"lanes of the top-k engines, {swept.name}",
        x_label="lanes",
        y_label="cycles (millions)",
        x=tuple(map(float, cycles)),
        y=tuple(c * 1e-6 for c in cycles.values()),
        knee=16,
        knee_label="the paper's choice, 16",
    )


def _sram_curve(cycles: dict[int, int], swept: Swept) -> Curve:
    return Curve(
        title=f"bytes of K and of V SRAM, {swept.name}",
        x_label="kB (1,000 bytes) of each",
        y_label="cycles (millions)",
        x=tuple(round(n * 1.024) for n in cycles),
        y=tuple(c * 1e-6 for c in cycles.values()),
        knee=196.608,
        knee_label="the paper's choice, 196 kB",
    )


_NOTES = (
    "*small* is the authors' trace of GPT-2-small, in pairs of 6 bits, *medium* that of GPT-2-medium in 8 bits. A gain "
    "is printed for `spatten` and for `spatten-paper`, which charges what the authors' test bench does.",
)
