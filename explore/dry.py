"""What a sweep would be, without running it: its size, what is refused, and how long it takes, by a probe."""

import resource
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tokensieve.explore.evaluate import Evaluator
from tokensieve.explore.price import OK, Priced, Pricer
from tokensieve.explore.refused import VALID
from tokensieve.explore.sampler import I64
from tokensieve.explore.spec import SweepFile
from tokensieve.explore.tally import Tally

LOOKED_AT = 20_000
"""Designs that are checked against the machine's rules; of more, evenly spaced ones."""

PROBED = 4
"""Ranges of designs that are priced to tell the rate at most, from evenly spaced ones of the valid designs on. A range
is as long as the first task of the sweep: one design at level `cycle`."""

PROBE_S = 2.0
"""Seconds after which the probe has seen enough."""

STORED_BYTES = 700
"""Bytes of a point in a store at level `analytic` (benchmarks/store.py); its whole result comes on top at `cycle`."""


@dataclass(frozen=True)
class Dry:
    """What a sweep would be."""

    designs: int
    points: int
    """Designs times workloads of the suite."""

    looked_at: int
    """Designs that were checked against the rules of the machine; all, or evenly spaced ones."""

    refused: Mapping[str, int]
    """Of those, how many are refused, by rule."""

    excluded: int
    """Of those, how many constraints keep out before they are priced."""

    priced: int
    """Designs that the probe priced."""

    seconds: float | None
    """Estimate of the time, start of the workers left out; None where the probe found nothing to price."""

    workers: int
    process_mb: float
    """Memory of this process after the probe, about what every worker takes."""

    level: str
    """Level of fidelity."""

    store_mb: float
    """Estimate of a store's size; whole results as long as those of the probe."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)


def dry_run(spec: SweepFile, evaluator: Evaluator, workers: int) -> Dry:
    """Return what a sweep of `spec` would be; a few designs are priced to tell. Raises what the sweep would."""
    pricer = Pricer(spec, evaluator)
    Tally(pricer.space)  # refuses what names no figure
    total = len(pricer.space)
    looked = _looked_at(total)
    refused: Counter[str] = Counter()
    excluded = 0
    valid = []
    for low, high in looked:
        designs = pricer.space.designs(low, high)
        admitted = pricer.space.admitted(designs)
        excluded += int((~admitted).sum())
        which = pricer.refused(designs)
        valid.append(low + np.flatnonzero(admitted & (which == VALID)))
        for number, many in zip(*np.unique(which[admitted & (which != VALID)], return_counts=True), strict=True):
            refused[pricer.messages[number].partition(", got ")[0]] += int(many)
    checked = sum(high - low for low, high in looked)
    priced, spent, full = _probe(pricer, np.concatenate(valid))
    share = 1 - (excluded + sum(refused.values())) / max(checked, 1)
    return Dry(
        designs=total,
        points=pricer.space.points,
        looked_at=checked,
        refused=dict(refused.most_common()),
        excluded=excluded,
        priced=priced,
        seconds=spent / priced * total * share / workers if priced else None,
        workers=workers,
        process_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3),
        level=evaluator.level,
        store_mb=pricer.space.points * (STORED_BYTES + share * full) * 1e-6,
    )


def _looked_at(total: int) -> list[tuple[int, int]]:
    """Return ranges of designs: all, or evenly spaced ones."""
    if total <= LOOKED_AT:
        return [(0, total)]
    size = 200
    starts = np.linspace(0, total - size, LOOKED_AT // size).astype(np.int64)
    return [(int(low), int(low) + size) for low in starts]


def _probe(pricer: Pricer, valid: I64) -> tuple[int, float, float]:
    """Return how many of the `valid` designs were priced, in which time, and bytes of a whole result.

    The first ones load the work and are not counted.
    """
    if not len(valid):
        return 0, 0.0, 0.0
    total = len(pricer.space)
    size = max(1, min(pricer.evaluator.trial, pricer.evaluator.batch, total // PROBED, 1000))
    first = valid[np.linspace(0, len(valid) - 1, PROBED).astype(np.int64)]
    lows = np.unique(np.minimum(first, total - size)).tolist()
    pricer.price(lows[0], lows[0] + size)
    done: list[Priced] = []
    began = time.process_time()
    for low in lows:
        done += pricer.price(low, low + size)
        if time.process_time() - began > PROBE_S:
            break
    spent = time.process_time() - began
    priced, full = (
        sum(int((one.status == OK).sum()) for one in done),
        [len(x) for one in done for x in one.full.values()],
    )
    return priced // len(pricer.space.cases.suite), spent, sum(full) / max(len(full), 1)
