"""CPU time of the DRAM model per request, and how far it is from two public simulators on the streams of the oracle."""

import csv
import time
from pathlib import Path
from statistics import fmean

from tokensieve.arch import load_dram
from tokensieve.sim.dram.run import pattern, replay

ORACLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "dram-oracle" / "dram_oracle.csv"
REQUESTS = 1 << 18

MIRRORS = {"1ch": "dramsim3", "artefact": "ramulator-release", "v21timings_chw128": "ramulator-v21"}
"""Our name of each configuration of the oracle."""


def main() -> None:
    """Print both tables."""
    cpu_time()
    print()
    deviation()


def cpu_time() -> None:
    """Print the CPU time of a request, compilation excluded."""
    print(f"CPU time per 32-byte request, {REQUESTS:,} reads, compilation excluded")
    for config in ("hbm2", "dramsim3", "ramulator-release"):
        dram = load_dram(config)
        for name, param in (("seq", 0), ("randchunk", 32), ("randchunk", 1024)):
            addresses = pattern(name, REQUESTS, 32, param, 1)
            replay(dram, addresses[:1000])
            before = time.process_time()
            stats = replay(dram, addresses)
            taken = (time.process_time() - before) / REQUESTS * 1e9
            print(f"  {config:<18} {name:<10} {param or '':>5} {taken:>6.0f} ns  {stats.bytes_per_cycle:>6.1f} B/cycle")


def deviation() -> None:
    """Print our cycles beside those of DRAMsim3 and Ramulator 2; nothing is tuned to them."""
    if not ORACLE.is_file():
        print(f"deviation from the oracle skipped: no {ORACLE}")
        return
    with ORACLE.open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["config"] == "1ch" or r["request_bytes"] == "32"]
    print("cycles beside the simulators that the configurations mirror (Ramulator rows of 64 bytes are no target)")
    print(f"  {'configuration':<18} {'stream':<24} {'issue':<6} {'theirs':>8} {'ours':>8}")
    for config in MIRRORS.values():
        off = [abs(compared(config, row)) for row in rows if MIRRORS[row["config"]] == config]
        print(f"  {config:<18} {len(off)} rows: mean of |deviation| {fmean(off):.2%}, largest {max(off):.2%}")


def compared(config: str, row: dict[str, str]) -> float:
    """Print one line and return how far we are off."""
    size, theirs = int(row["request_bytes"]), int(row["total_cycles"])
    addresses = pattern(row["pattern"], int(row["n_requests"]), size, int(row["param"]), int(row["seed"]))
    ours = replay(load_dram(config), addresses, size, issue=row["issue_mode"], mhz=None).cycles
    stream = f"{row['pattern']} {row['n_requests']}x{size} {row['param']}"
    print(f"  {config:<18} {stream:<24} {row['issue_mode']:<6} {theirs:>8,} {ours:>8,} {ours / theirs - 1:>+7.2%}")
    return ours / theirs - 1


if __name__ == "__main__":
    main()
