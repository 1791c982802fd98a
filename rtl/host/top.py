"""The fixed-length pruner behind a host's port: nothing but pins."""

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_link import HostLink
from tokensieve.rtl.host.core import HostCore
from tokensieve.rtl.host.parallel import ParallelReceiver, ParallelTransmitter
from tokensieve.rtl.host.uart import UartReceiver, UartTransmitter

PINS: dict[str, dict[str, wiring.Member]] = {
    "uart": {"rx": In(1, init=1), "tx": Out(1, init=1)},
    "parallel": {
        "in_data": In(8), "in_req": In(1), "in_ack": Out(1), "out_data": Out(8), "out_req": Out(1), "out_ack": In(1),
    },
}  # fmt: skip
"""Pins of each kind of port."""


class HostTop(wiring.Component):
    """Puts the fixed-length pruner behind a UART or a parallel port.

    Everything is in the clock domain `sync`. A board makes that domain: its clock, and its synchronous reset, which is
    high for at least one cycle after the clock is stable. There is no reset pin here. All outputs come out of
    registers. The asynchronous pins are `rx`, or `in_data`, `in_req` and `out_ack`; each strobe goes through two
    flip-flops in here, so a board adds none.

    Parameters
    ----------
    pruner : `FixedLengthPruner`
        Section ``pruner`` of the machine.
    link : `HostLink`
        The port and its timing, in cycles of `sync`.

    Members
    -------
    rx, tx : ``In(1)``, ``Out(1)``
        The lines of the port `uart`, both high where nothing is sent.
    in_data, in_req, in_ack : ``In(8)``, ``In(1)``, ``Out(1)``
        Bytes from the host (port `parallel`): see `ParallelReceiver`.
    out_data, out_req, out_ack : ``Out(8)``, ``Out(1)``, ``In(1)``
        Bytes to the host (port `parallel`): see `ParallelTransmitter`.
    """

    def __init__(self, pruner: FixedLengthPruner, link: HostLink) -> None:
        super().__init__(PINS[link.port])
        self._pruner, self._link = pruner, link

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.core = core = HostCore(self._pruner, self._link.timeout_cycles)
        receiver, transmitter = self._uart(m, core) if self._link.port == "uart" else self._parallel(m)
        m.submodules.receiver, m.submodules.transmitter = receiver, transmitter
        wiring.connect(m, receiver.o, core.i)
        wiring.connect(m, core.o, transmitter.i)
        return m

    def _uart(self, m: Module, core: HostCore) -> tuple[UartReceiver, UartTransmitter]:
        receiver, transmitter = UartReceiver(self._link.divisor), UartTransmitter(self._link.divisor)
        m.d.comb += [receiver.rx.eq(self.rx), self.tx.eq(transmitter.tx)]
        m.d.comb += [core.framing_error.eq(receiver.framing_error), core.overrun.eq(receiver.overrun)]
        return receiver, transmitter

    def _parallel(self, m: Module) -> tuple[ParallelReceiver, ParallelTransmitter]:
        receiver, transmitter = ParallelReceiver(), ParallelTransmitter()
        m.d.comb += [receiver.data.eq(self.in_data), receiver.req.eq(self.in_req), self.in_ack.eq(receiver.ack)]
        m.d.comb += [self.out_data.eq(transmitter.data), self.out_req.eq(transmitter.req)]
        m.d.comb += transmitter.ack.eq(self.out_ack)
        return receiver, transmitter
