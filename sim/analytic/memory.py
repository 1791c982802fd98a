"""DRAM in closed form: how long a stream takes for a row, from organisation and JEDEC timings alone.

A pseudo-channel moves a burst every nBL clocks, or nCCD if that is more; it opens a DRAM row every nRRD, 4 in nFAW. A
stream takes as long as its busiest pseudo-channel. Refresh takes its share of all time. What is fetched on demand
also pays the way there and back.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tokensieve.sim.analytic.batch import F64, Batch, each
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.traffic import STREAMS


@dataclass(frozen=True)
class Memory:
    """What fetching the rows of each group takes, in cycles; arrays over (streams, groups, designs) or designs."""

    granules: F64
    """Granules of a row, mean over the rows of a group that fetch on their own."""

    opened: F64
    """DRAM rows that they open, over all pseudo-channels."""

    columns: F64
    rows: F64
    requests: F64
    """Cycles of a row's column commands, of its activates (both in the busiest pseudo-channel), and at the fetcher."""

    banks: F64
    """Cycles of the DRAM rows that a whole group opens in the busiest bank or bank group, shape (G, designs)."""

    crowding: F64
    """How much longer all columns of a row take where few bank groups are seen at once, shape (G, designs)."""

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
        cycles: F64 = np.maximum(np.maximum(self.columns[s], self.rows[s]), self.requests[s])
        return cycles

    def in_turn(self, share: Mapping[str, F64 | float]) -> F64:
        """Return the cycles that some rows of each stream take one after another, with nothing beside them."""
        tables = (self.columns, self.rows, self.requests)
        cycles: F64 = np.maximum.reduce([_sum(table, share) for table in tables])
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
        tables = (self.columns * self.crowding, self.rows, self.requests)
        cycles: F64 = np.maximum.reduce([_sum(table, share) for table in tables])
        return cycles


def _sum(table: F64, share: Mapping[str, F64 | float]) -> F64:
    """Return the sum over the streams of a share of each."""
    return np.sum([share[name] * table[s] for s, name in enumerate(STREAMS) if name in share], axis=0)


def memory(summary: Summary, batch: Batch) -> Memory:
    """Return the DRAM of every design of the batch under the work of `summary`."""
    d = _fields(batch)
    d["nCCD_S"], d["nCCD_L"] = each(batch, lambda arch: arch.column_clocks).astype(np.float64)
    ratio = d["tCK_ps"] * batch.column("clock.mhz") * 1e-6
    granules, load, opened, opened_all, same, fresh = each(batch, lambda arch: summary.traffic(arch).rows)
    bank, group = each(batch, lambda arch: summary.traffic(arch).banks)
    # The pattern is that of one row; of others, as wide as they are, no pseudo-channel moves less than its share.
    load = np.maximum(load, granules / (batch.column("dram.channels") * d["pseudo_channels"]))
    ahead = d["window"] / d["pseudo_channels"]
    spacing = _spacing(d, same, ahead)
    exposed = _exposed(d, ahead, spacing, load / np.maximum(opened, 1))
    blocked = d["refresh"] * np.minimum((d["nRFC"] + d["nRP"] + d["nRCD"]) / d["nREFI"], 0.95)
    scale = ratio / (1 - blocked)
    stages = batch.column("fetcher.request_stages"), batch.column("fetcher.return_stages")
    row = d["nRP"] + d["nRCD"]
    held = (d["window"] + batch.column("fetcher.fifo_depth")) / d["pseudo_channels"]
    bursts = (load * spacing).sum(axis=0) / np.maximum(opened.sum(axis=0), 1)
    again = np.maximum(np.maximum(d["nRC"], d["nRAS"] + d["nRP"]), d["nRCD"] + bursts + d["nRTP"] + d["nRP"])
    return Memory(
        granules=granules,
        opened=opened_all,
        columns=(load * spacing + opened * exposed) * scale,
        rows=opened * np.maximum(d["nRRD_S"], d["nFAW"] / 4) * scale,
        requests=granules / batch.column("fetcher.ports"),
        banks=np.maximum(bank * again, group * d["nRRD_L"]) * scale,
        crowding=_crowding(d, each(batch, summary.beside), load, spacing),
        latency=stages[0] + stages[1] + (row + d["nCL"] + d["nBL"] + d["return_clocks"]) * ratio,
        found=(1 - fresh) * row * ratio,
        backlog=held * np.maximum(d["nBL"], d["nCCD_S"]) * ratio,
        write_end=stages[0] + (row + d["nCWL"] + d["nBL"]) * ratio,
        cycles_per_clock=ratio,
    )


def _exposed(d: dict[str, F64], ahead: F64, spacing: F64, run: F64) -> F64:
    """Return the clocks by which opening a DRAM row delays its stream, which has `run` granules in it.

    A DRAM row is opened when its first granule comes into the window, `ahead` granules before its turn. Of runs that
    are shorter, all in the window open side by side, and together they delay it once.
    """
    waits = np.maximum(d["nRP"] + d["nRCD"] - np.maximum(ahead - 1, 0) * spacing, 0)
    clocks: F64 = waits * np.minimum(run / np.maximum(ahead, 1), 1)
    return clocks


def _spacing(d: dict[str, F64], same: F64, ahead: F64) -> F64:
    """Return the clocks between two column commands of a pseudo-channel.

    Commands of one bank group are nCCD_L apart. Its run of bursts is 1 / (1 - same) long in the mean; as many of the
    next run as the window reaches `ahead` are served between them.
    """
    run = 1 / np.maximum(1 - same, 1e-6)
    alone = np.maximum(0.5, (run - ahead) / run)
    clocks: F64 = np.maximum(np.maximum(d["nCCD_S"], d["nBL"]), alone * np.maximum(d["nCCD_L"], d["nBL"]))
    return clocks


def _crowding(d: dict[str, F64], shares: F64, load: F64, spacing: F64) -> F64:
    """Return how much longer queries, K, V and outputs of a row take than each on its own, shape (G, designs).

    `shares` are the numbers of `beside`: pseudo-channels move bursts side by side, bank groups take nCCD_L for each.
    """
    pseudo, group = shares
    seen = np.maximum(pseudo * np.maximum(d["nCCD_S"], d["nBL"]), group * np.maximum(d["nCCD_L"], d["nBL"]))
    streams = [STREAMS.index(name) for name in ("query", "key", "value", "output")]
    alone = (load * spacing)[streams].sum(axis=0)
    longer: F64 = np.maximum(seen / np.maximum(alone, 1), 1)
    return longer


def _fields(batch: Batch) -> dict[str, F64]:
    names = (
        "pseudo_channels", "window", "refresh", "return_clocks", "tCK_ps", "nBL", "nCL", "nCWL", "nRCD",
        "nRP", "nRAS", "nRC", "nRTP", "nRRD_S", "nRRD_L", "nFAW", "nRFC", "nREFI",
    )  # fmt: skip
    return {name: batch.column(f"dram.{name}").astype(np.float64) for name in names}
