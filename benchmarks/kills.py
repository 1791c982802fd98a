"""Kill -9 at random moments of a sweep at level `cycle`, and resume each time: is the store that of a quiet run?

    python benchmarks/kills.py [POINTS] [KILLS] [SEED]

Kills take turns: a worker, the parent, the parent within a commit (its store's log is growing). After each one the same
command is started again. The two stores are compared row by row, whole results included; what was computed twice is
listed by digest of the machine: what a worker or the parent had in hand when it was killed. Exit code 1 if one differs.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from tokensieve.explore.chunks import DIED
from tokensieve.explore.spec import SweepFile, sweep_from
from tokensieve.explore.store import Store
from tokensieve.explore.stored import unpacked
from tokensieve.explore.sweep import run_sweep
from tokensieve.run.points import Cycle

WORKERS = 2
LOOK = 0.001


class Noting(Cycle):
    """Level `cycle`, which notes each design that it has priced in a file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def price(self, work: Any, summary: Any, designs: Any) -> Any:
        """Price designs one by one, and note them."""
        figures = super().price(work, summary, designs)
        with self._path.open("a") as file:
            file.write("".join(f"{designs.arch(i).digest}\n" for i in range(len(designs))))
        return figures


def spec_of(points: int) -> SweepFile:
    """Return a sweep of so many designs, a multiple of 20."""
    axes = {
        "topk.lanes": [4, 8, 16, 32, 64],
        "dram.channels": [4, 8, 16, 32],
        "key_sram.kib": {"low": 96, "high": 480, "count": points // 20},
    }
    return sweep_from({"workload": "bert-base-cola", "level": "cycle", "axes": axes})


def sweep(points: int, store: Path, notes: Path) -> None:
    """Sweep: what the processes that are killed do."""
    with Store.open(store) as opened:
        run_sweep(spec_of(points), Noting(notes), store=opened, workers=WORKERS)


def start(points: int, store: Path, notes: Path) -> subprocess.Popen[bytes]:
    """Start a process that sweeps."""
    return subprocess.Popen([sys.executable, __file__, "sweep", str(points), str(store), str(notes)])


def kill_worker(process: subprocess.Popen[bytes], store: Path, rng: np.random.Generator) -> bool:
    """Kill a worker; return whether there was one."""
    while process.poll() is None:
        if pids := [pid for pid in _children(process.pid) if b"spawn_main" in _command(pid)]:
            os.kill(int(rng.choice(pids)), signal.SIGKILL)
            return True
        time.sleep(LOOK)
    return False


def kill_parent(process: subprocess.Popen[bytes], store: Path, rng: np.random.Generator) -> bool:
    """Kill the parent."""
    process.kill()
    return True


def kill_in_commit(process: subprocess.Popen[bytes], store: Path, rng: np.random.Generator) -> bool:
    """Kill the parent when the log of its store is seen to grow."""
    before = _log(store)
    while process.poll() is None:
        if _log(store) > before:
            process.kill()
            return True
        time.sleep(LOOK)
    return False


KILLS: tuple[Callable[[subprocess.Popen[bytes], Path, np.random.Generator], bool], ...] = (
    kill_worker, kill_parent, kill_in_commit,
)  # fmt: skip


def _log(store: Path) -> int:
    log = store.with_name(f"{store.name}-wal")
    return log.stat().st_size if log.exists() else 0


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def disturbed(points: int, kills: int, seed: int, store: Path, notes: Path) -> list[str]:
    """Sweep, kill so many times, go on each time, and return what was killed and when."""
    rng = np.random.Generator(np.random.PCG64(seed))
    told = []
    shares = sorted(rng.random(kills))  # of the points that are stored
    process = start(points, store, notes)
    for share, kill in zip(shares, cycle(KILLS), strict=False):
        while process.poll() is None and _noted(notes) < share * points:
            time.sleep(0.01)
        time.sleep(float(rng.random()) * 0.3)
        if process.poll() is None and kill(process, store, rng):
            told.append(f"{kill.__name__} after {_noted(notes)} designs")
        if kill is not kill_worker:
            process.wait()
            process = start(points, store, notes)
    assert process.wait() == 0
    return told


def _noted(notes: Path) -> int:
    return notes.read_bytes().count(b"\n") if notes.exists() else 0


def rows(path: Path) -> dict[bytes, tuple[Any, ...]]:
    """Return the points of a store by key, without numbers, batches and times."""

    def told(full: bytes | None) -> dict[str, Any]:
        result = json.loads(unpacked(full)) if full else {}
        result.get("provenance", {}).pop("times", None)
        return result

    with Store.open(path, write=False) as store:
        return {
            one.key: (
                one.level, one.status, one.message, json.dumps(dict(one.overrides)), one.totals, told(one.full),
                store.base_of(one).digest, store.work_of(one).digest,
            )
            for one in store.points()
        }  # fmt: skip


def main(points: int = 500, kills: int = 10, seed: int = 0) -> int:
    """Compare a disturbed sweep with a quiet one, and print how they differ."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        quiet, other = folder / "quiet.db", folder / "killed.db"
        assert start(points, quiet, folder / "quiet.txt").wait() == 0
        for line in disturbed(points, kills, seed, other, folder / "killed.txt"):
            print(line)
        wanted, found = rows(quiet), rows(other)
        differ = [key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)]
        notes = (folder / "killed.txt").read_text().split()
        once = set((folder / "quiet.txt").read_text().split())
        twice = sorted({one for one in notes if notes.count(one) > 1})
    lost = sum(row[2] == DIED for row in found.values())
    print(f"{len(wanted)} rows without kills, {len(found)} with; {len(differ)} differ, {lost} were given up")
    print(f"{len(notes)} designs priced, of {len(once)}; {len(twice)} of them more than once:")
    for low in range(0, len(twice), 5):
        print("  " + ", ".join(f"{one[:12]} x{notes.count(one)}" for one in twice[low : low + 5]))
    return 1 if differ else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["sweep"]:
        sweep(int(sys.argv[2]), Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        sys.exit(main(*map(int, sys.argv[1:])))
