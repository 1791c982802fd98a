"""Where the work records of a run came from, for its provenance."""

from typing import Any

from tokensieve.workloads.complete import rankings_of
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.nearness import mean_rounds, round_ratios
from tokensieve.workloads.sampling import sampled


def records_of(decisions: Decisions) -> dict[str, Any]:
    """Return `provenance.records`: the distribution that was drawn from, the size of the searches, how near it is.

    Where not all searches were drawn, `sampled` says how many of how many.
    """
    scores, drawn = decisions.meta.get("scores"), sampled(decisions)
    return {
        "scores": scores,
        "rankings": None if scores is None else rankings_of(scores),
        "searches": int(decisions.searches.sum()),
        "rounds": {kind: round(mean, 3) for kind, mean in mean_rounds(decisions).items()},
        "ratio": {} if scores is None else round_ratios().get(scores, {}),
        **({} if drawn is None else {"sampled": drawn}),
    }
