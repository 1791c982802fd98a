"""A beat for several sinks."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Signal


def fork(m: Module, source: Any, sinks: Sequence[Any], wanted: Sequence[Any] | None = None) -> None:
    """Send each beat of `source` to all `sinks`, each in the cycle in which it takes it. Payloads are wired elsewhere.

    `wanted` says of each sink whether the beat on offer is for it; it must hold until the beat has gone to all.
    """
    gone = Signal(len(sinks))
    had = Signal(len(sinks))
    for number, sink in enumerate(sinks):
        m.d.comb += sink.valid.eq(source.valid & ~had[number])
        m.d.comb += gone[number].eq(had[number] | sink.ready)
        if wanted:  # of two assignments the later one holds
            m.d.comb += sink.valid.eq(source.valid & wanted[number] & ~had[number])
            with m.If(~wanted[number]):
                m.d.comb += gone[number].eq(1)
    m.d.comb += source.ready.eq(gone.all())
    with m.If(source.valid):
        m.d.sync += had.eq(gone)
        with m.If(source.ready):
            m.d.sync += had.eq(0)
