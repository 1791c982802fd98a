"""How far level `analytic` is from level `cycle`, on random machines and six workloads.

    python benchmarks/levels.py [DESIGNS] [SEED]

Targets, of the designs that a sweep accepts: median error of the cycles at most 2 %, 95th percentile at most 12 %,
worst at most 35 %, rank correlation at least 0.98, never below the lower bounds. Designs that a sweep refuses as rough
unless asked have a line of their own. 500 designs take half an hour of CPU. How fast it is: `analytic_speed.py`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tokensieve.arch import Arch
from tokensieve.sim.analytic.rough import reasons
from tokensieve.sim.analytic.summary import Summary
from tokensieve.validate.designs import random_designs
from tokensieve.validate.levels import Deviations, beginning, bert_layer, deviations, rank_correlation
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.traces import load_trace

TRACES = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "spatten-traces"


def workloads() -> Iterator[tuple[str, Decisions]]:
    """Yield six workloads, three of prefill and three of decode; without the authors' traces, named ones instead."""
    arch = Arch()
    yield "minilm, 2 layers", beginning(load_workload("minilm", arch), 2)
    yield "bert-base-squad1", load_workload("bert-base-squad1", arch)
    yield "bert-base layer, L = 384", bert_layer(arch)
    yield "gpt2-small-wikitext2, 2 steps", beginning(load_workload("gpt2-small-wikitext2", arch), 2)
    pruned, dense = TRACES / "gpt2-small-wikitext2-per8.csv", TRACES / "gpt2-small-wikitext2-per8-step1.csv"
    if pruned.is_file() and dense.is_file():
        yield "authors' pruned trace, 2 steps", beginning(load_trace(pruned, arch), 2)
        yield "authors' un-pruned trace, 1 step", beginning(load_trace(dense, arch), 1)
    else:
        yield "gpt2-small-ptb, 2 steps", beginning(load_workload("gpt2-small-ptb", arch), 2)
        yield "gpt2-medium-1bw, 1 step", beginning(load_workload("gpt2-medium-1bw", arch), 1)


def main() -> None:
    """Compare on so many designs."""
    count, seed = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 500), (2, 1)))
    machines = random_designs(count, seed)
    print(f"{count} designs, seed {seed}: error of level analytic against level cycle")
    columns = f"{'95 %':>8}{'most':>8}{'rank':>8}"
    print(f"{'workload':34}{'cycles: median':>15}{columns}{'energy: median':>16}{columns}{'below bound':>13}")
    accepted: list[Deviations] = []
    refused: list[Deviations] = []
    for name, decisions in workloads():
        told, summary = deviations(machines, decisions), Summary(decisions)
        rough = np.array([next(reasons(machine, summary), None) is not None for machine in machines])
        accepted.append(told.some(~rough))
        refused.append(told.some(rough))
        print(row(name, accepted[-1:]), flush=True)
    print(row("all", accepted))
    if len(refused[0].cycles):
        print(row(f"rough: {len(refused[0].cycles)} designs", refused))


def row(name: str, some: list[Deviations]) -> str:
    """Return a line of the table; the rank correlation of several workloads is the least of them."""
    cells = [f"{name:34}"]
    for kind, levels, width in (
        ("cycles", ("analytic_cycles", "cycle_cycles"), 14),
        ("energy", ("analytic_joules", "cycle_joules"), 15),
    ):
        error = np.abs(np.concatenate([getattr(one, kind) for one in some]))
        rank = min(rank_correlation(*(getattr(one, level) for level in levels)) for one in some)
        cells.append(f"{np.median(error):{width}.1%} {np.percentile(error, 95):7.1%} {error.max():7.1%} {rank:7.3f} ")
    below = sum(int((one.analytic_cycles < np.floor(one.least_cycles)).sum()) for one in some)
    return "".join(cells) + f"{below:12}"


if __name__ == "__main__":
    main()
