"""Short layers: walked query by query, as `sim.kernels.short` does, and not as means of a layer.

In decode every row has one query, and a layer is over before its stages have found a common pace: what counts is which
query comes when. The same holds for a prefill of few tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.sim.analytic.batch import F64, Batch
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.work import RowWork

I64 = npt.NDArray[np.int64]

SHORT = 64
"""Most queries of a layer of prefill that are walked one by one: more would cost the 20,000 layers a second."""


@dataclass(frozen=True)
class Single:
    """Rows and queries of a run one by one, and what designs make of the queries."""

    work: I64
    asks: I64
    """Columns of rows and of queries for `short`."""

    search: F64
    lines: F64
    """Cycles of the search of every query, and its lines of V, shape (kinds, Q)."""

    kind: I64
    """Which of these are those of a design, shape (2, designs)."""

    search_share: F64
    lines_share: F64
    """Share of them that a design takes, shape (designs,): 1, or less where a unit is taken to be free."""


def single(summary: Summary, batch: Batch) -> Single | None:
    """Return the queries of a run one by one: of decode, and of a prefill whose layers are short; else None."""
    work = summary.work
    if work.prefill and summary.queries.max() > SHORT:
        return None
    search, of_engine = _kinds(batch, lambda arch: summary.search(arch.topk))
    lines, of_array = _kinds(batch, lambda arch: -(-work.values // arch.pv.vectors_per_cycle(work.head_dim)))
    one = np.ones(len(batch))
    return Single(*_tables(work), search, lines, np.stack([of_engine, of_array]), one, one)


def _kinds(batch: Batch, call: Callable[[Arch], npt.ArrayLike]) -> tuple[F64, I64]:
    """Return the different answers of ``call(arch)``, and which of them is that of each design."""
    found = batch.asked(call, ())
    return np.ascontiguousarray(found.answers.T, np.float64), found.which


def _tables(work: RowWork) -> tuple[I64, I64]:
    """Return the columns of rows, from `short_tables.R_GROUP` on, and of queries, from `Q_REDO` on."""
    rows = (
        np.unique(work.group, return_inverse=True)[1], work.layer, np.full(len(work.group), work.prefill),
        work.query_ptr[:-1], work.query_ptr[1:], work.decide, work.values_early, work.forced, work.key_second,
        work.value_shared,
    )  # fmt: skip
    asks = work.redo, work.topk_passes
    return np.stack(rows, axis=1).astype(np.int64), np.stack(asks, axis=1).astype(np.int64)
