"""How many layers a second level `analytic` evaluates on one core: on machines that all differ, and on a grid.

    python benchmarks/analytic_speed.py [DESIGNS]

An evaluation is one layer of one machine. It gives cycles by cause, bytes, energy and area by unit, and the bottleneck.
The check of the machines, the summary of the workload and all tables are counted in; CPU time. The machines are drawn
at random over 12 fields, or stand on a grid over 5 fields with about as many points.
"""

import sys
import time
from itertools import product

import numpy as np

from tokensieve.arch import Arch
from tokensieve.sim.analytic.batch import Sweep
from tokensieve.sim.analytic.estimate import estimate
from tokensieve.sim.analytic.summary import Summary
from tokensieve.validate.levels import bert_layer
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.decisions import Decisions

FIELDS = {
    "topk.lanes": (1, 2, 4, 8, 16, 32, 64),
    "topk.engine": ("quickselect", "radix", "bitserial", "bitonic"),
    "softmax.lanes": (8, 16, 32, 64),
    "softmax.fifo_lines": range(128, 1025),
    "qk.multipliers": (64, 128, 256, 512, 1024),
    "pv.multipliers": (64, 128, 256, 512, 1024),
    "key_sram.kib": range(32, 513),
    "value_sram.kib": range(32, 513),
    "dram.channels": (1, 2, 4, 8, 16),
    "fetcher.ports": (4, 8, 16, 32, 64),
    "fetcher.fifo_depth": range(4, 129),
    "clock.mhz": range(200, 2001),
}
"""Values of each field; all combinations are valid machines."""

GRID = ("topk.lanes", "softmax.fifo_lines", "key_sram.kib", "dram.channels", "clock.mhz")
"""Fields of the grid; of a field with many values some that lie evenly."""

TARGETS = {"12 fields": 20_000, "grid": 300_000}
"""Evaluations a second (issue 11)."""


def drawn(count: int) -> dict[str, list[object]]:
    """Return the values of every field on `count` machines, each field drawn evenly from its values (seed 1)."""
    rng = np.random.Generator(np.random.PCG64(1))
    return {path: [values[i] for i in rng.integers(len(values), size=count)] for path, values in FIELDS.items()}


def grid(count: int) -> dict[str, list[object]]:
    """Return the values of every field on a grid of at most `count` points."""
    few = {path: FIELDS[path] for path in GRID if len(FIELDS[path]) <= 16}
    each = int((count / np.prod([len(values) for values in few.values()])) ** (1 / (len(GRID) - len(few))))
    spread = {
        path: [FIELDS[path][int(i)] for i in np.linspace(0, len(FIELDS[path]) - 1, max(each, 1))] for path in GRID
    }
    points = list(product(*(few.get(path, spread[path]) for path in GRID)))
    return dict(zip(GRID, map(list, zip(*points, strict=True)), strict=True))


def rate(decisions: Decisions, fields: dict[str, list[object]]) -> tuple[int, float]:
    """Return how many points were evaluated, and in how many CPU seconds."""
    began = time.process_time()
    found = estimate(Summary(decisions), Sweep(Arch(), fields))
    return len(found.seconds), time.process_time() - began


def main() -> None:
    """Measure both on one layer and on twelve."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    works = {
        "one bert-base layer": bert_layer(Arch()),
        "bert-base-squad1, 12 layers": load_workload("bert-base-squad1", Arch()),
    }
    rate(works["one bert-base layer"], drawn(1))  # imports and kernels are not the machines'
    for kind, fields in (("12 fields", drawn(count)), ("grid", grid(count))):
        for name, decisions in works.items():
            points, seconds = rate(decisions, fields)
            each, a_second = 1e6 * seconds / points, points * decisions.layers / seconds
            verdict = "met" if a_second >= TARGETS[kind] else "MISSED"
            print(f"{kind:10}{name:28}{points:8,} machines in {seconds:6.2f} CPU s, {each:5.1f} us each, ", end="")
            print(f"{a_second:9,.0f} layers a second; {TARGETS[kind]:,}: {verdict}", flush=True)


if __name__ == "__main__":
    main()
