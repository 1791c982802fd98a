"""Both sides of every field: doubles and halves each one, and runs random machines.

    python benchmarks/fields.py [analytic|cycle] [DESIGNS]

    python benchmarks/fields.py LEVEL 0 FIELD...      these fields alone

Prints what each change does to cycles, energy and area, lowest and highest over four workloads, and fails where one
gains on a side and loses on none without a reason, or where a unit of one of DESIGNS (default 300) random machines is
busy for longer than its run.
"""

import sys

from tokensieve.arch import Arch
from tokensieve.arch.errors import TokensieveError
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.validate.designs import random_designs
from tokensieve.validate.fields import SIDES, Effect, effects
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from

MODEL = {"name": "m", "layers": 3, "heads": 4, "head_dim": 64, "hidden": 256, "ffn": 1024}
STATIC, LOW = {"query": 12, "key": 8, "value": 8, "lsb": 0}, {"query": 12, "key": 8, "value": 8, "lsb": 4}
WORKLOADS = [
    workload_from({"name": name, "model": MODEL, **rest})
    for name, rest in {
        "prefill": {"phase": "prefill", "context": 96,
                    "schedule": {"interpolation": "list", "token": [1, 0.7, 0.5], "value": 0.5, "bits": STATIC}},
        "decode": {"phase": "decode", "prompt": 400, "steps": 3, "lsb_fraction": 0.2,
                   "schedule": {"interpolation": "list", "token": [0.7, 0.5, 0.3], "head": [1, 0.75, 0.5],
                                "value": 0.3, "threshold": 0.1, "bits": LOW}},
        "decode, all kept": {"phase": "decode", "prompt": 300, "steps": 2, "schedule": {"bits": STATIC}},
        "prefill, all kept": {"phase": "prefill", "context": 128, "schedule": {"bits": STATIC}},
    }.items()
]  # fmt: skip
PRICES = {"analytic": analytic_result, "cycle": cycle_result}


def shown(effect: Effect) -> str:
    """Return the line of one change."""
    sides = [f"{low:+8.1%} {high:+8.1%}" for low, high in (effect.change.get(side, (0, 0)) for side in SIDES)]
    cells = "  ".join(sides) if effect.change else f"{'-':>17}  {'-':>17}  {'-':>17}"
    return f"{effect.field:26} {effect.value!s:>12}  {cells}  {'FREE ' if effect.free else ''}{effect.note[:90]}"


def busiest(designs: int) -> tuple[float, str]:
    """Return the highest utilization of a unit of random machines, and where it was; every tenth at `cycle` too."""
    worst, where = 0.0, ""
    for number, arch in enumerate(random_designs(designs, seed=0)):
        for workload in WORKLOADS:
            try:
                decisions = complete(workload.counts(), arch.topk, 0)
                results = [analytic_result(arch, decisions)]
                results += [cycle_result(arch, decisions)] if number % 10 == 0 else []
            except TokensieveError:
                continue
            for result in results:
                unit, share = max(result.utilization.items(), key=lambda item: item[1])
                if share > worst:
                    worst, where = share, f"{unit}, {workload.name}, level {result.level}, design {number}"
    return worst, where


def main() -> int:
    """Print the table and return the exit code."""
    level = sys.argv[1] if len(sys.argv) > 1 else "analytic"
    print(f"{'field':26} {'value':>12}  {'cycles':>17}  {'energy':>17}  {'area':>17}")
    free = []
    for effect in effects(Arch(), WORKLOADS, PRICES[level], sys.argv[3:]):
        print(shown(effect), flush=True)
        free += [effect] if effect.free else []
    worst, where = busiest(int(sys.argv[2]) if len(sys.argv) > 2 else 300)
    print(f"{len(free)} changes gain without losing; highest utilization {worst:.1%} ({where})")
    return 1 if free or worst > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
