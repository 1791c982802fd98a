"""CPU time of the authors' RTL, as this package steps it, for the 4,608 rows of their GPT-2-small trace.

Peer: the release's Verilog under Verilator (v4.218, `run_spatten_hardware.py`), timed when the project's reference data
were made: 33 s for 64 multipliers and 2 channels, 55 s for 512 and 16. That machine is not this one.
"""

import time
from pathlib import Path

from tokensieve.arch import load_arch
from tokensieve.sim.released.replay import replay
from tokensieve.workloads.released import bench_requests

TRACES = Path(__file__).resolve().parents[2] / "shared" / "data" / "spatten-traces"
TRACE = TRACES / "gpt2-small-wikitext2-per8.csv"
VERILATOR_S = {"released-64x2": 33.0, "released-512x16": 55.0}
REPEATS = 3


def main() -> None:
    """Print a line for each design: cycles, CPU seconds (the least of three), and Verilator's seconds over them."""
    if not TRACE.is_file():
        print(f"skipped: no {TRACE}")
        return
    print("design            cycles       reads     requests  cycles/s  CPU s  Verilator s  ratio")
    for name, verilator in VERILATOR_S.items():
        arch = load_arch(name)
        began = time.process_time()
        requests = bench_requests(TRACE, rounding=arch.released.count_rounding, lanes=arch.topk.lanes)
        drawn = time.process_time() - began
        runs = [timed(arch, requests) for _ in range(REPEATS + 1)][1:]
        run, taken = min(runs, key=lambda one: one[1])
        cycles, cpu = int(run.response.max()), drawn + taken
        figures = f"{cycles:>9,}  {run.reads:>10,}  {drawn:>7.2f} s  {cycles / taken:>8,.0f}  {cpu:>5.2f}"
        print(f"{name:<16} {figures}  {verilator:>11.0f}  {verilator / cpu:>4.1f}x")


def timed(arch, requests):
    """Return a run and its CPU seconds."""
    began = time.process_time()
    run = replay(arch, requests)
    return run, time.process_time() - began


if __name__ == "__main__":
    main()
