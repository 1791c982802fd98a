"""The authors' released RTL under the rules of its test bench: any 17-column CSV, out come cycles."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.sim.released import READ_BYTES, check_released, replay
from tokensieve.workloads.testbench import Requests, bench_requests

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestBenchRun:
    """Cycles of one run, counted from the beginning of reset."""

    requests: Requests
    """What was asked for, counts rounded."""

    count_rounding: int

    accept: I64
    """Cycle in which each row was accepted, shape ``(rows,)``; -1 for those never accepted."""

    response: I64
    """Cycle of each row's response, shape ``(rows,)``; -1 for those that got none."""

    dram_reads: int
    """Reads of 32 bytes."""

    @property
    def responses(self) -> int:
        """Rows that got their response."""
        return int((self.response >= 0).sum())

    @property
    def hung(self) -> bool:
        """Whether the design hung, as the released RTL does on some requests."""
        return self.responses < len(self.response)

    @property
    def total_cycles(self) -> int:
        """Cycle of the last response; -1 where there is none."""
        return int(self.response.max())

    @property
    def dram_bytes(self) -> int:
        """Bytes that were read."""
        return READ_BYTES * self.dram_reads


def run_testbench(
    arch: Arch,
    csv_path: Path | str,
    iteration: int | None = None,
    count_rounding: int | None = None,
    topk_latency: Path | str | None = None,
) -> TestBenchRun:
    """Run the rows of `csv_path`, or those of one iteration, on the released design that `arch` describes.

    Counts are rounded up to `count_rounding` (None: `released.count_rounding`). Top-k latencies are drawn by the
    release's model, or read from the file `topk_latency`. Raises `ArchError` where `arch` is no such design and
    `WorkloadError` naming file, line and field.
    """
    check_released(arch)
    rounding = arch.released.count_rounding if count_rounding is None else count_rounding
    requests = bench_requests(
        csv_path, rounding=rounding, lanes=arch.topk.lanes, iteration=iteration, latencies=topk_latency
    )
    result = replay(arch, requests)
    return TestBenchRun(
        requests=requests,
        count_rounding=rounding,
        accept=result.accept,
        response=result.response,
        dram_reads=result.reads,
    )
