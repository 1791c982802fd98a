"""What a store takes of time and of disk, a point: batches of priced points in, keys looked up, all points out.

    python benchmarks/store.py [POINTS]

Targets: 0.04 ms a point for SQLite alone, 0.02 ms a key looked up, 1.0 KB a point on disk.
"""

import hashlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tokensieve.arch import Arch
from tokensieve.explore import Store, open_store
from tokensieve.explore.columns import TOTALS
from tokensieve.explore.store_reader import EVERYTHING
from tokensieve.explore.stored import Base

BATCH = 1000
"""Points that come at a time, as from a worker."""

FIELDS = (
    "topk.lanes", "softmax.lanes", "dram.channels", "qk.multipliers", "pv.multipliers", "key_sram.kib",
    "value_sram.kib", "fetcher.ports", "fetcher.fifo_depth", "requant.queue_rows", "gather.outstanding", "clock.mhz",
)  # fmt: skip


def main() -> None:
    """Fill a store with random figures in every column, look all keys up, and read all points."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "points.store"
        keys = [hashlib.sha256(str(i).encode()).digest()[:16] for i in range(count)]
        line("add, commit", "ms a point", 0.04, count, lambda: fill(path, keys))
        print(f"{'size on disk':24}{path.stat().st_size / count:10.0f} bytes a point (target 1000)")
        with open_store(path) as store:
            line("look keys up", "ms a key", 0.02, count, lambda: store.known(keys))
            line("read as columns", "ms a point", None, count, lambda: sum(1 for _ in store.frame(EVERYTHING).chunks()))
    print(f"{'peak memory':24}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:10.0f} MB")


def fill(path: Path, keys: list[bytes]) -> None:
    """Store so many points of twelve fields, in batches."""
    rng = np.random.Generator(np.random.PCG64(1))
    arch = Arch()
    with Store.open(path) as store:
        base = store.base(Base(digest=arch.digest, arch=arch.model_dump(mode="json"), text="spatten"))
        work = store.workload("w", "bert-base-squad1", {"workload": "bert-base-squad1", "seed": 0, "scores": None})
        sweep = store.sweep("s", "{}")
        for low in range(0, len(keys), BATCH):
            some = keys[low : low + BATCH]
            overrides = {name: rng.integers(1, 1025, len(some)) for name in FIELDS}
            totals = {c.name: figures(rng, c.kind, len(some)) for c in TOTALS}
            store.add_columns(sweep, base, work, "analytic", some, overrides, totals)


def figures(rng: np.random.Generator, kind: str, count: int) -> np.ndarray:
    """Return a column of figures as large as those of a BERT-Base run."""
    if kind == "text":
        return np.full(count, "softmax")
    return rng.integers(1, 10_000_000, count) if kind == "int" else rng.random(count)


def line(what: str, unit: str, target: float | None, count: int, work: Callable[[], object]) -> None:
    """Print the processor time of `work`, for each of so many points, and the wall time."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    told = f" (target {target})" if target else ""
    print(f"{what:24}{1e3 * cpu / count:10.4f} {unit}{told}, {1e3 * wall / count:.4f} by the clock on the wall")


if __name__ == "__main__":
    main()
