"""What a burst and a query of level `cycle` cost in CPU time, found by leaving parts out. See README.md.

DRAM alone replays streams of bursts without fetcher and pipeline. A run with wide granules has as many requests and
queries as with narrow ones and fewer bursts. A run of few bursts and many queries leaves the queries.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tokensieve.arch import load_arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.cycle.run import run_cycles
from tokensieve.sim.dram.run import pattern, replay
from tokensieve.sim.kernels import tables
from tokensieve.sim.work import RowWork, row_work
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.traces import load_trace

UN_PRUNED = (
    Path(__file__).resolve().parents[2]
    / "shared" / "data" / "spatten-traces" / "gpt2-small-wikitext2-per8-step1.csv"
)  # fmt: skip
STREAMS = {
    "one after the other": ("seq", 0),
    "two streams in turn": ("twostream", 1 << 21),
    "half of the vectors": ("gather", 50),
    "chunks of 1 KiB anywhere": ("randchunk", 1024),
    "single bursts anywhere": ("randchunk", 32),
}
BURSTS = 1 << 21
GRANULES = (32, 64, 128, 256)
REPEATS = 2
LAYER = """\
model: bert-base
layers: 1
phase: prefill
context: 384
schedule: {interpolation: list, token: 1, value: 0.5, bits: {query: 12, key: 8, value: 8, lsb: 0}}
"""


def main() -> None:
    """Print the three tables."""
    dram_alone()
    if UN_PRUNED.is_file():
        granules()
    else:
        print(f"the un-pruned trace: left out, {UN_PRUNED} is not there")
    queries()


def cpu(call: Callable[[], object]) -> float:
    """Return the least CPU seconds of `call`, after one call that is not counted."""
    call()
    seconds = []
    for _ in range(REPEATS):
        began = time.process_time()
        call()
        seconds.append(time.process_time() - began)
    return min(seconds)


def dram_alone() -> None:
    """Print what a burst costs in DRAM alone."""
    dram = load_arch().dram
    print(f"{'DRAM alone, 16 channels':34}{'row hits':>10}{'ns per burst':>14}")
    for what, (name, param) in STREAMS.items():
        places = pattern(name, BURSTS, dram.granule_bytes, param)
        stats = replay(dram, places)
        seconds = cpu(lambda places=places: replay(dram, places))
        print(f"{what:34}{stats.row_hits / BURSTS:10.1%}{1e9 * seconds / BURSTS:14.0f}", flush=True)


def granules() -> None:
    """Print what the un-pruned trace costs with granules of more and more bytes."""
    print(f"\n{'un-pruned trace':16}{'bursts':>14}{'CPU s':>8}{'ns per burst':>14}")
    for size in GRANULES:
        arch = load_arch("spatten", [f"dram.granule_bytes={size}", f"dram.row_bytes={32 * size}"])
        work: RowWork = row_work(arch, load_trace(str(UN_PRUNED), arch))
        bursts = run_cycles(arch, work).scalar(tables.S_PUSHED)
        seconds = cpu(lambda arch=arch, work=work: run_cycles(arch, work))
        print(f"{size:4} bytes each {bursts:14,}{seconds:8.2f}{1e9 * seconds / bursts:14.0f}", flush=True)


def queries() -> None:
    """Print what a BERT-Base layer costs: its bursts, and its queries by what is left."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "layer.yaml").write_text(LAYER)
        arch = load_arch("spatten", ["dram.granule_bytes=256", "dram.row_bytes=8192"])
        decisions = load_workload(str(Path(folder) / "layer.yaml"), arch)
    work = row_work(arch, decisions)
    run = run_cycles(arch, work)
    kernels, whole = cpu(lambda: run_cycles(arch, work)), cpu(lambda: cycle_result(arch, decisions))
    count = len(run.plan.query)
    print(f"\nBERT-Base layer, {count:,} queries, {run.scalar(tables.S_PUSHED):,} bursts of 256 bytes")
    print(f"{'run alone':34}{1e3 * kernels:8.1f} ms{1e6 * kernels / count:8.2f} us per query")
    print(f"{'with work, counts and energy':34}{1e3 * whole:8.1f} ms{1e6 * whole / count:8.2f} us per query")


if __name__ == "__main__":
    main()
