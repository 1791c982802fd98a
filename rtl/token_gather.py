"""The token gather: kept tokens in, the vectors of K or V that belong to them out of memory."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.arch.memory import Dram
from tokensieve.arch.status import Status
from tokensieve.arch.token_gather import TokenGather
from tokensieve.rtl.beats import (
    event,
    gather_command,
    gathered_vector,
    granule,
    granule_request,
    item,
    packed_beat,
    status,
)
from tokensieve.rtl.queue import BlockQueue
from tokensieve.rtl.vector_packer import VectorPacker
from tokensieve.rtl.vector_requests import Splitter, VectorAddresses, place_layout, unfit_bytes


class TokenGatherEngine(wiring.Component):
    """Fetches the vectors of the given tokens, in their order.

    The vector of token t begins at byte ``base + t * row_bytes``. Every granule that a vector touches is asked for, and
    what of it belongs to other vectors is dropped. A granule is asked for only when there is room for it, so that
    memory can always hand over what it has: ``data`` is ready whenever a request is open.

    A command whose vectors have no bytes, or more than there may be, is illegal: ``status`` tells, its packet of tokens
    is taken, a beat a cycle, nothing is asked for, and one vector leaves, as for a packet without tokens.

    Timing
    ------
    Obeys ``gather.law``: one request a cycle, one granule a cycle, and one vector a cycle where a vector is one
    granule. A packet's first beat of tokens waits for its command. The next packet follows without a pause.

    Parameters
    ----------
    gather : `TokenGather`
        Address width, longest vector, room and registers.
    dram : `Dram`
        Granules and channels.
    topk : `Topk`
        Tokens and their lanes.

    Members
    -------
    command : ``In(stream.Signature(gather_command(gather)))``
        One per packet of tokens: the vector of token t has `row_bytes` bytes (1..gather.max_row_bytes) and begins at
        byte address `base` + t * `row_bytes`, which must fit the address.
    token : ``In(stream.Signature(packed_beat(topk.lanes, item(topk))))``
        Packets of token numbers (`index`), in any order; `last` ends a packet. The scores are not looked at, and lanes
        from `count` on are ignored. A packet without tokens is one beat with a `count` of 0. The stream ``o`` of the
        unit topk fits.
    request : ``Out(stream.Signature(granule_request(gather, dram)))``
        Granules to read: byte address of the first byte, a multiple of dram.granule_bytes, and the memory channel that
        it lies in.
    data : ``In(stream.Signature(granule(dram)))``
        The granules, one for each request and in the order of the requests; always ready for those.
    o : ``Out(stream.Signature(gathered_vector(gather)))``
        One vector per token, in order: `count` bytes from byte 0 on, zeros behind them; `last` ends a packet. A beat
        without tokens gives one with a `count` of 0.
    status : ``Out(event(status()))``
        In the cycle after a command is taken whose `row_bytes` is 0 or above gather.max_row_bytes: 4.
    """

    def __init__(self, gather: TokenGather, dram: Dram, topk: Topk) -> None:
        super().__init__(
            {
                "command": In(stream.Signature(gather_command(gather))),
                "token": In(stream.Signature(packed_beat(topk.lanes, item(topk)))),
                "request": Out(stream.Signature(granule_request(gather, dram))),
                "data": In(stream.Signature(granule(dram))),
                "o": Out(stream.Signature(gathered_vector(gather))),
                "status": Out(event(status())),
            }
        )
        self._gather, self._dram, self._topk = gather, dram, topk

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.addresses = addresses = VectorAddresses(self._gather, self._topk)
        m.submodules.splitter = splitter = Splitter(self._gather, self._dram)
        m.submodules.places = places = BlockQueue(place_layout(self._gather, self._dram), self._gather.outstanding)
        m.submodules.granules = granules = BlockQueue(granule(self._dram), self._gather.outstanding)
        m.submodules.packer = packer = VectorPacker(self._gather, self._dram)
        wiring.connect(m, wiring.flipped(self.command), addresses.command)
        unfit = unfit_bytes(self._gather, self.command.p.row_bytes)
        m.d.sync += self.status.valid.eq(self.command.valid & self.command.ready & unfit)
        m.d.comb += self.status.payload.code.eq(Status.ROW_BYTES)
        wiring.connect(m, wiring.flipped(self.token), addresses.token)
        wiring.connect(m, addresses.o, splitter.i)
        wiring.connect(m, splitter.request, wiring.flipped(self.request))
        wiring.connect(m, wiring.flipped(self.data), granules.i)
        wiring.connect(m, packer.o, wiring.flipped(self.o))

        # There is always room in the queue of places: it is as deep as places may be taken.
        m.d.comb += [places.i.valid.eq(splitter.place.valid), places.i.payload.eq(splitter.place.payload)]
        none = Signal()
        both = Signal()
        m.d.comb += none.eq(places.o.p.count == 0)
        m.d.comb += both.eq(places.o.valid & (none | granules.o.valid))
        m.d.comb += [packer.i.valid.eq(both), packer.i.p.place.eq(places.o.payload)]
        m.d.comb += packer.i.p.data.eq(granules.o.p.data)
        m.d.comb += [places.o.ready.eq(both & packer.i.ready), granules.o.ready.eq(both & packer.i.ready & ~none)]
        m.d.comb += splitter.leaves.eq(both & packer.i.ready)
        return m
