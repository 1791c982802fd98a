"""Checks 4, 6 and 22: what the authors' traces hold, and the least that they can cost."""

from tokensieve.arch import load_arch
from tokensieve.sim.result import Result
from tokensieve.study.testbench import run_testbench
from tokensieve.study.validate.authors import DENSE, PRUNED, cost, trace
from tokensieve.study.validate.row import Row, exactly, within
from tokensieve.study.validate.section import Data, Section
from tokensieve.workloads.decisions import Decisions

COUNTS = {
    PRUNED: {"rows": 4608, "sum of L": 4_647_168, "sum of K": 1_283_172, "sum of V": 255_180, "LSB rows": 323},
    DENSE: {"rows": 4608, "sum of L": 4_647_168, "sum of K": 4_647_168, "sum of V": 4_647_168, "LSB rows": 0},
}
"""Counted in the files, check 4 (and 22: the LSB rows)."""

BOUNDS = {
    (PRUNED, "spatten"): (83.7e6, 163_484, 196_103, 33_132),
    (DENSE, "spatten"): (746.1e6, 1_457_280, 1_165_824, 582_912),
    (PRUNED, "spatten-eighth"): (83.7e6, 1_307_876, 1_568_824, 265_056),
}
"""DRAM bytes, and cycles of DRAM at its peak, Q x K and Prob x V, worked out of the files with the counts rounded up to
8 as the authors' test bench does, check 6."""

ROUNDING = {"spatten-eighth": "takes a key a cycle and rounds no count up to 8, as the authors' test bench does"}
"""Presets that do other work than the figures are for, and why; printed only."""

BUSY = {"dram": "DRAM at its peak", "qk": "Q x K", "pv": "Prob x V"}
SHORT = {PRUNED: "pruned trace", DENSE: "un-pruned twin"}


def section(data: Data) -> Section:
    """Return sums over the traces, and bytes and least cycles out of whole runs."""
    arch = load_arch("spatten")
    rows = [row for name in COUNTS for row in _counts(name, trace(data, name, arch))]
    for (name, preset), bounds in BOUNDS.items():
        result = cost(data.file(name), load_arch(preset))
        rows += _bounds(f"{SHORT[name]}, {preset}", bounds, result, ROUNDING.get(preset))
    rows += [_share(trace(data, PRUNED, arch)), _released(data)]
    return Section(rows=tuple(rows))


def _share(d: Decisions) -> Row:
    """Return the share of rows that need their low bits."""
    return Row(
        name="pruned trace, rows that need the LSBs",
        expected=5.9,
        modelled=100 * float((d.lsb_refetch == 1).mean()),
        unit="%",
        source="check 22: paper III-D, a mean of the benchmarks",
        assumption="the paper's share is a mean of benchmarks, of which only this one's trace is public",
    )


def _released(data: Data) -> Row:
    """Return what the released 1/8 design fetches, under the rules that the figures are for."""
    run = run_testbench(load_arch("released-64x2"), data.file(PRUNED))
    expected = BOUNDS[PRUNED, "spatten-eighth"][0]
    return Row(
        name="pruned trace, released-64x2, DRAM bytes",
        expected=expected,
        modelled=run.dram_bytes,
        unit="B",
        source="check 6: authors' trace, counts rounded up to 8",
        band=within(expected, 0.005),
    )


def _counts(name: str, d: Decisions) -> list[Row]:
    own = {
        "rows": len(d.row_index),
        "sum of L": int(d.context.sum()),
        "sum of K": int(d.keys_kept.sum()),
        "sum of V": int(d.values_kept.sum()),
        "LSB rows": int((d.lsb_refetch == 1).sum()),
    }
    return [
        Row(
            name=f"{SHORT[name]}, {what}",
            expected=expected,
            modelled=own[what],
            unit="",
            source="check 4: authors' trace, counted",
            band=exactly(expected),
        )
        for what, expected in COUNTS[name].items()
    ]


def _bounds(name: str, bounds: tuple[float, ...], result: Result, cause: str | None) -> list[Row]:
    own = [result.dram_bytes["total"], *(result.busy_cycles[unit] for unit in BUSY)]
    words = [("DRAM bytes", "B"), *((word, "cycles") for word in BUSY.values())]
    return [
        Row(
            name=f"{name}, {word}",
            expected=expected,
            modelled=modelled,
            unit=unit,
            source="check 6: authors' trace at 512 or 64 B and 8 or 1 keys a cycle",
            band=None if cause else within(expected, 0.005),
            cause=cause,
        )
        for (word, unit), expected, modelled in zip(words, bounds, own, strict=True)
    ]
