"""Byte streams to a unit and back."""

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_link import HostLink


class HostCore(wiring.Component):
    """Stands for frames and unit: hands each byte back.

    Members
    -------
    i, o : ``stream.Signature(8)``
        Bytes from and to the host.
    framing_error, overrun : ``In(1)``
        Events of the port.
    """

    def __init__(self, pruner: FixedLengthPruner, link: HostLink) -> None:
        byte = stream.Signature(8)
        super().__init__({"i": In(byte), "o": Out(byte), "framing_error": In(1), "overrun": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        wiring.connect(m, wiring.flipped(self.i), wiring.flipped(self.o))
        return m
