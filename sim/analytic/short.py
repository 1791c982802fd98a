"""Short layers: walked query by query, as `sim.kernels.short` does, and not as means of a layer.

In decode every row has one query, and a layer is over before its stages have found a common pace: what counts is which
query comes when. The same holds for a prefill of few tokens.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.sim.analytic.batch import F64, Batch, each
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.kernels import short_tables as t
from tokensieve.sim.work import RowWork

I64 = npt.NDArray[np.int64]

SHORT = 256
"""Most queries of a layer that are walked one by one: beyond, a walk costs more than 20,000 layers a second allow."""


@dataclass(frozen=True)
class Single:
    """Rows and queries of a run one by one, and what designs make of the queries."""

    work: I64
    asks: I64
    """The tables of `short_tables.Run`."""

    search: F64
    lines: F64
    """Cycles of the search of every query, and its lines of V, shape (kinds, Q)."""

    kind: I64
    """Which of these are those of a design, shape (2, designs)."""

    search_share: F64
    lines_share: F64
    """Share of them that a design takes, shape (designs,): 1, or less where a unit is taken to be free."""


def single(summary: Summary, batch: Batch) -> Single | None:
    """Return the queries of a run whose layers are short, or None where one is not."""
    work = summary.work
    if summary.queries.max() > SHORT:
        return None
    search, of_engine = _kinds(batch, lambda arch: summary.search(arch.topk))
    lines, of_array = _kinds(batch, lambda arch: -(-work.values // arch.pv.vectors_per_cycle(work.head_dim)))
    one = np.ones(len(batch))
    return Single(*_tables(work), search, lines, np.stack([of_engine, of_array]), one, one)


def _kinds(batch: Batch, call: Callable[[Arch], npt.ArrayLike]) -> tuple[F64, I64]:
    """Return the different answers of ``call(arch)``, and which of them is that of each design."""
    answers: list[npt.ArrayLike] = []

    def number(arch: Arch) -> int:
        answers.append(call(arch))
        return len(answers) - 1

    which = each(batch, number)
    return np.stack(answers).astype(np.float64), which


def _tables(work: RowWork) -> tuple[I64, I64]:
    rows = np.zeros((len(work.group), t.N_WORK), np.int64)
    rows[:, t.R_GROUP] = np.unique(work.group, return_inverse=True)[1]
    rows[:, t.R_LAYER], rows[:, t.R_PREFILL] = work.layer, work.prefill
    rows[:, t.R_Q0], rows[:, t.R_Q1] = work.query_ptr[:-1], work.query_ptr[1:]
    rows[:, t.R_DECIDE], rows[:, t.R_FORCED], rows[:, t.R_EARLY] = work.decide, work.forced, work.values_early
    rows[:, t.R_KEY_SECOND], rows[:, t.R_VALUE_SHARED] = work.key_second, work.value_shared
    return rows, np.stack([work.redo, work.topk_passes], axis=1).astype(np.int64)
