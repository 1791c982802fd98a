"""Rows of many tokens: DRAM's pattern of a part of them stands for the whole.

What a row asks of DRAM repeats itself after as many tokens as go once around all banks. So of a row above `WHOLE`
tokens the first ones alone are looked at, granule by granule, and the counts are scaled to the whole row. Shares
stay as they are.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tokensieve.sim.work import RowWork
from tokensieve.workloads.decisions import Decisions

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]

WHOLE, LEAST = 1 << 14, 1 << 10
"""Tokens of a row up to which all are looked at, and how many of a longer one are at the least."""

TOGETHER = 1 << 16
"""Tokens of the longer rows of all groups that are looked at, as far as `LEAST` allows."""


RULE = (
    f"level analytic looks at the first tokens alone of rows of more than {WHOLE:,} keys to see how they fall on the "
    "channels and banks of DRAM"
)


@dataclass(frozen=True)
class Part:
    """Some work with its long rows cut short."""

    work: RowWork
    scale: F64
    """Tokens of a row over those that are left, by stream (in the order of `traffic.STREAMS`) and group."""

    whole: F64
    """The same of all streams together, by group."""


def part(work: RowWork, groups: I64) -> Part | None:
    """Return `work` with every row cut to as many tokens as are looked at; None where no row is too long."""
    if int(work.keys.max(initial=0)) <= WHOLE:
        return None
    size = min(max(TOGETHER // len(groups), LEAST), WHOLE)
    cut = np.where(work.keys > WHOLE, size, work.keys)
    row_cut = np.repeat(cut, work.queries)
    short = replace(
        work,
        keys=cut,
        queries=np.minimum(work.queries, cut),
        values=np.minimum(work.values, row_cut),
    )
    first = np.searchsorted(work.group, groups)
    before, after = _counts(work, first), _counts(short, first)
    return Part(short, before / np.maximum(after, 1), before.sum(axis=0) / np.maximum(after.sum(axis=0), 1))


def seen_in_part(decisions: Decisions) -> list[str]:
    """Return in a sentence that long rows are looked at in part; nothing where none is long."""
    longest = int(decisions.keys_kept.max(initial=0))
    return [RULE] if longest > WHOLE else []


def _counts(work: RowWork, rows: I64) -> F64:
    """Return the vectors that each of `rows` moves of every stream, shape (streams, rows)."""
    values = np.where(work.values_early, work.keys, work.values[work.query_ptr[:-1]])
    streams = (work.queries, work.keys, work.keys, values, work.queries)
    return np.stack([one[rows] for one in streams]).astype(np.float64)
