"""The event buffer (numba): which unit worked when, for whoever asked for it."""

from tokensieve.sim.kernels import tables as t
from tokensieve.sim.kernels.step import part


@part
def note(st, events, unit, start, end, row, query):
    """Record an event where the buffer has room."""
    n = st[t.S_EVENTS]
    if n < events.shape[0]:
        events[n, t.EVENT_UNIT], events[n, t.EVENT_START], events[n, t.EVENT_END] = unit, start, end
        events[n, t.EVENT_ROW], events[n, t.EVENT_QUERY] = row, query
        st[t.S_EVENTS] = n + 1
