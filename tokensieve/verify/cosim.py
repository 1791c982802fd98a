"""Co-simulation of one unit: golden's vectors, the cycle law and the twin against the hardware.

Every vector runs alone and without pauses: what comes out must be golden's answer, the cycles the law's, and what the
probes counted golden's work record. Then vectors run back to back with gaps and stalls: the answers must be the same,
and every transfer must fall into the cycle in which the twin has it. Some of these cases are played once more with
resets in the middle: after the last one, every cycle must be as it was without.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokensieve.arch.errors import TokensieveError, nearest
from tokensieve.arch.machine import Arch
from tokensieve.verify.cases import cases_of, with_resets
from tokensieve.verify.differences import wrong_after_reset, wrong_answers, wrong_cycles, wrong_transfers, wrong_work
from tokensieve.verify.pace import Row, measured, row_case
from tokensieve.verify.request import SIMULATORS, Request
from tokensieve.verify.simulator import simulator_for
from tokensieve.verify.units.base import Unit
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.case import Record
    from tokensieve.rtl.flow.harness.base import Harness

_ON_REQUEST = ("mutant", "waves_file", "row")


@dataclass(frozen=True, kw_only=True)
class Cosim:
    """Outcome of one co-simulation: differences, cycle statistics, files written."""

    unit: str
    engine: str | None
    vectors: int
    mismatches: int
    """Vectors with a wrong, missing or surplus answer, stalled or not, and streams that broke their rules."""

    cycle_differences: int
    """Vectors that took other cycles than the law says."""

    work_differences: int
    """Vectors for which a probe counted something else than golden."""

    stall_cases: int
    stall_differences: int
    """Stalled cases in which a transfer fell into another cycle than the twin's."""

    reset_cases: int
    reset_differences: int
    """Cases with resets in the middle that went otherwise, in any cycle after the last reset, than without them."""

    select_mean: float | None
    select_max: int | None
    total_mean: float | None
    total_max: int | None
    rtl_cycles_total: int
    law_cycles_total: int
    simulator: str
    verilog_sha256: str | None
    vectors_file: str
    """Where golden's vectors were written."""

    mutant: str | None = None
    waves_file: str | None = None
    row: Row | None = None
    """What was measured of vectors in a row, of a unit that promises a pace."""

    bins: Mapping[str, int] = field(default_factory=dict)
    """Functional coverage: how many vectors or cases were of each kind."""

    lines: Mapping[str, int] | None = None
    """Line and toggle coverage, if it was asked for and the simulator counts it."""

    situations: Mapping[str, int] | None = None
    """In how many cases the unit was in each of its situations, if coverage was asked for."""

    @property
    def missing(self) -> list[str]:
        """The situations that no case was in."""
        return [name for name, count in (self.situations or {}).items() if not count]

    @property
    def differences(self) -> int:
        """All that must be zero."""
        told = self.mismatches + self.cycle_differences + self.work_differences
        return told + self.stall_differences + self.reset_differences + (self.row.differences if self.row else 0)

    def as_object(self) -> dict[str, Any]:
        """Return the object that ``--json`` prints; mutant, waves and coverage are in it if they were asked for."""
        told = asdict(self)
        if self.lines is None:
            del told["lines"]
        if self.situations is None:
            del told["situations"], told["bins"]
        return {name: value for name, value in told.items() if value is not None or name not in _ON_REQUEST}


def cosim(request: Request, tell: Callable[[str], None] | None = None) -> Cosim:
    """Return the outcome of co-simulating one unit with one engine; `tell` is told before a minute of silence."""
    if request.simulator not in SIMULATORS:
        choice = f"simulator must be one of {', '.join(SIMULATORS)}, got {request.simulator!r}"
        raise TokensieveError(choice + nearest(request.simulator, SIMULATORS))
    unit, arch = request.unit, request.unit.arch(request.arch, request.engine)
    vectors, file = saved_vectors(unit, arch, request)
    harness = unit.harness()
    with simulator_for(request, arch, harness, tell) as simulator:
        alone, stalled = cases_of(unit, arch, vectors, harness, request.seed)
        again = with_resets([case for _, case in stalled], request.seed)
        row = row_case(unit, arch, vectors)
        records = simulator.play([case for _, case in [*alone, *stalled, *row, *again]])
    ends = len(alone), len(alone) + len(stalled), len(alone) + len(stalled) + len(row)
    stalled += row
    parts = records[: ends[0]], records[ends[0] : ends[2]], records[ends[2] :]
    resets = [(number, case.resets) for number, case in again]
    told = _Told(unit, arch, vectors, harness, *parts, [which for which, _ in stalled], resets)
    return Cosim(
        unit=unit.name,
        engine=request.engine or None,
        vectors=len(alone),
        simulator=request.simulator,
        mutant=request.fault.name if request.fault else None,
        verilog_sha256=simulator.verilog_sha256,
        vectors_file=str(file),
        waves_file=str(simulator.waves_file) if simulator.waves_file else None,
        lines=simulator.lines,
        situations=told.situations() if request.coverage else None,
        row=measured(unit, arch, vectors, row[0][0], records[ends[1]]) if row else None,
        **told.counted(),
    )


def saved_vectors(unit: Unit, arch: Arch, request: Request) -> tuple[Vectors, Path]:
    """Return golden's vectors, by way of the file in which anybody else would find them."""
    from tokensieve.rtl.flow.tools import cache_folder

    made = unit.vectors(arch, request.count, request.seed, request.scores)
    name = "-".join(filter(None, [unit.name, request.engine, request.scores, f"{request.count}", f"{request.seed}"]))
    key = hashlib.sha256(arch.digest.encode()).hexdigest()[:12]
    file = cache_folder("vectors") / f"{name}-{key}.npz"
    made.save(file)
    return Vectors.load(file), file


@dataclass(frozen=True)
class _Told:
    """Records beside what they are compared with."""

    unit: Unit
    arch: Arch
    vectors: Vectors
    harness: "Harness"
    alone: Sequence["Record"]
    stalled: Sequence["Record"]
    again: Sequence["Record"]
    """Some of the stalled cases, with resets."""

    together: Sequence[Sequence[int]]
    """The vectors of each stalled case."""

    resets: Sequence[tuple[int, Sequence[int]]]
    """Of each of `again`, the number of the stalled case and the cycles of its resets."""

    def situations(self) -> Mapping[str, int]:
        """Return in how many cases the unit was in each of its situations."""
        from tokensieve.verify.situations import Seen, counted

        here = (self.unit, self.arch, self.vectors)
        seen = [Seen(*here, [index], _given(record)) for index, record in enumerate(self.alone)]
        runs = list(zip(self.together, self.stalled, strict=True))
        seen += [Seen(*here, which, _given(record)) for which, record in runs]
        seen += [Seen(*here, runs[at][0], _given(runs[at][1]), resets) for at, resets in self.resets]
        return counted(seen)

    def counted(self) -> dict[str, Any]:
        """Return the figures of a `Cosim`."""
        from tokensieve.verify.coverage import bins

        here = (self.harness, self.arch, self.vectors)
        runs = [([index], record) for index, record in enumerate(self.alone)]
        paused = list(zip(self.together, self.stalled, strict=True))
        laws = [self.unit.law(self.arch, self.vectors, which[0]) for which, _ in runs]
        cycles = [_cycles(*here, which, record) for which, record in runs]
        selects = [c["select"] for c in cycles if c.get("select", -1) >= 0]
        totals = [c["total"] for c in cycles if c.get("total", -1) >= 0]
        return {
            "mismatches": sum(wrong_answers(*here, which, record) for which, record in runs + paused),
            "cycle_differences": sum(map(wrong_cycles, cycles, laws)),
            "work_differences": sum(wrong_work(*here, which, record) for which, record in runs + paused),
            "stall_cases": len(paused),
            "stall_differences": sum(
                wrong_transfers(self.unit, self.arch, self.vectors, which, record) for which, record in paused
            ),
            "reset_cases": len(self.again),
            "reset_differences": sum(
                wrong_after_reset(*here, *paused[number], again)
                for (number, _), again in zip(self.resets, self.again, strict=True)
            ),
            "select_mean": _mean(selects), "select_max": max(selects, default=None),
            "total_mean": _mean(totals), "total_max": max(totals, default=None),
            "rtl_cycles_total": sum(totals),
            "law_cycles_total": sum(law["total"] for law in laws),
            "bins": bins(self.arch, self.vectors, paused),
        }  # fmt: skip


def _cycles(
    harness: "Harness", arch: Arch, vectors: Vectors, which: Sequence[int], record: "Record"
) -> Mapping[str, int]:
    """Return the cycles of a vector that ran alone; none where a fault has left nothing to count."""
    try:
        return {name: int(count) for name, count in harness.cycles(arch, vectors, which, record)[0].items()}
    except (IndexError, KeyError, ValueError):
        return {}


def _given(record: "Record") -> "Callable[[], Record]":
    """Return what gives a record that is there already."""
    return lambda: record


def _mean(numbers: Sequence[int]) -> float | None:
    return round(sum(numbers) / len(numbers), 3) if numbers else None
