"""DRAM in cycles: how long a stream takes for a row, from stretches of it played on the commands of level `cycle`.

A stream takes as long as its busiest pseudo-channel, granule for granule as in the stretch, or as the fetcher needs for
its requests. Refresh takes its share of all time. What is fetched on demand also pays the way there and back.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tokensieve.sim.analytic.asked import distinct
from tokensieve.sim.analytic.batch import F64, Batch, each
from tokensieve.sim.analytic.played import APART, told_apart
from tokensieve.sim.analytic.stretch import PACE, ROWS, alike, port_steps
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.traffic import I64, STREAMS

HIDDEN = 8
"""A row of prefill that takes so many times as long as its streams do in DRAM one after another finds it idle: streams
seldom meet, and what they do to each other falls into the time of the pipeline."""


@dataclass(frozen=True)
class Memory:
    """What fetching the rows of each group takes, in cycles; arrays over (streams, groups, designs) or designs."""

    granules: F64
    """Granules of a row, mean over the rows of a group that fetch on their own."""

    opened: F64
    """How often they open a DRAM row, over all pseudo-channels."""

    alone: F64
    mixed: F64
    requests: F64
    """Cycles of a row in DRAM if its stream is alone, and in turn with the others, and cycles at the fetcher."""

    latency: F64
    """Cycles from a request to its first data in SRAM, DRAM being idle, with the DRAM row to be closed and opened."""

    found: F64
    """By how many cycles that is less, in the mean over the rows, where another has opened the DRAM row; shape as
    `granules`."""

    backlog: F64
    """Cycles that a request waits behind what fills the channels' windows and FIFOs."""

    write_end: F64
    """Cycles from the request of a write to the end of its data."""

    cycles_per_clock: F64

    def stream(self, name: str) -> F64:
        """Return the cycles that a row of one stream takes alone."""
        s = STREAMS.index(name)
        cycles: F64 = np.maximum(self.alone[s], self.requests[s])
        return cycles

    def in_turn(self, share: Mapping[str, F64 | float]) -> F64:
        """Return the cycles that some rows of each stream take one after another, with nothing beside them."""
        cycles: F64 = np.maximum(_sum(self.alone, share), _sum(self.requests, share))
        return cycles

    def sent(self, share: Mapping[str, F64 | float]) -> F64:
        """Return the cycles in which the fetcher sends the requests of some rows of each stream."""
        return _sum(self.requests, share)

    def on_demand(self, name: str) -> F64:
        """Return `latency` of a stream whose DRAM rows others may have opened before."""
        cycles: F64 = self.latency - self.found[STREAMS.index(name)]
        return cycles

    def together(self, share: Mapping[str, F64 | float]) -> F64:
        """Return the cycles that some rows of each stream take together."""
        cycles: F64 = np.maximum(_sum(self.mixed, share), _sum(self.requests, share))
        return cycles


def _sum(table: F64, share: Mapping[str, F64 | float]) -> F64:
    """Return the sum over the streams of a share of each."""
    total: F64 = np.sum([share[name] * table[s] for s, name in enumerate(STREAMS) if name in share], axis=0)
    return total


def memory(summary: Summary, batch: Batch, blocks: F64, key_room: F64, value_room: F64, row: F64) -> Memory:
    """Return the DRAM of every design of the batch under the work of `summary`.

    Rows are cut into `blocks`, and the SRAMs have room for so many of them; `row` are the cycles from its K to
    its last output; shape (G, designs) each.
    """
    d = _fields(batch)
    ratio = d["tCK_ps"] * batch.column("clock.mhz").astype(np.float64) * 1e-6
    granules, busiest, fresh = each(batch, summary.traffic)
    channels = batch.column("dram.channels")
    same = each(batch, lambda arch: alike(arch.dram))
    # The pattern is that of one row; of others, as wide as they are, no channel moves less than its share.
    load = np.where(same, np.maximum(busiest, granules / channels), granules)
    least = np.sum(load, axis=0) * np.maximum(d["nBL"], d["nCCD_S"]) / d["pseudo_channels"] * ratio
    least = np.maximum(least, np.sum(granules, axis=0) / batch.column("fetcher.ports"))
    pace = np.ceil(PACE * row / np.maximum(least, 1e-9))
    pace = np.where(summary.early[:, None] > 0, np.where(pace > PACE * 3 / 2, 2 * PACE, np.clip(pace, 1, PACE)), PACE)
    buses = np.maximum(d["nBL"], each(batch, lambda arch: arch.column_clocks)[0]) / (channels * d["pseudo_channels"])
    port = port_steps(1 / (batch.column("fetcher.ports") * ratio * buses))
    held = blocks, key_room, value_room
    if summary.work.prefill:
        clocks = _played(summary, batch, port, held, np.full_like(pace, APART))[:-1, 0]
        pace = np.where(row > HIDDEN * np.sum(load * clocks, axis=0) * ratio, APART, pace)
    played = _played(summary, batch, port, held, pace)
    clocks = np.maximum(played[:, 0], d["nBL"] / d["pseudo_channels"] / np.where(same, 1, channels))
    blocked = d["refresh"] * np.minimum((d["nRFC"] + d["nRP"] + d["nRCD"]) / d["nREFI"], 0.95)
    scale = ratio / (1 - blocked)
    stages = batch.column("fetcher.request_stages"), batch.column("fetcher.return_stages")
    row = d["nRP"] + d["nRCD"]
    waiting = (d["window"] + batch.column("fetcher.fifo_depth")) / d["pseudo_channels"]
    return Memory(
        granules=granules,
        opened=granules * played[-1, 1],
        alone=load * clocks[:-1] * scale,
        mixed=load * clocks[-1] * scale,
        requests=granules / batch.column("fetcher.ports"),
        latency=stages[0] + stages[1] + (row + d["nCL"] + d["nBL"] + d["return_clocks"]) * ratio,
        found=(1 - fresh) * row * ratio,
        backlog=waiting * np.maximum(d["nBL"], d["nCCD_S"]) * ratio,
        write_end=stages[0] + (row + d["nCWL"] + d["nBL"]) * ratio,
        cycles_per_clock=ratio,
    )


def _played(summary: Summary, batch: Batch, port: I64, held: tuple[F64, F64, F64], pace: F64) -> F64:
    """Return `Stretches.of` every group and design, shape (streams + 1, 2, G, designs); `held` are blocks and rooms."""
    work, shape = summary.work, (len(summary.kinds), len(batch))
    lines = (batch.column(path) // work.head_dim for path in ("qk.multipliers", "pv.multipliers"))
    rooms = (np.where(pace == APART, 1, np.minimum(told_apart(room), ROWS[1])) for room in held[1:])
    kinds = np.unique(summary.kinds)
    columns = [each(batch, summary.stack), port, *lines, told_apart(held[0]), *rooms, pace]
    asked = [np.broadcast_to(column, shape)[kinds].astype(np.int64) for column in columns]
    told = np.empty((len(STREAMS) + 1, 2, *shape))
    for k, group in enumerate(kinds.tolist()):
        first, which = distinct([column[k] for column in asked])
        some = summary.stretches.of(group, [column[k][first] for column in asked])
        told[:, :, summary.kinds == group] = some[:, :, None, which]
    return told


def _fields(batch: Batch) -> dict[str, F64]:
    names = (
        "pseudo_channels", "window", "refresh", "return_clocks", "tCK_ps", "nBL", "nCL", "nCWL", "nRCD", "nRP", "nRFC",
        "nREFI", "nCCD_S",
    )  # fmt: skip
    return {name: batch.column(f"dram.{name}").astype(np.float64) for name in names}
