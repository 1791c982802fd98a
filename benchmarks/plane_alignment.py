"""What the alignment of the planes in DRAM costs, on all named workloads and the authors' traces. See README.md.

Every line is the sum of the cycles over a family of workloads, the dense references beside it.
"""

from pathlib import Path
from unittest import mock

from tokensieve.arch import load_arch
from tokensieve.arch.machine import Arch
from tokensieve.sim.cycle import plan
from tokensieve.sim.cycle.run import run_cycles
from tokensieve.sim.work import row_work
from tokensieve.workloads.benchmarks import load_workload, workload_names
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.reference import dense
from tokensieve.workloads.traces import load_trace

TRACES = Path(__file__).resolve().parents[2] / "shared" / "data" / "spatten-traces"
KIB = (1, 2, 4, 8, 16, 32, 64, 128)
FAMILIES = ("bert-base", "bert-large", "gpt2-small", "gpt2-medium")
PRESETS = ("spatten", "sieve")


def main() -> None:
    """Print a table for each preset."""
    for preset in PRESETS:
        arch = load_arch(preset)
        print(f"{preset}: cycles by alignment in KiB")
        print(f"{'':24}" + "".join(f"{kib:>12}" for kib in KIB))
        for family in FAMILIES:
            names = [name for name in workload_names() if name.startswith(family)]
            rows(arch, family, [load_workload(name, arch) for name in names])
        for path in sorted(TRACES.glob("gpt2-*.csv")):
            rows(arch, path.stem[:22], [load_trace(path, arch)])


def rows(arch: Arch, name: str, runs: list[Decisions]) -> None:
    """Print the sums of some runs, pruned and dense."""
    for what, decisions in (("", runs), (" dense", [dense(d) for d in runs])):
        works = [row_work(arch, d, un_pruned=bool(what)) for d in decisions]
        sums = []
        for kib in KIB:
            with mock.patch.object(plan, "PLANE_ALIGNMENT", kib * 1024):
                sums.append(sum(run_cycles(arch, work).total for work in works))
        print(f"{name + what:24}" + "".join(f"{cycles:>12,}" for cycles in sums), flush=True)


if __name__ == "__main__":
    main()
