"""One stream of requests to DRAM, with nothing else in front of it (numba)."""

import numpy as np
import numpy.typing as npt

from tokensieve.sim.kernels import dram as d
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels.columns import I64
from tokensieve.sim.kernels.step import kernel, part

Bools = npt.NDArray[np.bool_]


SLICE = 100_000
"""Granules, or cycles, after which a call returns: well below a second, so that Ctrl-C is met."""


def saturate(
    m: I64, addresses: I64, request_bytes: int, writes: Bools, earliest: I64, issued: I64, completed: I64,
    most: int = SLICE,
) -> None:  # fmt: skip
    """Push all granules, each no earlier than the one before was taken, and wait for the last data.

    A granule has the address of the first byte of it that is wanted. `earliest` holds the cycle before which each
    request is not sent. `issued` and `completed` receive the clocks at which each request was taken and at which all
    its data was there. Each of the three may be empty. About `most` granules are pushed a call.
    """
    m[m[ds.O_SLOT] + ds.LEFT] = ds.FAR  # unless times are wanted, all share slot 0, which never completes
    free, owner = np.arange(m[ds.SLOTS]), np.zeros(m[ds.SLOTS], np.int64)
    clock = kept = 0
    clocked = d.clocked(m)
    each = max(most // (((request_bytes - 1) >> int(m[ds.GRANULE_SHIFT])) + 2), 1)
    for low in range(0, len(addresses), each):
        part = low, min(low + each, len(addresses))
        clock, kept = _saturate(
            m, addresses, request_bytes, writes, earliest, issued, completed, free, owner, clock, kept, *part, clocked
        )


@kernel
def _saturate(
    m: I64, addresses: I64, request_bytes: int, writes: Bools, earliest: I64, issued: I64, completed: I64,
    free: I64, owner: I64, clock: int, kept: int, begin: int, end: int, clocked: bool | None,
) -> tuple[int, int]:  # fmt: skip
    """Push the granules of requests `begin` to `end` - 1; return the clock and how many slots are in use.

    `free` and `owner` hold the slots that are free, the first `kept` of them not, and the request of each.
    """
    shift, told = m[ds.GRANULE_SHIFT], len(issued) > 0
    for i in range(begin, end):
        slot, first = 0, addresses[i] >> shift
        if len(earliest) > 0:
            clock = max(clock, ds.to_dram(m, earliest[i]))
        last = (addresses[i] + request_bytes - 1) >> shift
        if told:
            kept = _collect(m, owner, free, kept, completed)
            slot = free[kept]
            kept, owner[slot] = kept + 1, i
            k = m[ds.O_SLOT] + slot * ds.N_SLOT
            m[k + ds.LEFT], m[k + ds.END] = last - first + 1, 0
        for granule in range(first, last + 1):
            address = max(addresses[i], granule << shift)
            clock = _room(m, address, clock, np.int64(writes[i]), clocked)
            clock = d.push(m, address, clock, slot, np.int64(writes[i]), clocked)
        if told:
            issued[i] = clock
    if end == len(addresses):
        d.advance_all(m, ds.FAR, clocked)
        if told:
            _collect(m, owner, free, kept, completed)
        d.refresh_until(m, m[ds.LAST])
    return clock, kept


@part
def _room(m, address, clock, write, clocked):
    """Return the clock from which a controller that is stepped by the clock has room, its FIFO left aside."""
    if clocked is not None:
        ch = d.decoded(m, address)[0]
        d.advance(m, ch, clock, clocked)
        while not d.accepts(m, address, write, clocked):
            clock += 1
            d.advance(m, ch, clock, clocked)
    return clock


@part
def _collect(m, owner, free, kept, completed):
    """Note when requests were complete, give their slots back, and return how many are still in use."""
    for n in range(m[ds.DONE]):
        slot = m[m[ds.O_DONE] + n]
        completed[owner[slot]] = m[m[ds.O_SLOT] + slot * ds.N_SLOT + ds.END]
        kept -= 1
        free[kept] = slot
    m[ds.DONE] = 0
    return kept


def exchange(
    m: I64, addresses: I64, request_bytes: int, writes: Bools, earliest: I64, limit: int, issued: I64, completed: I64,
    most: int = SLICE,
) -> None:  # fmt: skip
    """Send at most one granule a cycle, with at most `limit` of them outstanding, and take one response a cycle.

    A granule is outstanding until the cycle in which its response is taken; the responses wait in the order in which
    they came. Cycles are those of the accelerator. `earliest`, `issued` and `completed`: as for `saturate`. A call
    goes through `most` cycles.
    """
    owner, back = np.full(limit, -1), np.full(limit, ds.FAR)  # request of each slot; cycle of its response
    i, address, open_, cycle = 0, int(addresses[0]), 0, 0
    clocked = d.clocked(m)
    while i < len(addresses) or open_ > 0:
        i, address, open_, cycle = _exchange(
            m, addresses, request_bytes, writes, earliest, owner, back, issued, completed,
            i, address, open_, cycle, most, clocked,
        )  # fmt: skip
    d.refresh_until(m, m[ds.LAST])


@kernel
def _exchange(
    m: I64, addresses: I64, request_bytes: int, writes: Bools, earliest: I64, owner: I64, back: I64, issued: I64,
    completed: I64, i: int, address: int, open_: int, cycle: int, most: int, clocked: bool | None,
) -> tuple[int, int, int, int]:  # fmt: skip
    """Go through `most` cycles; return the next request, its next byte, the accesses outstanding and the cycle."""
    shift, told, limit = m[ds.GRANULE_SHIFT], len(issued) > 0, len(owner)
    while most > 0 and (i < len(addresses) or open_ > 0):
        most -= 1
        if open_ == 0 and len(earliest) > 0:
            cycle = max(cycle, earliest[i])
        asked = i < len(addresses) and open_ < limit and (len(earliest) == 0 or earliest[i] <= cycle)
        if asked and d.accepts(m, address, np.int64(writes[i]), clocked):
            slot = np.argmin(owner)
            owner[slot], open_ = i, open_ + 1
            k = m[ds.O_SLOT] + slot * ds.N_SLOT
            m[k + ds.LEFT], m[k + ds.END] = 1, 0
            d.push(m, address, ds.to_dram(m, cycle), slot, np.int64(writes[i]), clocked)
            address = ((address >> shift) + 1) << shift
            if told:
                issued[i] = cycle
            if address >= addresses[i] + request_bytes:
                i += 1
                address = addresses[i] if i < len(addresses) else address
        d.advance_all(m, ds.to_dram(m, cycle + 1), clocked)
        for n in range(m[ds.DONE]):
            slot = m[m[ds.O_DONE] + n]
            back[slot] = ds.to_core(m, m[m[ds.O_SLOT] + slot * ds.N_SLOT + ds.END])
            if told:
                completed[owner[slot]] = max(completed[owner[slot]], back[slot])
        m[ds.DONE] = 0
        slot = np.argmin(back)
        if back[slot] <= cycle:
            owner[slot], back[slot], open_ = -1, ds.FAR, open_ - 1
        cycle += 1
    return i, address, open_, cycle
