"""CPU time of the DRAM model per request, and how far it is from DRAMsim3 on the streams of the oracle."""

import csv
import time
from pathlib import Path
from statistics import median

from tokensieve.arch import load_arch
from tokensieve.arch.memory import Dram
from tokensieve.sim.dramrun import DramStats, pattern, replay

ORACLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "dram-oracle" / "dram_oracle.csv"
REQUESTS = 1 << 18

DRAMSIM3 = Dram(
    channels=1,
    pseudo_channels=1,
    bank_groups=4,
    banks_per_group=4,
    row_bytes=2048,
    granule_bytes=64,
    mapping="ro-bg-ba-pc-ch-co",
    window=32,
    tCK_ps=1000,
    nBL=2,
    nCL=14,
    nCWL=4,
    nRCD=14,
    nRP=14,
    nRAS=34,
    nRC=48,
    nCCD_S=1,
    nCCD_L=2,
    nRRD_S=4,
    nRRD_L=6,
    nFAW=30,
    nRTP=6,
    nWR=16,
    nWTR_S=6,
    nWTR_L=8,
    nRFC=260,
    nREFI=3900,
)
"""Configuration `dramsim3, 1ch` of the oracle's README, as far as our fields go.

Its place for 32 requests and its queues of 8 for each bank are one window of 32 here; latencies outside the DRAM are
not modelled.
"""


def main() -> None:
    """Print both tables."""
    cpu_time()
    print()
    deviation()


def cpu_time() -> None:
    """Print the CPU time of a request, compilation excluded."""
    dram = load_arch("spatten").dram
    print(f"CPU time per 32-byte request, {REQUESTS:,} reads on the DRAM of `spatten`, compilation excluded")
    for name, param in (("seq", 0), ("randchunk", 32), ("randchunk", 1024)):
        addresses = pattern(name, REQUESTS, 32, param, 1)
        replay(dram, addresses[:1000])
        before = time.process_time()
        stats = replay(dram, addresses)
        taken = time.process_time() - before
        print(f"  {name:<10} {param or '':>5} {taken / REQUESTS * 1e9:>6.0f} ns  {stats.bytes_per_cycle:>6.1f} B/cycle")


def deviation() -> None:
    """Print our cycles beside those of DRAMsim3; nothing is tuned to them."""
    if not ORACLE.is_file():
        print(f"deviation from DRAMsim3 skipped: no {ORACLE}")
        return
    with ORACLE.open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["simulator"] == "dramsim3" and r["issue_mode"] == "sat"]
    print("cycles beside DRAMsim3 (sat; one channel without pseudo-channels; nothing is tuned)")
    print(f"  {'stream':<22} {'theirs':>8} {'ours':>8} {'':>7}  ACTs theirs, ours   hits theirs, ours")
    off = [compared(row, stats_of(row)) for row in rows]
    print(f"  median of |deviation| {median(map(abs, off)):.1%}, largest {max(off, key=abs):+.1%}")


def stats_of(row: dict[str, str]) -> DramStats:
    """Return what our model does with the stream of a row.

    A 32-byte request is one column access of 64 bytes, as it is theirs.
    """
    size = int(row["request_bytes"])
    addresses = pattern(row["pattern"], int(row["n_requests"]), size, int(row["param"]), int(row["seed"]))
    return replay(DRAMSIM3, addresses, size, fifo_depth=1)


def compared(row: dict[str, str], ours: DramStats) -> float:
    """Print one line and return how far we are off."""
    theirs = int(row["total_cycles"])
    off = ours.cycles / theirs - 1
    stream = f"{row['pattern']} {row['n_requests']}x{row['request_bytes']} {row['param']}"
    counts = f"{row['act_cmds']:>7} {ours.activates:>6}     {row['row_hits']:>8} {ours.row_hits:>6}"
    print(f"  {stream:<22} {theirs:>8,} {ours.cycles:>8,} {off:>+7.1%}  {counts}")
    return off


if __name__ == "__main__":
    main()
