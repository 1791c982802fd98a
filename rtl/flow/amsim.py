"""Runs cases on Amaranth's own simulator: no compiler is needed, for small sizes.

Before a reset ends, all registers and memories get random bits, the same in every run. What has no reset keeps them, so
that a unit that rests on what it held before is found by whatever case is played.
"""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from random import Random
from typing import Any

from amaranth.hdl import Cat, ClockDomain, Fragment, Module, Value
from amaranth.lib import wiring
from amaranth.sim import Simulator

from tokensieve.rtl.flow.axiframe import is_axi
from tokensieve.rtl.flow.axitop import StreamsOfAxi
from tokensieve.rtl.flow.case import Case, Record, parts
from tokensieve.rtl.flow.player import Player, check
from tokensieve.rtl.flow.ports import ports_of
from tokensieve.rtl.flow.state import state_of

_PERIOD = 1e-9
_SEED = 1


def run(
    component: wiring.Component, cases: Sequence[Case], waves: Path | None = None, *, fill: bool = True
) -> list[Record]:
    """Return what was seen in each of `cases`, which `component` runs one after another; `waves` names a VCD file.

    Without `fill` everything stays as it was when a reset comes, and is zero at first: for pictures.
    """
    return list(play(component, cases, waves, fill=fill))


def play(
    component: wiring.Component, cases: Sequence[Case], waves: Path | None = None, *, fill: bool = True
) -> Iterator[Record]:
    """Return an iterator over what `run` returns: a case is run when its record is asked for.

    The component is elaborated at once, so that a fault need be planted no longer than this call takes.
    """
    component = StreamsOfAxi(component) if is_axi(component) else component
    bench = _Bench(component, fill)
    for case in cases:
        check(bench.ports, case)
    records: list[Record] = []

    async def play_all(ctx: Any) -> None:
        for case in cases:
            records.append(await bench.play(ctx, case))

    bench.simulator.add_testbench(play_all)
    return _records(bench.simulator, records, len(cases), waves)


def _records(simulator: Any, records: Sequence[Record], count: int, waves: Path | None) -> Iterator[Record]:
    """Yield the records as they come."""
    with simulator.write_vcd(str(waves)) if waves else nullcontext():
        for number in range(count):
            while len(records) == number:
                simulator.advance()
            yield records[number]


class _Bench:
    """A unit, its clock and its reset."""

    def __init__(self, component: wiring.Component, fill: bool) -> None:
        self.ports, self._component = ports_of(component), component
        m, domain = Module(), ClockDomain("sync")
        m.domains += domain
        m.submodules.unit = component
        fragment = Fragment.get(m, None)
        self.simulator: Any = Simulator(fragment)
        self.simulator.add_clock(_PERIOD)
        self._state, self._rst, self._rng = state_of(fragment) if fill else None, domain.rst, Random(_SEED)

        watched = [getattr(component, port.name) for port in self.ports.watched]
        sources, streams = len(self.ports.sources), watched[: len(self.ports.streams)]
        events = watched[len(streams) :]
        self._payload = [Value.cast(port.payload) for port in watched]
        self._flags = Cat(*(s.valid for s in streams), *(s.ready for s in streams), *(e.valid for e in events))
        self._drive = Cat(*(s.valid for s in streams[:sources]), *(s.ready for s in streams[sources:]))

    async def play(self, ctx: Any, case: Case) -> Record:
        """Return what was seen after the last reset of a case."""
        for cycles, part in parts(case):
            await self._reset(ctx, part, cycles)
            record = await self._play_part(ctx, part)
        return record

    async def _reset(self, ctx: Any, case: Case, cycles: int) -> None:
        ctx.set(self._drive, 0)
        for port in self.ports.constants:
            ctx.set(Value.cast(getattr(self._component, port.name)), case.constants.get(port.name, 0))
        ctx.set(self._rst, 1)
        for left in reversed(range(cycles)):
            if left == 0 and self._state:
                self._state.fill(ctx, self._rng)
            await ctx.tick()
        ctx.set(self._rst, 0)

    async def _play_part(self, ctx: Any, case: Case) -> Record:
        player, more = Player(self.ports, case), True
        while more:
            for number, beat in player.payloads:
                ctx.set(self._payload[number], beat)
            ctx.set(self._drive, player.drive)
            more = player.step(ctx.get(self._flags), lambda number: int(ctx.get(self._payload[number])))
            await ctx.tick()
        return player.record()
