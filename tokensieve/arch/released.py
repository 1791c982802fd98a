"""Queues and registers that only the authors' released RTL has, and the paper does not name."""

from typing import Annotated

from pydantic import Field

from tokensieve.arch.base import ArchModel

Depth = Annotated[int, Field(ge=2, le=1 << 12)]


class Released(ArchModel):
    """Used by `tokensieve replay` alone (docs/explanation/released-rtl.md). Defaults are the release's."""

    count_rounding: Annotated[int, Field(ge=1, le=1 << 10)] = 8
    """Counts of keys and values are rounded up to multiples of this; the design of 32 ports hangs below 32."""

    reset_cycles: Annotated[int, Field(ge=0, le=1 << 10)] = 16
    """Cycles of reset, counted in every total."""

    handles: Depth = 16
    """Batches that may hold lines of a buffer; the allocator needs as many cycles after reset."""

    head_fifo: Depth = 16
    """Heads between admission and the decision on a second pass; new ones are let in while less than half is taken."""

    address_fifo: Depth = 16
    """Addresses that wait at a port of the fetcher."""

    in_flight: Depth = 64
    """Requests of a port that wait for data; `fetcher.fifo_depth` is what it holds of data."""

    context_fifo: Depth = 16
    """Fetches of whole heads on their way through the fetcher."""

    pending: Annotated[int, Field(ge=1, le=1 << 10)] = 16
    """Requests of a DRAM channel on their way, those whose answer was not taken counted."""

    replay: Annotated[int, Field(ge=3, le=1 << 10)] = 16
    """Places of the queue from which the reader of a buffer begins anew; one stays empty."""

    held_buffers: Annotated[int, Field(ge=1, le=256)] = 16
    """Scores that wait for second passes of heads before them, in multiples of the buffer's lines."""

    weight_lines: Annotated[int, Field(ge=1, le=256)] = 8
    """Kept scores that wait for their values, in lines of vector indices for each of two fused heads."""

    @property
    def widths(self) -> tuple[int, ...]:
        """Bits of an element that the fetcher converts; those of 6 bits are fused in pairs of heads."""
        return (4, 6, 8)
