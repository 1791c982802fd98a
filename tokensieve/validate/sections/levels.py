"""Level `analytic` against level `cycle`: random machines on six workloads."""

from collections.abc import Iterator

import numpy as np

from tokensieve.arch import load_arch
from tokensieve.validate.authors import DENSE, PRUNED, trace
from tokensieve.validate.designs import random_designs
from tokensieve.validate.levels import Deviations, beginning, bert_layer, deviations, rank_correlation
from tokensieve.validate.row import Band, Row, at_least, at_most, exactly
from tokensieve.validate.section import Data, Section
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.decisions import Decisions

DESIGNS, SEED = 150, 1
"""`benchmarks/levels.py` takes 500, which alone take ten minutes of CPU; these are the first of them."""

MEDIAN, TAIL, RANK = 5, 15, 0.95
"""Percent of error at most: median, and 95th percentile; rank correlation at least."""

SOURCE = f"level cycle, {DESIGNS} designs drawn with seed {SEED}"
KINDS = {"cycles": ("analytic_cycles", "cycle_cycles"), "energy": ("analytic_joules", "cycle_joules")}
"""Fields of `Deviations` by what is compared."""


def section(data: Data) -> Section:
    """Return the errors over all workloads, and those of each."""
    for name in (PRUNED, DENSE):
        data.file(name)  # left out at once where it is missing, not after minutes
    machines = random_designs(DESIGNS, SEED)
    found = {name: deviations(machines, decisions) for name, decisions in workloads(data)}
    below = sum(int((one.analytic_cycles < np.floor(one.least_cycles)).sum()) for one in found.values())
    rows = [row for kind in KINDS for row in _rows("all six", kind, list(found.values()), judged=True)]
    rows.append(_row("designs below the lower bound of their cycles", below, "", exactly(0)))
    rows += [row for name, one in found.items() for kind in KINDS for row in _rows(name, kind, [one], judged=False)]
    return Section(rows=tuple(rows), notes=_NOTES)


def workloads(data: Data) -> Iterator[tuple[str, Decisions]]:
    """Yield three workloads of prefill and three of decode."""
    arch = load_arch("spatten")
    yield "MiniLM, 2 layers", beginning(load_workload("minilm", arch), 2)
    yield "bert-base-squad1", load_workload("bert-base-squad1", arch)
    yield "BERT-Base layer, L = 384", bert_layer(arch)
    yield "gpt2-small-wikitext2, 2 steps", beginning(load_workload("gpt2-small-wikitext2", arch), 2)
    yield "authors' pruned trace, 2 steps", beginning(trace(data, PRUNED, arch), 2)
    yield "authors' un-pruned trace, 1 step", beginning(trace(data, DENSE, arch), 1)


def _rows(name: str, kind: str, some: list[Deviations], judged: bool) -> Iterator[Row]:
    """Yield median, 95th percentile and rank correlation; that of several workloads is the least of them."""
    error = 100 * np.abs(np.concatenate([getattr(one, kind) for one in some]))
    rank = min(rank_correlation(*(getattr(one, field) for field in KINDS[kind])) for one in some)
    label = f"{name}: error of {kind}"
    yield _row(f"{label}, median", float(np.median(error)), "%", at_most(MEDIAN) if judged else None)
    yield _row(f"{label}, 95th percentile", float(np.percentile(error, 95)), "%", at_most(TAIL) if judged else None)
    yield _row(f"{name}: rank correlation of {kind}", rank, "", at_least(RANK) if judged else None)


def _row(name: str, value: float, unit: str, band: Band | None) -> Row:
    return Row(name=name, expected=None, modelled=value, unit=unit, source=SOURCE, band=band)


_NOTES = (
    "Machines are drawn from values around those of the paper's design, so that each unit is the bottleneck of some. "
    "The lower bound is the longest of DRAM at its peak, the lines of Q x K and those of Prob x V.",
)
