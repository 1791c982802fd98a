"""How many pseudo-channels and bank groups of a channel work at once, as far as its window sees them.

A window holds requests in the order in which they were sent. Where an address mapping puts pseudo-channels or bank
groups above columns, or where a token's K and V lie in the same bank group (their planes begin at multiples of
128 KiB), many requests in turn fall on one of them, and the others idle.
"""

from collections.abc import Mapping

import numpy as np

from tokensieve.arch.memory import Dram
from tokensieve.sim.analytic.traffic import F64, I64, Plane, address


def beside(dram: Dram, planes: Mapping[str, Plane], ids: I64, rows: I64) -> F64:
    """Return two numbers for each of the rows `rows`, shape (2, rows).

    The first is the granules of two windows over the pseudo-channels that these see, added up over all windows of the
    busiest channel; the second the same over the bank groups of all pseudo-channels. Two windows, because runs of r
    granules overlap so far that 1 + 2 window / r of them are served at a time: a granule waits for half a run of its
    own and of those before it (Little's law).
    """
    row, granule = _in_turn(dram, planes, ids, rows)
    part = address(dram, granule)
    lane = row * dram.channels + part["ch"]
    order = np.argsort(lane, kind="stable")
    lane, pseudo = lane[order], part["pc"][order]
    held = np.bincount(lane, minlength=len(rows) * dram.channels)
    place = np.arange(len(lane)) - np.repeat(np.cumsum(held) - held, held)
    windows = -(-held // (2 * dram.window))
    window = (np.cumsum(windows) - windows)[lane] + place // (2 * dram.window)
    size = np.bincount(window, minlength=windows.sum())
    of_lane = np.repeat(np.arange(len(held)), windows)

    def shared(what: I64, kinds: int) -> F64:
        there = np.zeros((len(size), kinds), bool)
        there[window, what] = True
        shares = np.bincount(of_lane, size / there.sum(axis=1), len(held))
        most: F64 = shares.reshape(len(rows), dram.channels).max(axis=1)
        return most

    groups = dram.pseudo_channels * dram.bank_groups
    return np.stack([
        shared(pseudo, dram.pseudo_channels),
        shared(pseudo * dram.bank_groups + part["bg"][order], groups),
    ])  # fmt: skip


def _in_turn(dram: Dram, planes: Mapping[str, Plane], ids: I64, rows: I64) -> tuple[I64, I64]:
    """Return row and granule of all requests in the order of the fetcher.

    Queries and K, line by line in turn with V; then the outputs.
    """
    parts, front = [], np.zeros(len(rows), np.int64)
    for name in ("query", "key", "value", "output"):
        plane = planes[name]
        if not plane.width.any():
            continue
        row, low, granules = plane.spans(ids, dram.granule_bytes, rows)
        line = (np.arange(len(row)) - np.searchsorted(row, np.arange(len(rows)))[row]) // plane.per_line
        begin = np.zeros(len(rows), np.int64) if name in ("query", "value") else front
        front = front if name == "value" else begin + -(-np.bincount(row, minlength=len(rows)) // plane.per_line)
        start = low + plane.base[rows][row] // dram.granule_bytes
        which = np.repeat(np.arange(len(row)), granules)
        number = start[which] + np.arange(len(which)) - np.repeat(np.cumsum(granules) - granules, granules)
        side = np.full(len(which), int(name == "value"))
        parts.append(np.stack([row[which], (begin[row] + line)[which], side, number]))
    row, turn, side, number = np.concatenate(parts, axis=1)
    order = np.lexsort((side, turn, row))
    return row[order], number[order]
