"""Runs cases on Amaranth's own simulator: no compiler is needed, for small sizes."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, ClockDomain, Module, Value
from amaranth.lib import wiring
from amaranth.sim import Simulator

from tokensieve.rtl.flow.axitop import StreamsOfAxi, is_axi
from tokensieve.rtl.flow.case import RESET_CYCLES, Case, Ports, Record
from tokensieve.rtl.flow.player import Player, check
from tokensieve.rtl.flow.ports import ports_of

_PERIOD = 1e-9


def run(
    component: wiring.Component,
    cases: Sequence[Case],
    waves: Path | None = None,
    until: Callable[[Record], bool] = lambda record: False,
) -> list[Record]:
    """Return what was seen in each of `cases`, which `component` runs one after another; `waves` names a VCD file.

    The cases behind the first one whose record is such that `until` returns True are not run.
    """
    component = StreamsOfAxi(component) if is_axi(component) else component
    ports = ports_of(component)
    for case in cases:
        check(ports, case)
    records: list[Record] = []
    simulator, reset = _simulator(component)

    async def bench(ctx: Any) -> None:
        for case in cases:
            records.append(await _play(ctx, component, ports, reset, case))
            if until(records[-1]):
                break

    simulator.add_testbench(bench)
    with simulator.write_vcd(str(waves)) if waves else nullcontext():
        simulator.run()
    return records


def _simulator(component: wiring.Component) -> tuple[Any, Value]:
    """Return a simulator of `component`, and its reset."""
    m, domain = Module(), ClockDomain("sync")
    m.domains += domain
    m.submodules.unit = component
    simulator = Simulator(m)
    simulator.add_clock(_PERIOD)
    return simulator, domain.rst


async def _play(ctx: Any, component: wiring.Component, ports: Ports, reset: Value, case: Case) -> Record:
    watched = [getattr(component, port.name) for port in ports.watched]
    streams = watched[: len(ports.streams)]
    payload = [Value.cast(port.payload) for port in watched]
    flags = Cat(
        *(s.valid for s in streams), *(s.ready for s in streams), *(e.valid for e in watched[len(streams) :])
    )  # fmt: skip
    drive = Cat(*(s.valid for s in streams[: len(ports.sources)]), *(s.ready for s in streams[len(ports.sources) :]))

    ctx.set(drive, 0)
    for port in ports.constants:
        ctx.set(Value.cast(getattr(component, port.name)), case.constants.get(port.name, 0))
    ctx.set(reset, 1)
    for _ in range(RESET_CYCLES):
        await ctx.tick()
    ctx.set(reset, 0)

    player, more = Player(ports, case), True
    while more:
        for number, beat in player.payloads:
            ctx.set(payload[number], beat)
        ctx.set(drive, player.drive)
        more = player.step(ctx.get(flags), lambda number: int(ctx.get(payload[number])))
        await ctx.tick()
    return player.record()
