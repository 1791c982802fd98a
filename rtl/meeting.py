"""Where a beat of positions meets a line of memory, as compaction holds one against the other."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal

from tokensieve.arch.datapath import Topk


def meeting(m: Module, topk: Topk, positions: Any, line: Any) -> tuple[Signal, Signal]:
    """Return which lanes of line number `line` the `positions` point to, and whether some lie in lines to come.

    `positions` is a `packed_beat` of items, ascending; a line of memory is as wide as it.
    """
    lanes, bits = topk.lanes, (topk.lanes - 1).bit_length()
    mask = Signal(lanes)
    past = Signal()
    here = Signal(lanes)
    beyond = Signal(lanes)
    for lane in range(lanes):
        of = positions.items[lane].index >> bits
        m.d.comb += here[lane].eq((positions["count"] > lane) & (of == line))
        m.d.comb += beyond[lane].eq((positions["count"] > lane) & (of > line))
    for place in range(lanes):
        hits = [here[lane] & (low(positions.items[lane].index, bits) == place) for lane in range(lanes)]
        m.d.comb += mask[place].eq(Cat(*hits).any())
    m.d.comb += past.eq(beyond.any())
    return mask, past


def low(value: Any, bits: int) -> Any:
    """Return the lowest `bits` of a value, which may be none."""
    return value[:bits] if bits else Const(0, 1)
