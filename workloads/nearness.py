"""How near each distribution of scores is to captured traces, as `benchmarks/scores.py` measured and recorded it."""

import json
from functools import cache
from importlib import resources

from tokensieve.workloads.decisions import Decisions

_RECORDED = "scores.json"


@cache
def round_ratios() -> dict[str, dict[str, float]]:
    """Return the mean rounds of a local search over those captured, for each distribution and kind of record."""
    text = (resources.files("tokensieve.workloads") / "data" / _RECORDED).read_text(encoding="utf-8")
    ratios: dict[str, dict[str, float]] = json.loads(text)["ratios"]
    return ratios


def mean_rounds(decisions: Decisions) -> dict[str, float]:
    """Return the mean rounds of the local searches, by kind of record; nothing where none searches.

    A round is one set of quick-select, or one decided digit of radix select.
    """
    which = decisions.searches
    if not which.any():
        return {}
    return {kind: float(lists.local.lengths[which].mean()) for kind, lists in decisions.records.items()}
