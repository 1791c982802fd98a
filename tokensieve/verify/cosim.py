"""Co-simulation of one unit: golden's vectors, the cycle law and the twin against the hardware.

Every vector runs alone and without pauses: what comes out must be golden's answer, the cycles the law's, and what the
probes counted golden's work record. Then vectors run back to back with gaps and stalls: the answers must be the same,
and every transfer must fall into the cycle in which the twin has it. Some of these cases are played once more with
resets in the middle: after the last one, every cycle must be as it was without.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tokensieve.arch.errors import TokensieveError, nearest
from tokensieve.arch.machine import Arch
from tokensieve.verify.differences import wrong_after_reset, wrong_answers, wrong_cycles, wrong_transfers, wrong_work
from tokensieve.verify.pauses import draw_pauses
from tokensieve.verify.request import SIMULATORS, Request
from tokensieve.verify.simulator import simulator_for
from tokensieve.verify.units.base import Unit
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.case import Case, Record, Stimulus
    from tokensieve.rtl.flow.harness.base import Harness

_ON_REQUEST = ("mutant", "waves_file")

_MOST_TOGETHER = 4
"""Vectors that a stalled case runs back to back, at most."""

_RESET_SHARE = 4
"""One stalled case out of so many is played with resets as well, and at least one is."""

_MOST_RESETS = 2

_SLACK = 4
"""A run is given up after this many times the cycles that law, beats and pauses explain."""


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
    bins: Mapping[str, int] = field(default_factory=dict)
    """Functional coverage: how many vectors or cases were of each kind."""

    lines: Mapping[str, int] | None = None
    """Line and toggle coverage, if it was asked for."""

    @property
    def differences(self) -> int:
        """All that must be zero."""
        told = self.mismatches + self.cycle_differences + self.work_differences
        return told + self.stall_differences + self.reset_differences

    def as_object(self) -> dict[str, Any]:
        """Return the object that ``--json`` prints; mutant, waves and coverage are in it if they were asked for."""
        told = asdict(self)
        if self.lines is None:
            del told["lines"], told["bins"]
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
        alone = list(_alone(unit, arch, vectors, harness))
        stalled = list(_stalled(unit, arch, vectors, harness, request.seed))
        again = list(_again([case for _, case in stalled], request.seed))
        records = simulator.play([*(case for _, case in alone + stalled), *again])
    ends = len(alone), len(alone) + len(stalled)
    parts = records[: ends[0]], records[ends[0] : ends[1]], records[ends[1] :]
    told = _Told(unit, arch, vectors, harness, *parts, [which for which, _ in stalled])
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


def _alone(unit: Unit, arch: Arch, vectors: Vectors, harness: "Harness") -> Iterator[tuple[list[int], "Case"]]:
    """Yield a case for every vector, without pauses."""
    from tokensieve.rtl.flow.case import case

    for index in range(len(vectors)):
        stimulus = harness.stimulus(arch, vectors, [index])
        yield [index], case(stimulus, limit=_limit(stimulus, unit.law(arch, vectors, index)["total"]))


def _stalled(
    unit: Unit, arch: Arch, vectors: Vectors, harness: "Harness", seed: int
) -> Iterator[tuple[list[int], "Case"]]:
    """Yield a third as many cases as there are vectors, each of a few vectors back to back: directed ones, then random.

    The random ones have pauses everywhere.
    """
    from tokensieve.rtl.flow.case import case

    count = len(vectors)
    rng = np.random.Generator(np.random.PCG64([seed, count, 1]))
    order = [int(index) for _ in range(_MOST_TOGETHER) for index in rng.permutation(count)]
    directed = unit.directed(arch, vectors)[: -(-count // 3)]
    for which, stalls in directed:
        stimulus = harness.stimulus(arch, vectors, which)
        busy = sum(unit.law(arch, vectors, index)["total"] for index in which)
        yield which, case(stimulus, stalls=stalls, limit=_limit(stimulus, busy + sum(map(len, stalls.values()))))
    for _ in range(-(-count // 3) - len(directed)):
        which = [order.pop(0) for _ in range(int(rng.integers(1, min(_MOST_TOGETHER, count), endpoint=True)))]
        stimulus = harness.stimulus(arch, vectors, which)
        busy = sum(unit.law(arch, vectors, index)["total"] for index in which)
        pauses = draw_pauses(rng, stimulus.beats, list(stimulus.expect), busy, unit.longest_burst(arch))
        yield (
            which,
            case(stimulus, gaps=pauses.gaps, stalls=pauses.stalls, limit=_limit(stimulus, busy + pauses.cycles)),
        )


def _again(stalled: "Sequence[Case]", seed: int) -> "Iterator[Case]":
    """Yield the first of the stalled cases with resets at any cycle that they may take, or shortly after."""
    rng = np.random.Generator(np.random.PCG64([seed, len(stalled), 2]))
    for case in stalled[: -(-len(stalled) // _RESET_SHARE)]:
        count = int(rng.integers(1, _MOST_RESETS, endpoint=True))
        yield replace(case, resets=rng.integers(1, case.limit // _SLACK, count).tolist())


def _limit(stimulus: "Stimulus", cycles: int) -> int:
    """Return the cycles after which a run is given up. Beats that are no part of the law take a cycle each."""
    longest = max([*map(len, stimulus.beats.values()), *stimulus.expect.values()], default=0)
    return _SLACK * (cycles + longest) + 256


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
    """The first of the stalled cases, with resets."""

    together: Sequence[Sequence[int]]
    """The vectors of each stalled case."""

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
                wrong_after_reset(*here, which, plain, again)
                for (which, plain), again in zip(paused, self.again, strict=False)
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


def _mean(numbers: Sequence[int]) -> float | None:
    return round(sum(numbers) / len(numbers), 3) if numbers else None
