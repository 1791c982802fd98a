"""A unit between shift registers: for units without a host link, so that their whole path is on an FPGA's pins."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import Flow, In, Out

PINS: dict[str, wiring.Member] = {"scan_in": In(1), "strobe": In(1), "scan_out": Out(1)}


class ScanTop(wiring.Component):
    """Drives every input of a unit from a register that is shifted in, and shifts out what its outputs were.

    It stands for the registers that would be on both sides of the unit. It drives no protocol: what comes out is of
    use to a logic analyser alone.

    Members
    -------
    scan_in : ``In(1)``
        Bits for the inputs, one a cycle; asynchronous.
    strobe : ``In(1)``
        While high, the bits go to the unit's inputs and its outputs are taken; asynchronous.
    scan_out : ``Out(1)``
        Bits of the outputs, one a cycle.
    """

    def __init__(self, unit: wiring.Component) -> None:
        super().__init__(PINS)
        self._unit = unit

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.unit = unit = self._unit
        comes, strobe = Signal(), Signal()
        m.submodules.scan_synchronizer = FFSynchronizer(self.scan_in, comes)
        m.submodules.strobe_synchronizer = FFSynchronizer(self.strobe, strobe)

        members = [(member.flow, value) for _, member, value in unit.signature.flatten(unit)]
        into = [value for flow, value in members if flow is Flow.In]
        outof = Cat(value for flow, value in members if flow is Flow.Out)
        shifted, seen = Signal(sum(len(Cat(value)) for value in into)), Signal(len(outof))
        m.d.sync += shifted.eq(Cat(comes, shifted))
        driven = Signal(len(shifted))
        with m.If(strobe):
            m.d.sync += driven.eq(shifted)
        m.d.comb += Cat(into).eq(driven)
        m.d.sync += [seen.eq(seen[1:]), self.scan_out.eq(seen[0])]
        with m.If(strobe):
            m.d.sync += seen.eq(outof)
        return m
