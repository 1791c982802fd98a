"""What would make a run faster: single changes of the machine, ranked in closed form and then run."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import load_technology
from tokensieve.run.changes import Candidate, candidates
from tokensieve.sim.analytic.batch import Designs
from tokensieve.sim.analytic.estimate import estimate
from tokensieve.sim.analytic.free import gain_if_free
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.cost.area import area
from tokensieve.sim.result import Result
from tokensieve.sim.result_advice import Advice, Change
from tokensieve.workloads.decisions import Decisions

LEAST_GAIN = 1.03
"""Speed-up below which a change is not worth telling: about the error of level `analytic` on a step of decode."""

MOST = 5
"""Changes that are told."""

MOST_RUNS = 3
"""Changes that are run again at the run's own level."""

Price = Callable[[Arch, Decisions], Result]


def advise(
    arch: Arch, decisions: Decisions, result: Result, price: Price | None, summary: Summary | None = None
) -> Advice:
    """Return which unit sets the pace of `result`, of `decisions` on `arch`, and which single changes gain most.

    `price` makes the run at its own level; None where that is `analytic`, which ranks the changes anyway. `summary` is
    that of `decisions`, if it has been made before.
    """
    summary = summary or Summary(decisions)
    told = ranked(arch, candidates(arch, decisions), summary)
    if price is not None:
        told = _run_again(decisions, result, told, price)
    changes = tuple(change for _, change in told[:MOST])
    of_unit = [change.speedup for change in changes if change.unit == result.bottleneck]
    bound = max([gain_if_free(summary, arch, result.bottleneck), *of_unit])
    return Advice(unit=result.bottleneck, if_free=bound, changes=changes)


def ranked(
    arch: Arch, options: Sequence[Candidate], summary: Summary, least: float = LEAST_GAIN
) -> list[tuple[Candidate, Change]]:
    """Return the changes whose speed-up at level `analytic` is at least `least`, best first.

    Of those that gain the same to a percent, the smaller machine comes first, then the one with less energy.
    """
    found = estimate(summary, Designs([arch, *(one.arch for one in options)]), allow_rough=True)
    technology = load_technology(arch.technology)
    here = area(arch, technology).total
    told = [
        Change(
            unit=one.unit,
            set=one.set,
            speedup=float(found.cycles["total"][0] / found.cycles["total"][i]),
            area_mm2=area(one.arch, technology).total - here,
            energy=float(found.energy_j["total"][i] / found.energy_j["total"][0]),
            level="analytic",
        )
        for i, one in enumerate(options, 1)
    ]
    gaining = [(one, change) for one, change in zip(options, told, strict=True) if change.speedup >= least]
    return sorted(gaining, key=lambda pair: _rank(pair[1]))


def _rank(change: Change) -> tuple[float, float, float]:
    return -round(change.speedup, 2), change.area_mm2, change.energy


def _run_again(
    decisions: Decisions, result: Result, told: Sequence[tuple[Candidate, Change]], price: Price
) -> list[tuple[Candidate, Change]]:
    """Return `told`, the first few at the run's own level: until one gains what the next is estimated to, or three."""
    again: list[tuple[Candidate, Change]] = []
    for one, change in told[:MOST_RUNS]:
        if again and max(own.speedup for _, own in again) >= change.speedup:
            break
        finer = price(one.arch, decisions)
        speedup = result.cycles["total"] / finer.cycles["total"]
        energy = finer.energy_j["total"] / result.energy_j["total"]
        again.append((one, replace(change, speedup=speedup, energy=energy, level="cycle")))
    gaining = [pair for pair in again if pair[1].speedup >= LEAST_GAIN]
    return [*sorted(gaining, key=lambda pair: _rank(pair[1])), *told[len(again) :]]
