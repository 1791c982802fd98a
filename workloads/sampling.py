"""Which local searches of counts are drawn: all, or of a long text 1,024 a layer that stand for the others.

The scores of all queries of a layer come from one distribution and are equally many, so that a sample tells what their
searches take. Every level of fidelity charges the same records.
"""

import numpy as np
import numpy.typing as npt

from tokensieve.arch.limits import MAX_TOKENS
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.ragged import Int64

MOST_DRAWN = 1024
"""Searches that are drawn for queries of one layer that keep equally many values."""

SAMPLE_RULE = (
    f"of more than {MOST_DRAWN:,} queries of a layer that keep equally many values, the local searches of "
    f"{MOST_DRAWN:,} are drawn, evenly spaced; those behind each take its record"
)
"""Stands among the assumptions of decisions in which queries take the record of another."""


def stand_ins(group: Int64, kept: Int64, runs: npt.NDArray[np.bool_], most: int = MOST_DRAWN) -> Int64:
    """Return for each of Q queries the one whose record it takes, shape (Q,): itself where it is drawn.

    `group` is the layer of a step, `kept` how many values the query keeps, `runs` whether it searches. At most `most`
    queries that agree in the first two are drawn.

    >>> stand_ins(np.zeros(5, int), np.full(5, 7), np.array([True, True, True, False, True]), most=2).tolist()
    [0, 0, 2, 3, 2]
    """
    source = np.arange(len(group), dtype=np.int64)
    which = np.flatnonzero(runs)
    kind = group[which] * (MAX_TOKENS + 1) + kept[which]
    order = np.argsort(kind, kind="stable")
    edges = np.flatnonzero(np.diff(kind[order])) + 1
    for some in np.split(which[order], edges) if len(which) > most else []:
        if (size := len(some)) > most:
            turn = ((np.arange(size) + 1) * most - 1) // size
            source[some] = some[turn * size // most]
    return source


def sources(decisions: Decisions) -> Int64:
    """Return for each query the one whose record it takes, itself where its own was drawn or captured, shape (Q,)."""
    d = decisions
    if SAMPLE_RULE not in d.meta["assumed"]:
        return np.arange(len(d.values_kept), dtype=np.int64)
    return stand_ins(d.row_group[d.query_row], d.values_kept.astype(np.int64), d.searches)


def sampled(decisions: Decisions) -> str | None:
    """Return how many searches of how many queries were drawn, in words; None where none stands for another."""
    d = decisions
    source = sources(d)[d.searches]
    if (source == np.flatnonzero(d.searches)).all():
        return None
    every = np.bincount(d.row_group[d.query_row[d.searches]])
    drawn = np.bincount(d.row_group[d.query_row[np.unique(source)]])
    layer = int(np.argmax(every))
    return f"{drawn[layer]:,} of {every[layer]:,} queries a layer"
