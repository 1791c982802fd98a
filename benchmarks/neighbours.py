"""One-field neighbours of `best-under-spatten`: does it win by a field that has no price?

    python benchmarks/neighbours.py [analytic|cycle]

Doubles and halves each field of the machine, or takes its other choices, prices that on the shipped texts (level
`cycle` unless told), and prints the neighbours that the sweep `best-under-spatten` would prefer: faster within its
limit on area, or as fast and smaller. Each needs a reason why nobody can have it: the field is inert, or
`validate.fields.REASONS` says what its price is. Fails where one has none.
"""

import sys
from collections import Counter
from fnmatch import fnmatchcase
from math import exp, log

from tokensieve.arch import Arch, load_arch
from tokensieve.arch.errors import TokensieveError
from tokensieve.arch.presets import priced_fields
from tokensieve.explore.spec import read_sweep
from tokensieve.run.changes import changed
from tokensieve.run.inert import inert_fields
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.validate.fields import REASONS, variants
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.fit import check_fit

NAME = "best-under-spatten"
SWEEP = read_sweep(NAME)
TEXTS = tuple(SWEEP.workloads or ())
LIMIT = load_arch(SWEEP.arch)
PRICES = {"analytic": analytic_result, "cycle": cycle_result}


def cost(arch: Arch, level: str) -> tuple[float, float]:
    """Return the time in whole microseconds, the geometric mean over the texts, and the area in mm2."""
    times, area = [], 0.0
    for text in TEXTS:
        decisions = load_workload(text, arch)
        check_fit(decisions, arch, text)
        result = PRICES[level](arch, decisions)
        times.append(round(1e6 * result.seconds))
        area = result.area_mm2["total"]
    return exp(sum(map(log, times)) / len(times)), area


def reason(arch: Arch, other: Arch, path: str) -> str:
    """Return why nobody can have what a change of the field at `path` gains; nothing where somebody can."""
    inert = [inert_fields(one, load_workload(text, one)).get(path) for one in (arch, other) for text in TEXTS]
    if all(inert):
        return f"inert: {inert[0]}"
    return next((told for pattern, told in REASONS.items() if fnmatchcase(path, pattern)), "")


def main() -> int:
    """Print the table and return the exit code."""
    level = sys.argv[1] if len(sys.argv) > 1 else "cycle"
    arch, counted, free = load_arch(NAME), Counter[str](), []
    (time, area), (_, most) = cost(arch, level), cost(LIMIT, "analytic")
    print(f"{NAME}, level {level}: {time:.1f} us, {area:.3f} mm2; {LIMIT.name}: {most:.3f} mm2\n")
    print(f"{'field':26} {'value':>14}  {'time':>8}  {'area':>8}  reason")
    for path, _, _ in priced_fields():
        for value in variants(arch, path):
            try:
                other = changed(arch, path, value)
                its_time, its_area = cost(other, level)
            except TokensieveError:
                counted["refused"] += 1
                continue
            change = f"{path:26} {value!s:>14}  {its_time / time - 1:+8.2%}  {its_area / area - 1:+8.2%}"
            if its_time > time:
                counted["slower"] += 1
            elif its_area > most:
                counted["over the limit on area"] += 1
            elif (its_time, its_area) >= (time, area):
                counted["no better"] += 1
            else:
                counted["better"] += 1
                told = reason(arch, other, path)
                free += [] if told else [path]
                print(f"{change}  {told or 'FREE'}", flush=True)
    print("\n" + ", ".join(f"{count} {what}" for what, count in sorted(counted.items())))
    print(f"{len(free)} fields are free: {', '.join(free)}" if free else "no field is free")
    return 1 if free else 0


if __name__ == "__main__":
    sys.exit(main())
