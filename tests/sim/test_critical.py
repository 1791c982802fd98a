"""The stops of the walk along the critical path: what held the start of something back leads to the right stop before.

One stop at a time, on tables made by hand; whether walks as wholes add up is in `test_kernels`.
"""

import numpy as np
import pytest

from tokensieve.sim.kernels import critical as c
from tokensieve.sim.kernels import tables as t
from tokensieve.sim.result import CAUSES

MINE, BEFORE = 4, 2
"""Query and pass whose stop it is, and what held it back: a query, a pass, a row or a group."""

ROWS, LAYER, LAST_QUERY, OWNER = 6, 1, 3, 5


@pytest.fixture
def at():
    """A function that makes one stop in tables with `changes`; it returns the next stop, whose that is, and the cycle.

    Query q, pass q and row q belong together. All of them begin at cycle 0.
    """
    row, query, ps, group = (np.zeros((ROWS, n), np.int64) for n in (t.N_ROW, t.N_QUERY, t.N_PASS, t.N_GROUP))
    query[:, t.Q_ROW] = query[:, t.Q_PASS] = ps[:, t.P_QUERY] = np.arange(ROWS)
    query[:, t.Q_DRAIN_WHO] = -1
    row[:, t.R_LAYER], row[:, t.R_VALUE_OWNER], group[:, t.G_LAST_QUERY] = LAYER, OWNER, LAST_QUERY
    st, causes = np.zeros(t.N_SCALAR, np.int64), np.zeros((LAYER + 1, len(CAUSES)), np.int64)
    st[t.S_ROWS] = ROWS
    tables = {"row": row, "query": query, "ps": ps, "group": group, "st": st, "causes": causes}

    def stop(step, *changes, now=0):
        for table, column, value in changes:
            tables[table][MINE, column] = value
        function = getattr(c, step).py_func
        names = function.__code__.co_varnames[: function.__code__.co_argcount - 2]
        found = function(*(tables[name] for name in names), MINE, now)
        return tuple(int(one) for one in found), dict(zip(CAUSES, causes[LAYER].tolist(), strict=True))

    return stop


def held(column_why, column_who=None, table="ps"):
    """Return the changes by which something was held back for a reason, by BEFORE."""
    return lambda why: [(table, column_why, why), *([] if column_who is None else [(table, column_who, BEFORE)])]


STOPS = {
    "_at_qk": (
        held(t.P_QK_WHY, t.P_QK_WHO),
        {
            t.W_BUSY: (c.AT_QK, BEFORE),
            t.W_DATA: (c.AT_JOB, t.STREAM_KEY * ROWS + BEFORE),
            t.W_LSB: (c.AT_JOB, t.STREAM_LSB * ROWS + BEFORE),
            t.W_BARRIER: (c.AT_OUT, LAST_QUERY),
            t.W_BUFFER: (c.AT_EXP, BEFORE),
            t.W_QUEUE: (c.AT_LOAD, BEFORE),
            t.W_FLOW: (c.AT_DIV, BEFORE),
        },
    ),
    "_at_exp": (
        held(t.P_EXP_WHY, t.P_EXP_WHO),
        {t.W_BUSY: (c.AT_EXP, BEFORE), t.W_BUFFER: (c.AT_DIV, BEFORE), t.W_FLOW: (c.AT_QK, MINE)},
    ),
    "_at_div": (
        held(t.P_DIV_WHY, t.P_DIV_WHO),
        {t.W_BUSY: (c.AT_DIV, BEFORE), t.W_QUEUE: (c.AT_DRAIN, BEFORE), t.W_FLOW: (c.AT_EXP, MINE)},
    ),
    "_at_load": (
        held(t.Q_LOAD_WHY, t.Q_LOAD_WHO, table="query"),
        {t.W_BUSY: (c.AT_DRAIN, BEFORE), t.W_FLOW: (c.AT_DIV, MINE)},
    ),
    "_at_pv": (
        held(t.Q_PV_WHY, table="query"),
        {
            t.W_BUSY: (c.AT_PV, MINE - 1),
            t.W_DATA: (c.AT_JOB, t.STREAM_VALUE * ROWS + OWNER),
            t.W_FLOW: (c.AT_DRAIN, MINE),
        },
    ),
}
"""Of each stop, the changes for a reason, and the stop before by reason (`W_` of the tables)."""


@pytest.mark.parametrize(
    ("step", "why"), [pytest.param(s, w, id=f"{s} {w}") for s, (_, leads) in STOPS.items() for w in leads]
)
def test_what_held_a_stop_back_leads_to_the_stop_before(step, why, at):
    changes, leads = STOPS[step]

    assert at(step, *changes(why))[0] == (*leads[why], 0)


def test_a_drain_leads_to_the_query_that_made_room_or_to_its_own_load(at):
    assert at("_at_drain")[0] == (c.AT_LOAD, MINE, 0)
    assert at("_at_drain", ("query", t.Q_DRAIN_WHO, BEFORE))[0] == (c.AT_PV, BEFORE, 0)


def test_probabilities_that_waited_for_the_engine_lead_to_the_query_in_it(at):
    waited = ("ps", t.P_DIV_WHY, t.W_QUEUE), ("ps", t.P_DIV_WHO, BEFORE)

    assert at("_at_load", *waited)[0] == (c.AT_DRAIN, BEFORE, 0)


def test_a_first_pass_that_nothing_held_back_ends_the_walk(at):
    assert at("_at_qk", ("ps", t.P_QK_WHY, t.W_BUSY), ("ps", t.P_QK_WHO, -1))[0] == (c.AT_END, LAYER, 0)


@pytest.mark.parametrize(
    ("step", "changes", "booked"),
    [
        ("_at_out", [("query", t.Q_VALUE_LINES, 3)], {"compute": 3, "fill_drain": 7}),
        ("_at_drain", [("query", t.Q_PASSES, 0)], {"topk_stall": 10}),
        ("_at_div", [("ps", t.P_DIV_WHY, t.W_FLOW), ("ps", t.P_LINES, 3)], {"softmax_stall": 3, "fill_drain": 7}),
        ("_at_exp", [("ps", t.P_EXP_WHY, t.W_FLOW), ("ps", t.P_SCAN, 3)], {"compute": 3, "fill_drain": 7}),
        (
            "_at_exp",
            [("ps", t.P_EXP_WHY, t.W_FLOW), ("ps", t.P_SCAN, 3), ("ps", t.P_LINES, 3), ("row", t.R_LINES, 2)],
            {"softmax_stall": 3, "fill_drain": 7},
        ),
        ("_at_exp", [("ps", t.P_EXP_WHY, t.W_BUFFER)], {}),
    ],
)
def test_the_cycles_back_to_a_stop_go_to_its_cause(step, changes, booked, at):
    _, causes = at(step, *changes, now=10)

    assert causes == dict.fromkeys(CAUSES, 0) | booked
