"""Long contexts at level `analytic`: CPU time, memory, the error of sampled records, and level `cycle` at 16 k tokens.

    python benchmarks/long.py [PART ...]

PART is `time`, `error` or `confirm`; all three without. Targets: a prefill and a decode of 128 k tokens in at most 5
CPU seconds and 1 GB each, the whole command; both levels within 10 % at 16 k.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from tokensieve.arch import Arch, load_arch
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.validate.longtexts import CONFIRMED, ERROR_AT, LONG, LongText, sample_error
from tokensieve.workloads.complete import complete

SECONDS, MEGABYTES, DEVIATION = 5.0, 1000, 0.10


def main() -> None:
    """Print what is asked for."""
    parts = {"time": time, "error": error, "confirm": confirm}
    for name in sys.argv[1:] or parts:
        parts[name]()


def time() -> None:
    """Run the command on each long text, and print its CPU time and its memory at most."""
    print(f"{'tokensieve run --level analytic':60}{'CPU s':>8}{'MB':>8}")
    for text in LONG:
        seconds, megabytes = _command(text)
        met = "met" if seconds <= SECONDS and megabytes <= MEGABYTES else "MISSED"
        print(f"{text.name:60}{seconds:8.1f}{megabytes:8.0f}  {SECONDS:.0f} s, {MEGABYTES} MB: {met}", flush=True)


def _command(text: LongText) -> tuple[float, float]:
    """Return CPU seconds and megabytes of the command on a text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.yaml"
        path.write_text(yaml.safe_dump(text.workload))
        sets = [word for one in text.sets for word in ("--set", one)]
        command = ["run", "--level", "analytic", "--no-cache", "--quiet", "--workload", str(path), *sets]
        process = subprocess.Popen([sys.executable, "-c", "from tokensieve.cli import main; main()", *command])
        _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{text.name}: the command failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def error() -> None:
    """Print how far sampled records are from those of all queries."""
    print(f"{'records of 1,024 queries a layer against those of all':56}{'searches':>10}{'cycles':>10}")
    for tokens in ERROR_AT:
        for scores in ("minilm-resampled", "uniform"):
            searches, cycles = sample_error(Arch(), tokens, scores)
            print(f"{f'{tokens:,} tokens, {scores}':56}{searches:+10.2%}{cycles:+10.2%}", flush=True)


def confirm() -> None:
    """Print how far level analytic is from level cycle at 16 k tokens."""
    print(f"{'level analytic against level cycle':60}{'analytic':>14}{'cycle':>14}{'off':>8}")
    for text in CONFIRMED:
        arch = load_arch("spatten", text.sets)
        decisions = complete(text.counts(), arch.topk, 0)
        coarse, fine = (price(arch, decisions).cycles["total"] for price in (analytic_result, cycle_result))
        off = coarse / fine - 1
        met = "met" if abs(off) <= DEVIATION else "MISSED"
        print(f"{text.name:60}{coarse:14,}{fine:14,}{off:+8.1%}  {DEVIATION:.0%}: {met}", flush=True)


if __name__ == "__main__":
    main()
