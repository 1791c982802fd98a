"""What an optimiser finds: from the preset `spatten`, less area for no cycles, on three workloads. See README.md.

    python benchmarks/optimiser.py [TRIALS] [SEED]

Fails where it lowers a field that `docs/reference/technology.md` does not explain, or where a unit is busy for longer
than its run.
"""

import re
import sys
from pathlib import Path

from tokensieve.arch import Arch, load_arch
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.validate.levels import beginning
from tokensieve.validate.optimise import Found, Search, value
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.decisions import Decisions

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "technology.md"
SECTION = "## What an optimiser finds"


def workloads(arch: Arch) -> dict[str, Decisions]:
    """Return one workload of prefill, one of decode and the shipped trace."""
    return {
        "bert-base-squad1": load_workload("bert-base-squad1", arch),
        "gpt2-small-wikitext2, 2 steps": beginning(load_workload("gpt2-small-wikitext2", arch), 2),
        "minilm": load_workload("minilm", arch),
    }


def explained() -> set[str]:
    """Return the fields that the page's section names."""
    section = PAGE.read_text(encoding="utf-8").partition(SECTION)[2].partition("\n## ")[0]
    return set(re.findall(r"`([a-z_]+\.[a-z_]+)`", section))


def show(search: Search, base: Arch, found: Found, runs: dict[str, Decisions]) -> float:
    """Print what was found, and return the highest utilization of a unit."""
    old, new = search.area(base), search.area(found.best)
    print(f"{found.trials} trials, {found.no_slower} no slower; area {old:.2f} -> {new:.2f} mm2")
    print(f"{'field':24}{'from':>14}{'to':>14}{'saves, mm2':>12}  once more")
    for path, saved in found.saved.items():
        low, cost = search.edge(found.best, path)
        edge = "-" if low is None else f"{low} costs {cost:.1%}"
        print(f"{path:24}{value(base, path)!s:>14}{value(found.best, path)!s:>14}{saved:>12.3f}  {edge}")
    print(f"{'workload':32}{'level':10}{'cycles':>20}{'energy, uJ':>18}{'busiest':>9}")
    highest = 0.0
    for name, decisions in runs.items():
        for level, price in (("analytic", analytic_result), ("cycle", cycle_result)):
            before, after = (price(arch, decisions) for arch in (base, found.best))
            cycles = f"{before.cycles['total']:,} {after.cycles['total']:,}"
            energy = f"{before.energy_j['total'] * 1e6:,.0f} {after.energy_j['total'] * 1e6:,.0f}"
            busiest = max(after.utilization.values())
            highest = max(highest, busiest)
            print(f"{name:32}{level:10}{cycles:>20}{energy:>18}{busiest:>9.1%}")
    return highest


def main() -> int:
    """Search, print and return the exit code."""
    trials, seed = (int(sys.argv[i]) if len(sys.argv) > i else default for i, default in ((1, 2000), (2, 0)))
    base = load_arch("spatten")
    runs = workloads(base)
    search = Search(base, runs, seed)
    found = search.run(trials)
    highest = show(search, base, found, runs)
    unknown = sorted(set(found.saved) - explained())
    print(f"not explained: {', '.join(unknown) or 'none'}; highest utilization {highest:.1%}")
    return 1 if unknown or highest > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
