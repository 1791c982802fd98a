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
from tokensieve.explore.price import Pricer
from tokensieve.explore.refused import VALID
from tokensieve.explore.spec import SweepFile
from tokensieve.explore.tally import Tally

LOOKED_AT = 20_000
"""Designs that are checked against the machine's rules; of more, evenly spaced ones."""

PROBED = 4
"""Ranges of designs that are priced to tell the rate, evenly spaced."""

PROBE_S = 2.0
"""Seconds after which the probe has seen enough."""

STORED_BYTES = 700
"""Bytes of a point in a store at level `analytic` (benchmarks/store.py); the whole results of `cycle` come on top."""


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

    store_mb: float
    """Estimate of a store's size."""

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
    for low, high in looked:
        designs = pricer.space.designs(low, high)
        admitted = pricer.space.admitted(designs)
        excluded += int((~admitted).sum())
        which = pricer.refused(designs)
        for number, many in zip(*np.unique(which[admitted & (which != VALID)], return_counts=True), strict=True):
            refused[pricer.messages[number].partition(", got ")[0]] += int(many)
    checked = sum(high - low for low, high in looked)
    priced, spent = _probe(pricer, total)
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
        store_mb=pricer.space.points * STORED_BYTES * 1e-6,
    )


def _looked_at(total: int) -> list[tuple[int, int]]:
    """Return ranges of designs: all, or evenly spaced ones."""
    if total <= LOOKED_AT:
        return [(0, total)]
    size = 200
    starts = np.linspace(0, total - size, LOOKED_AT // size).astype(np.int64)
    return [(int(low), int(low) + size) for low in starts]


def _probe(pricer: Pricer, total: int) -> tuple[int, float]:
    """Return how many designs were priced, and in which time; the first ones load the work and are not counted."""
    size = max(1, min(pricer.evaluator.batch, total // PROBED, 1000))
    pricer.price(0, min(size, total))
    priced, began = 0, time.process_time()
    for low in np.linspace(0, total - size, PROBED).astype(np.int64).tolist():
        for one in pricer.price(low, low + size):
            priced += int((one.status == 0).sum())
        if time.process_time() - began > PROBE_S:
            break
    spent = time.process_time() - began
    members = len(pricer.space.cases.suite)
    return priced // members, spent
