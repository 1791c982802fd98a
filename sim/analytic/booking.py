"""Which causes the cycles of a layer's intervals belong to, by the rules that level `cycle` books by."""

import numpy as np

from tokensieve.sim.analytic.batch import F64
from tokensieve.sim.analytic.intervals import intervals
from tokensieve.sim.analytic.paths import COMPUTE, DRAM, FILL, SOFTMAX, TOPK, Paths
from tokensieve.sim.analytic.stages import Stages


class Booking:
    """One group on every design: its intervals, and events that lie a number of these later."""

    def __init__(self, s: Stages, paths: Paths) -> None:
        self.s, self.paths, self.every = s, paths, intervals(s)
        self.scanned = np.where(s.soft > s.key_lines, s.soft / s.qk, 0)
        """Share of a pass at Q x K whose pace the softmax's scan sets."""

    def streamed(self, event: F64, cycles: F64, registers: F64 | float = 0) -> F64:
        """Return the event after `cycles` of passes at Q x K, `registers` of them in loops around buffers."""
        scanned = (cycles - registers) * self.scanned
        return self.paths.after(event, cycles, COMPUTE, {SOFTMAX: scanned, FILL: registers})

    def held(self, event: F64) -> F64:
        """Return the event as many queries earlier as a buffer of the softmax holds, booked to the slowest stage."""
        cycles = -self.every.held * self.every.query
        return self.paths.after(event, cycles, COMPUTE, self._slowest(cycles))

    def keys_by_row(self, event: F64, rows: F64) -> F64:
        """Return the event `rows` intervals around the K SRAM later; a verdict on a row's queries is the softmax's."""
        every = self.every
        scanned = every.key_used * (1 - every.key_slowed) * self.scanned
        parts = self._used(rows, every.key_used, every.key_slowed, scanned)
        parts[SOFTMAX] = parts[SOFTMAX] + rows * every.verdict / self.s.key_room
        return self.paths.after(event, rows * every.key_row, DRAM, parts)

    def values_by_row(self, event: F64, rows: F64) -> F64:
        """Return the event `rows` intervals around the V SRAM later; V is loaded with K, and DRAM serves both."""
        every = self.every
        interval = np.maximum(every.value_row, every.dram)
        used = np.where(interval > every.value_row, 0, every.value_used)
        return self.paths.after(event, rows * interval, DRAM, self._used(rows, used, every.value_slowed))

    def _used(self, rows: F64, used: F64, slowed: F64, scanned: F64 | float = 0) -> dict[int, F64]:
        """Return whose the cycles are in which `rows` are `used`: the array's, or if `slowed` the slowest stage's."""
        parts = self._slowest(rows * used * slowed)
        parts[SOFTMAX] = parts[SOFTMAX] + rows * scanned
        return parts | {COMPUTE: rows * used - parts[TOPK] - parts[SOFTMAX]}

    def waited_for(self, queries: F64) -> dict[int, F64]:
        """Return in which of the intervals of the top-k it waits for softmax or arrays, of so many `queries`."""
        every = self.every
        lines = np.where(every.qk >= every.pv, self.scanned, 0)
        softmax = np.where(every.exp >= np.maximum(every.qk, every.pv), 1, lines)
        waits = queries * every.topk_waits
        return {SOFTMAX: waits * softmax, COMPUTE: waits * (1 - softmax)}

    def _slowest(self, cycles: F64) -> dict[int, F64]:
        """Return `cycles` as parts of the cause that the slowest stage's time has, none where it is an array's."""
        every = self.every
        engine, softmax = np.maximum(every.topk, every.queue), np.maximum(every.exp, every.div)
        rest = (engine < every.query) & (softmax >= every.query)
        return {TOPK: cycles * (engine >= every.query), SOFTMAX: cycles * rest}
