"""Sweeps from the command line on two processes: wall and processor time, memory, size on disk, against targets.

    python benchmarks/explore.py [grid] [sobol] [memory] [resume] [cycle] [layer] [model] [peer=PYTHON] [points=N]

Without names all parts but the peer. Targets are wall time on two idle cores; processor time tells more on a busy one.
`points` has the parts at level `cycle` do N designs in the place of 1,000, and scales their targets. `peer` is a Python
in which SCALE-Sim 3 is installed (`pip install scalesim` in a virtual environment of its own): see `_peer.py`.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _peer

from tokensieve.validate.levels import BERT_LAYER

WORKERS = 2
SQUAD = "bert-base-squad1"
LANES = [1, 2, 4, 8, 16, 32, 64]

GRID = {
    "workload": SQUAD,
    "axes": {
        "topk.lanes": LANES,
        "topk.engine": ["quickselect", "radix"],
        "dram.channels": [1, 2, 4, 8, 16, 32],
        "key_sram.kib": {"low": 32, "high": 450, "step": 22},
        "softmax.fifo_lines": {"low": 128, "high": 1018, "step": 15},
    },
}
SOBOL = {
    "workload": SQUAD,
    "axes": {
        "topk.lanes": LANES,
        "topk.engine": ["quickselect", "radix"],
        "dram.channels": [1, 2, 4, 8, 16, 32],
        "qk.multipliers": [64, 128, 256, 512, 1024],
        "pv.multipliers": [64, 128, 256, 512, 1024],
        "key_sram.kib": {"low": 64, "high": 512},
        "value_sram.kib": {"low": 64, "high": 512},
        "softmax.fifo_lines": {"low": 128, "high": 1024},
        "fetcher.ports": [4, 8, 16, 32],
        "fetcher.fifo_depth": {"low": 8, "high": 128},
        "requant.queue_rows": {"low": 4, "high": 64},
        "clock.mhz": {"low": 500, "high": 1500},
    },
    "sampler": {"kind": "sobol", "points": 100_000},
}


def cycle(workload: str, points: int) -> dict[str, Any]:
    """Return a sweep of so many designs at level `cycle`."""
    axes = {"topk.lanes": LANES[2:], "dram.channels": [4, 8, 16, 32], "key_sram.kib": {"low": 96, "high": 500}}
    return {
        "workload": workload, "level": "cycle", "axes": axes, "sampler": {"kind": "random", "points": points},
    }  # fmt: skip


@dataclass
class Spent:
    """What a sweep took."""

    wall: float
    cpu: float
    parent_mb: float
    worker_mb: float
    """Of the worker that took most."""


def run(spec: dict[str, Any], folder: Path, store: str) -> Spent:
    """Sweep with a store, in processes of its own."""
    path = folder / "sweep.yaml"
    path.write_text(json.dumps(spec))
    tool = Path(sys.executable).with_name("tokensieve")
    command = [str(tool), "sweep", str(path), "--store", str(folder / store), "--workers", str(WORKERS), "--quiet"]
    began = time.perf_counter()
    process = subprocess.Popen(command)
    peaks: dict[int, float] = {}
    ended = threading.Event()
    watch = threading.Thread(target=_watch, args=(process.pid, peaks, ended))
    watch.start()
    _, status, usage = os.wait4(process.pid, 0)
    ended.set()
    watch.join()
    assert status == 0, f"exit code {os.waitstatus_to_exitcode(status)}"
    workers = [peak for pid, peak in peaks.items() if pid != process.pid]
    return Spent(
        time.perf_counter() - began, usage.ru_utime + usage.ru_stime, peaks[process.pid], max(workers, default=0)
    )


def _watch(parent: int, peaks: dict[int, float], ended: threading.Event) -> None:
    """Note the peak memory of a process and of its children, in MB, until it ends."""
    while not ended.wait(0.05):
        children = Path(f"/proc/{parent}/task/{parent}/children")
        try:
            for pid in [parent, *map(int, children.read_text().split())]:
                told = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
                peaks[pid] = int(told["VmHWM"].split()[0]) / 1024
        except (OSError, KeyError):  # it has just ended
            continue


def verdict(what: str, figure: float, target: float, unit: str, more: str = "") -> None:
    """Print a figure beside its target."""
    told = "met" if figure <= target else "MISSED"
    print(f"{what:52}{figure:10.3g} {unit:12} target {target:<8.3g} {told:7}{more}", flush=True)


def timed(what: str, spec: dict[str, Any], target: float, folder: Path, store: str) -> Spent:
    """Sweep, and print the time."""
    spent = run(spec, folder, store)
    verdict(what, spent.wall, target, "s", f"{spent.cpu:8.1f} s of processors")
    return spent


def grid(folder: Path) -> None:
    """A grid of five axes, and what a point of it takes on the disk."""
    timed("grid of 5 axes, 100,800 designs, squad1", GRID, 20, folder, "grid.db")
    verdict("  on disk", (folder / "grid.db").stat().st_size / 100_800, 1024, "bytes/point")


def sobol(folder: Path) -> None:
    """Sobol points over twelve fields."""
    timed("Sobol, 12 fields, 100,000 designs, squad1", SOBOL, 60, folder, "sobol.db")
    verdict("  on disk", (folder / "sobol.db").stat().st_size / 100_000, 1024, "bytes/point")


def memory(folder: Path) -> None:
    """Memory of ten thousand points and of ten times as many."""
    for points in (10_000, 100_000):
        spent = run({**SOBOL, "sampler": {"kind": "sobol", "points": points}}, folder, f"memory{points}.db")
        verdict(f"memory, {points:,} Sobol points: parent", spent.parent_mb, 400, "MB")
        verdict(f"memory, {points:,} Sobol points: worker", spent.worker_mb, 300, "MB")


def resume(folder: Path) -> None:
    """A grid, then the same again, which is all in the store: what looking up and fetching take."""
    first = folder / "grid.db"
    if not first.exists():
        run(GRID, folder, "grid.db")
    spent = run(GRID, folder, "grid.db")
    verdict("the grid again, all of it from the store", spent.wall, 10, "s", f"{spent.cpu:8.1f} s of processors")
    verdict("  store and scheduling", 1e3 * spent.cpu / 100_800, 0.1, "ms/point", "  processor time, start included")


def main() -> None:
    """Run the parts that are named."""
    given = dict(one.partition("=")[::2] for one in sys.argv[1:])
    points = int(given.pop("points", 1000))
    share, told = points / 1000, f"cycle, {points} designs"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        layer, model = folder / "layer.yaml", folder / "model.yaml"
        layer.write_text(json.dumps(BERT_LAYER))
        model.write_text(json.dumps({**BERT_LAYER, "layers": 12}))
        parts: dict[str, Callable[[], object]] = {
            "grid": lambda: grid(folder),
            "sobol": lambda: sobol(folder),
            "memory": lambda: memory(folder),
            "resume": lambda: resume(folder),
            "cycle": lambda: timed(f"{told}, squad1", cycle(SQUAD, points), 60 * share, folder, "c.db"),
            "layer": lambda: timed(f"{told}, BERT layer", cycle(str(layer), points), 180 * share, folder, "l.db"),
            "model": lambda: timed(f"{told}, BERT-Base", cycle(str(model), points), 180 * share, folder, "m.db"),
        }
        for one in [part for part in given if part != "peer"] or ([] if given else parts):
            parts[one]()
        if "peer" in given:
            _peer.compare(given["peer"], str(layer), folder)


if __name__ == "__main__":
    main()
