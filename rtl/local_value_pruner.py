"""The local value pruner: a top-k engine between the probabilities of a query and its values (paper III-C)."""

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.machine import Arch
from tokensieve.rtl.beats import (
    command,
    event,
    found,
    item,
    kept_probability,
    packed_beat,
    probability_beat,
    round_size,
    status,
)
from tokensieve.rtl.fork import fork
from tokensieve.rtl.queue import BlockQueue
from tokensieve.rtl.topk import TopKEngine


class LocalValuePruner(wiring.Component):
    """Keeps the k largest probabilities of a query, and asks for their values alone.

    A query's probabilities come in beats as wide as the engine, ``topk.lanes``: where the softmax is narrower, its
    lines are joined before. Kept ones are not scaled up to sum to one again.

    Each beat of kept items leaves twice: its indices at once, as requests, its probabilities through a queue, in which
    they may wait for the values. An index is a position in the query's packet.

    Timing
    ------
    Obeys ``arch.local_value_law``: the engine's law up to the last request, and two cycles more to the last kept
    probability. Neither output waits for the other until the queue is full or a beat's requests have not left.

    Parameters
    ----------
    arch : `Arch`
        `topk` for engine, lanes and queue; `softmax` for the width of a probability, at most `topk.score_bits`.

    Members
    -------
    command : ``In(stream.Signature(command(topk)))``
        One per query: probabilities offered (`n`, 1..topk.max_tokens), to keep (`k`, all if it is more than `n`), and
        the `seed` of quick-select's pivots, which other engines ignore.
    probability : ``In(stream.Signature(probability_beat(topk, softmax.probability_bits)))``
        The probabilities in order, ceil(n / topk.lanes) beats; what stands beyond n in the last one is ignored.
    request : ``Out(stream.Signature(packed_beat(topk.lanes, item(topk))))``
        Values to fetch: for each kept probability, its position in the query's packet as `index`, ascending, and the
        probability as `score`. Full beats and a last one with `last`, which is empty only for k = 0. It fits the stream
        ``token`` of the unit token-gather.
    o : ``Out(stream.Signature(packed_beat(topk.lanes, kept_probability(topk, softmax.probability_bits))))``
        Kept probabilities with their indices, in order; `last` ends a query.
    found : ``Out(event(found(topk)))``
        Probe, when a selection is known: kept are the scores above `threshold` and the first `ties` equal to it.
    round : ``Out(event(round_size(topk)))``
        Probe: how many scores each pass of a search looks at, in order.
    status : ``Out(event(status()))``
        In the cycle after an illegal command is taken: 1 for n = 0, 2 for n > topk.max_tokens. Such a query keeps none.
    """

    def __init__(self, arch: Arch) -> None:
        arch.require_run()
        topk, bits = arch.topk, arch.softmax.probability_bits
        self._kept = packed_beat(topk.lanes, kept_probability(topk, bits))
        super().__init__(
            {
                "command": In(stream.Signature(command(topk))),
                "probability": In(stream.Signature(probability_beat(topk, bits))),
                "request": Out(stream.Signature(packed_beat(topk.lanes, item(topk)))),
                "o": Out(stream.Signature(self._kept)),
                "found": Out(event(found(topk))),
                "round": Out(event(round_size(topk))),
                "status": Out(event(status())),
            }
        )
        self._arch = arch

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.engine = engine = TopKEngine(self._arch.topk)
        m.submodules.queue = queue = BlockQueue(self._kept, self._arch.kept_beats)
        wiring.connect(m, wiring.flipped(self.command), engine.command)
        wiring.connect(m, engine.found, wiring.flipped(self.found))
        wiring.connect(m, engine.round, wiring.flipped(self.round))
        wiring.connect(m, engine.status, wiring.flipped(self.status))
        wiring.connect(m, queue.o, wiring.flipped(self.o))

        m.d.comb += [engine.score.valid.eq(self.probability.valid), self.probability.ready.eq(engine.score.ready)]
        kept = queue.i.p
        m.d.comb += [self.request.payload.eq(engine.o.payload), kept.count.eq(engine.o.p["count"])]
        m.d.comb += kept.last.eq(engine.o.p.last)
        for lane in range(self._arch.topk.lanes):
            m.d.comb += engine.score.p.scores[lane].eq(self.probability.p.probabilities[lane])
            m.d.comb += kept.items[lane].index.eq(engine.o.p.items[lane].index)
            m.d.comb += kept.items[lane].probability.eq(engine.o.p.items[lane].score)
        fork(m, engine.o, [self.request, queue.i])
        return m
