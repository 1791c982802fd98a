"""The authors' released RTL under the rules of its test bench: any 17-column CSV, out come cycles."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve import __version__
from tokensieve.arch.machine import Arch
from tokensieve.sim.released.hang import Hang
from tokensieve.sim.released.replay import READ_BYTES, check_released, replay
from tokensieve.workloads.released import SEED, Requests, bench_requests

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedRun:
    """Cycles of one run, counted from the beginning of reset."""

    arch: str
    """Name of the design."""

    arch_digest: str

    clock_mhz: int

    trace: str
    """The CSV file."""

    trace_sha256: str

    latencies: str
    """Where the top-k latencies come from, in words."""

    requests: Requests
    """What was asked for, counts rounded."""

    count_rounding: int

    accept: I64
    """Cycle in which each row was accepted, shape ``(rows,)``; -1 for those never accepted."""

    response: I64
    """Cycle of each row's response, shape ``(rows,)``; -1 for those that got none."""

    dram_reads: int
    """Reads of 32 bytes."""

    hang: Hang | None
    """Where and why the design hung, as the released RTL does on some requests; None where it did not."""

    @property
    def responses(self) -> int:
        """Rows that got their response."""
        return int((self.response >= 0).sum())

    @property
    def total_cycles(self) -> int:
        """Cycle of the last response; -1 where there is none."""
        return int(self.response.max())

    @property
    def first_response(self) -> int:
        """Cycle of the first response; -1 where there is none."""
        return int(self.response[0])

    @property
    def hang_message(self) -> str | None:
        """Where and why the design hung, in words."""
        if self.hang is None:
            return None
        after = f"{self.responses:,} of {len(self.response):,} responses"
        where = f"the modelled design hung after {after}, at {self._place(self.hang.row)}"
        if self.hang.reason is None:
            return f"{where}; why is not known"
        if self.hang.suspect is None:
            return f"{where}: {self.hang.reason}"
        return f"{where}; likely because of {self._place(self.hang.suspect)}: {self.hang.reason}"

    def _place(self, row: int) -> str:
        return f"row {row} (line {self.requests.lines[row]})"

    @property
    def dram_bytes(self) -> int:
        """Bytes that were read."""
        return READ_BYTES * self.dram_reads

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object of this run; what it shares with `result.json` stands at the same place.

        Cycles and seconds that a hung run does not have are null.
        """
        total = self.total_cycles if self.hang is None else None
        return {
            "schema_version": 1,
            "rules": "test-bench",
            "level": "cycle",
            "seconds": None if total is None else total / self.clock_mhz * 1e-6,
            "cycles": {"total": total},
            "rows": len(self.response),
            "responses": self.responses,
            "hung": self.hang is not None,
            "first_accept_cycle": _or_null(self.accept[0]),
            "first_response_cycle": _or_null(self.first_response),
            "last_accept_cycle": _or_null(self.accept.max()),
            "second_passes": int(self.requests.second_pass.sum()),
            "topk_latency_sum": int(self.requests.latency.sum()),
            "traffic": {"dram_bytes": {"total": self.dram_bytes}, "dram_reads": self.dram_reads},
            "labels": {"seconds": "modelled", "cycles": "modelled", "traffic": "modelled"},
            "provenance": {
                "tokensieve": __version__,
                "arch": self.arch,
                "arch_digest": self.arch_digest,
                "trace": self.trace,
                "trace_sha256": self.trace_sha256,
                "count_rounding": self.count_rounding,
                "topk_latency": self.latencies,
            },
        }

    def rows_csv(self) -> str:
        """Return request, accept and response cycle of each row as CSV; -1 where it did not happen."""
        q = self.requests
        columns = {
            "row": np.arange(len(q)), "key_fetch": q.keys, "val_fetch": q.values, "key_bits": q.key_bits,
            "val_bits": q.value_bits, "requant": q.second_pass, "topk_latency": q.latency, "last_in_batch": q.last,
            "accept_cycle": self.accept, "response_cycle": self.response,
        }  # fmt: skip
        lines = [",".join(columns), *(",".join(map(str, row)) for row in zip(*columns.values(), strict=True))]
        return "\n".join(lines) + "\n"


def _or_null(cycle: int) -> int | None:
    """Return a cycle for JSON: null where it did not come."""
    return int(cycle) if cycle >= 0 else None


def run_released(
    arch: Arch,
    csv_path: Path | str,
    iteration: int | None = None,
    count_rounding: int | None = None,
    topk_latency: Path | str | None = None,
) -> ReleasedRun:
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
    return ReleasedRun(
        arch=arch.name,
        arch_digest=arch.digest,
        clock_mhz=arch.clock.mhz,
        trace=str(csv_path),
        trace_sha256=hashlib.sha256(Path(csv_path).read_bytes()).hexdigest(),
        latencies=str(topk_latency) if topk_latency else f"drawn for {arch.topk.lanes} lanes, seed {SEED}",
        requests=requests,
        count_rounding=rounding,
        accept=result.accept,
        response=result.response,
        dram_reads=result.reads,
        hang=result.hang,
    )
