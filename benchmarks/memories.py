"""How far level `analytic` is from level `cycle` on each DRAM that is shipped.

    python benchmarks/memories.py [WORKLOAD...]

Cycles within 10 % and energy within 5 % of level `cycle` on every one (issue 11); one that is not is marked.
"""

import sys
from collections.abc import Callable

from tokensieve.arch import Arch, load_arch
from tokensieve.arch.presets import DRAMS
from tokensieve.validate.levels import beginning, bert_layer, deviations
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.decisions import Decisions

CYCLES, ENERGY = 0.10, 0.05


def named(name: str, first: int = 0) -> Callable[[], Decisions]:
    """Return what loads a workload, or the `first` layers or steps of it."""
    return lambda: beginning(load_workload(name, Arch()), first) if first else load_workload(name, Arch())


WORKLOADS: dict[str, Callable[[], Decisions]] = {
    "minilm, 2 layers": named("minilm", 2),
    "bert-base-squad1": named("bert-base-squad1"),
    "bert-base-cola": named("bert-base-cola"),
    "bert-base-mrpc": named("bert-base-mrpc"),
    "bert-base-rte": named("bert-base-rte"),
    "bert-base layer, L = 384": lambda: bert_layer(Arch()),
    "gpt2-small-wikitext2, 2 steps": named("gpt2-small-wikitext2", 2),
    "gpt2-small-ptb, 2 steps": named("gpt2-small-ptb", 2),
    "gpt2-medium-1bw, 1 step": named("gpt2-medium-1bw", 1),
}
"""Those of `benchmarks/levels.py` that need no traces, and shorter and wider ones."""


def main() -> None:
    """Print the errors of cycles and energy, a line for each workload."""
    wanted = sys.argv[1:] or list(WORKLOADS)
    machines = [load_arch("spatten", [f"dram.extend={name}"]) for name in DRAMS.names()]
    print("error of cycles and energy of level analytic against level cycle, preset spatten with each DRAM")
    print(f"{'workload':30}" + "".join(f"{name:>19}" for name in DRAMS.names()))
    for name in wanted:
        told = deviations(machines, WORKLOADS[name]())
        cells = zip(told.cycles, told.energy, strict=True)
        print(f"{name:30}" + "".join(cell(*errors) for errors in cells), flush=True)


def cell(cycles: float, energy: float) -> str:
    """Return the two errors of one machine, marked where one is too large."""
    mark = " " if abs(cycles) <= CYCLES and abs(energy) <= ENERGY else "*"
    return f"{cycles:+11.1%} {energy:+6.1%}{mark}"


if __name__ == "__main__":
    main()
