"""The cascade pruner: importance sums, top-k and gather as one block, for tokens and for heads (paper III-A, III-B).

It is driven by commands (`beats.CascadeOp`), each about tokens or heads:

* CLEAR: from now on `n` are alive, numbered from 0, none of them important yet.
* GROW: `n` more join at the end: in decode, the token of this step.
* ADD: importance follows: the probabilities of `n` queries, or the outputs of the `n`-th alive head.
* PRUNE: keep the `k` most important. Their numbers leave on ``o``. From now on there are only these.

A command that cannot be obeyed changes nothing, and ``status`` tells why (`arch.status`): a CLEAR of more than there
may be, a GROW to more than that or beyond the last number, an ADD of no query, a PRUNE of nothing. The last one leaves
an empty packet. Numbers are never given again, so that there are as many since the last CLEAR as may be alive.
"""

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.machine import Arch
from tokensieve.arch.status import Status
from tokensieve.rtl.accumulators import HeadAccumulator, ImportanceAccumulator
from tokensieve.rtl.beats import (
    CascadeOp,
    SumsOp,
    cascade_command,
    event,
    found,
    gather_command,
    gathered_vector,
    granule,
    granule_request,
    item,
    kept_id,
    length_bits,
    packed_beat,
    round_size,
    status,
)
from tokensieve.rtl.fork import fork
from tokensieve.rtl.id_table import IdTable
from tokensieve.rtl.pipe import Stage
from tokensieve.rtl.queue import BlockQueue
from tokensieve.rtl.token_gather import TokenGatherEngine
from tokensieve.rtl.topk import TopKEngine


class CascadePruner(wiring.Component):
    """Adds up the importance of tokens and heads, and prunes both, layer after layer.

    Pruned ones are gone, with their sums: whoever wants to choose among all tokens again, as the first layer of a
    decode step does, keeps their sums elsewhere.

    Timing
    ------
    Obeys ``arch.cascade_law``. A command is taken every cycle as long as the accumulator that it is for can take it;
    tokens and heads add at the same time. A PRUNE has all parts to itself and takes what its parts take, one after the
    other: the sums are read and selected from, and when the last kept position is known, sums and numbers are
    compacted. The next command is taken up in the cycle after the last beat of numbers has left.

    Parameters
    ----------
    arch : `Arch`
        `importance`, `topk`, `gather`, `dram`, `softmax.probability_bits` and `number.output_bits`.

    Members
    -------
    command : ``In(stream.Signature(cascade_command(topk)))``
        One step, about tokens, or about heads where `heads` is 1. CLEAR: `n` are alive from now on, numbered from 0,
        with sums of zero. GROW: `n` more join at the end, with the next numbers and sums of zero. ADD of tokens:
        the packets of `n` queries follow on ``probability``, 1 or more. ADD of a head: one packet follows on
        ``output``; `n` is the head's position among the alive ones, from 0 on, and below their number. After a CLEAR
        or GROW of heads, the new ones must first be added to in ascending order, none left out before another. PRUNE:
        the `k` with the largest sums stay, all if fewer are alive, of equal ones the first; sums are compared after a
        shift to the right by as little as makes the largest fit a score. The numbers of the kept ones leave on ``o``,
        and positions count from 0 again. For PRUNE alone: `seed` is the first state of quick-select's pivots,
        which other engines ignore; with `pin` the last alive one is among the `k` whatever its sum; with `fetch` a
        PRUNE of tokens takes a command from ``fetch``, and the vectors of the kept tokens leave on ``row``.
    probability : ``In(stream.Signature(packed_beat(importance.lanes, unsigned(softmax.probability_bits))))``
        Packets of ADDs of tokens, one for each query, ended by `last`: item i is the probability of the i-th alive
        token. Beats are full except for a packet's last one; lanes from `count` on are ignored.
    output : ``In(stream.Signature(packed_beat(importance.lanes, signed(number.output_bits))))``
        Packets of ADDs of heads, one for each ADD, ended by `last`: attention outputs of the head, of one or more
        queries, whose magnitudes are added up. Lanes from `count` on are ignored.
    o : ``Out(stream.Signature(packed_beat(topk.lanes, kept_id(topk))))``
        Numbers of the kept tokens or heads, ascending, counted since the CLEAR, pruned ones too; `last` ends a PRUNE.
        Beats are full except for the last one, which is empty where none is kept.
    fetch : ``In(stream.Signature(gather_command(gather)))``
        One for each PRUNE of tokens with `fetch`: the vector of number t has `row_bytes` bytes (1..gather.max_row_bytes
        of them) and begins at byte address `base` + t * `row_bytes`, which must fit the address.
    request : ``Out(stream.Signature(granule_request(gather, dram)))``
        Granules of these vectors to read: byte address of the first byte, a multiple of dram.granule_bytes, and the
        memory channel that it lies in.
    data : ``In(stream.Signature(granule(dram)))``
        The granules, one for each request and in the order of the requests.
    row : ``Out(stream.Signature(gathered_vector(gather)))``
        For each PRUNE with `fetch`, the vectors of the kept tokens in the order of their numbers: `count` bytes, zeros
        behind them; `last` ends the PRUNE. One with a `count` of 0 where none is kept.
    found : ``Out(event(found(topk)))``
        Probe, when a selection is known: kept are the scores above `threshold` and the first `ties` equal to it.
    round : ``Out(event(round_size(topk)))``
        Probe: how many scores each pass of a search looks at, in order.
    status : ``Out(event(status()))``
        Illegal commands, in their order, a cycle after each is found to be: 1 for an ADD of no query, 2 for a CLEAR of
        more than there may be (`topk.max_tokens`, or `importance.max_heads` if that is less), 3 for a PRUNE where none
        is alive, 5 for a GROW to more, those that were pruned since the last CLEAR included.
    fetch_status : ``Out(event(status()))``
        4, in the cycle after a command of ``fetch`` is taken whose `row_bytes` is 0 or above `gather.max_row_bytes`.
    """

    def __init__(self, arch: Arch) -> None:
        topk, lanes = arch.topk, arch.importance.lanes
        super().__init__(
            {
                "command": In(stream.Signature(cascade_command(topk))),
                "probability": In(stream.Signature(packed_beat(lanes, unsigned(arch.softmax.probability_bits)))),
                "output": In(stream.Signature(packed_beat(lanes, signed(arch.number.output_bits)))),
                "o": Out(stream.Signature(packed_beat(topk.lanes, kept_id(topk)))),
                "fetch": In(stream.Signature(gather_command(arch.gather))),
                "request": Out(stream.Signature(granule_request(arch.gather, arch.dram))),
                "data": In(stream.Signature(granule(arch.dram))),
                "row": Out(stream.Signature(gathered_vector(arch.gather))),
                "found": Out(event(found(topk))),
                "round": Out(event(round_size(topk))),
                "status": Out(event(status())),
                "fetch_status": Out(event(status())),
            }
        )
        self._arch = arch

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        arch, topk = self._arch, self._arch.topk
        positions = packed_beat(topk.lanes, item(topk))
        m.submodules.command = self._command = Stage(cascade_command(topk))
        m.submodules.tokens = tokens = ImportanceAccumulator(arch)
        m.submodules.heads = heads = HeadAccumulator(arch)
        m.submodules.token_ids = token_ids = IdTable(topk, topk.max_tokens)
        m.submodules.head_ids = head_ids = IdTable(topk, arch.importance.max_heads)
        m.submodules.engine = engine = TopKEngine(topk)
        m.submodules.kept = kept = BlockQueue(positions, max(2, topk.beats))
        m.submodules.fetched = fetched = BlockQueue(positions, max(2, topk.beats))
        m.submodules.gather = gather = TokenGatherEngine(arch.gather, arch.dram, topk)
        self._sums, self._ids = (tokens, heads), (token_ids, head_ids)

        for inner, outer in (
            (self._command.i, self.command), (tokens.probability, self.probability), (heads.output, self.output),
            (gather.command, self.fetch), (gather.data, self.data),
        ):  # fmt: skip
            wiring.connect(m, wiring.flipped(outer), inner)
        for inner, outer in (
            (gather.request, self.request), (gather.o, self.row),
            (engine.found, self.found), (engine.round, self.round), (gather.status, self.fetch_status),
        ):  # fmt: skip
            wiring.connect(m, inner, wiring.flipped(outer))
        wiring.connect(m, engine.o, kept.i)
        wiring.connect(m, fetched.o, gather.token)
        self._sequence(m, engine, kept)
        self._rank(m, engine)
        self._keep(m, kept)
        self._leave(m, fetched)
        return m

    def _sequence(self, m: Module, engine: TopKEngine, kept: BlockQueue) -> None:
        """Hand each command to its parts. For a PRUNE, wait until the kept positions are known, then until all left."""
        now = self._command.o.p
        self._left = Signal()  # the last beat of numbers leaves
        told = stream.Signature(0).create(path=("told",))  # there is something that the parts are to be told
        op = Signal(SumsOp)
        prune = Signal()
        self._none = Signal()  # a PRUNE of nothing gives its empty packet
        counts = self._judge(m)
        m.d.comb += prune.eq(now.op == CascadeOp.PRUNE)
        m.d.sync += self.status.valid.eq(0)
        with m.FSM():
            with m.State("next"):
                m.d.comb += told.valid.eq(self._command.o.valid & ~self._illegal)
                m.d.comb += self._command.o.ready.eq((told.ready | self._illegal) & ~prune)
                m.d.sync += self.status.valid.eq(self._command.o.valid & self._illegal)
                with m.If(self._command.o.valid & self._illegal & prune):
                    m.next = "none"
                for one, its in zip(CascadeOp, (SumsOp.CLEAR, SumsOp.GROW, SumsOp.ADD, SumsOp.READ), strict=True):
                    with m.If(now.op == one):
                        m.d.comb += op.eq(its)
                with m.If(told.valid & told.ready & prune):
                    m.next = "select"
            with m.State("select"), m.If(kept.i.valid & kept.i.ready & kept.i.p.last):
                m.next = "keep"
            with m.State("keep"):
                m.d.comb += [told.valid.eq(1), op.eq(SumsOp.KEEP)]
                with m.If(told.ready):
                    m.next = "leave"
            with m.State("leave"):
                self._end(m)
            with m.State("none"):
                m.d.comb += self._none.eq(1)
                self._end(m)
        self._tell(m, engine, told, op, counts)

    def _end(self, m: Module) -> None:
        """Wait until the last beat of numbers leaves."""
        m.d.comb += self._command.o.ready.eq(self._left)
        with m.If(self._left):
            m.next = "next"

    def _judge(self, m: Module) -> list[Signal]:
        """Tell whether the command is illegal, and why; return how many tokens and heads are alive."""
        now, topk = self._command.o.p, self._arch.topk
        self._illegal = Signal()
        kinds = ((~now.heads, "tokens"), (now.heads, "heads"))
        counts, numbers = zip(*(self._alive(m, mine, name) for mine, name in kinds), strict=True)
        most = Mux(now.heads, min(self._arch.importance.max_heads, topk.max_tokens), topk.max_tokens)
        alive, given = (Mux(now.heads, heads, tokens) for tokens, heads in (counts, numbers))
        reasons = (
            (CascadeOp.CLEAR, now.n > most, Status.TOO_MANY), (CascadeOp.GROW, given + now.n > most, Status.GROW),
            (CascadeOp.ADD, ~now.heads & (now.n == 0), Status.NONE_OFFERED),
            (CascadeOp.PRUNE, alive == 0, Status.EMPTY_SET),
        )  # fmt: skip
        with m.Switch(now.op):
            for op, illegal, code in reasons:
                with m.Case(op):
                    m.d.comb += self._illegal.eq(illegal)
                    m.d.sync += self.status.payload.code.eq(code)
        return [*counts]

    def _tell(self, m: Module, engine: TopKEngine, told: Any, op: Signal, counts: list[Signal]) -> None:
        """Tell sums and numbers of tokens or of heads to do `op`, and the engine to select from what is READ."""
        now = self._command.o.p
        ours = (~now.heads, now.heads)
        numbered = (op == SumsOp.CLEAR) | (op == SumsOp.GROW) | (op == SumsOp.KEEP)
        parts = [part.command for part in (*self._sums, *self._ids)]
        fork(m, told, [*parts, engine.command], [*ours, *(mine & numbered for mine in ours), op == SumsOp.READ])
        for sink in parts:
            m.d.comb += [sink.p.op.eq(op), sink.p.n.eq(now.n), sink.p.pin.eq(now.pin)]

        m.d.comb += [engine.command.p.n.eq(Mux(now.heads, counts[1], counts[0])), engine.command.p.k.eq(now.k)]
        m.d.comb += engine.command.p.seed.eq(now.seed)

    def _alive(self, m: Module, mine: Any, name: str) -> tuple[Signal, Signal]:
        """Return how many of one kind are alive, and how many numbers have been given out."""
        now, bits = self._command.o.p, length_bits(self._arch.topk)
        count, given = Signal(bits, name=f"alive_{name}"), Signal(bits, name=f"given_{name}")
        done = Signal(name=f"done_{name}")
        m.d.comb += done.eq(mine & self._command.o.valid & self._command.o.ready & ~self._illegal)
        with m.If(done & (now.op == CascadeOp.CLEAR)):
            m.d.sync += [count.eq(now.n), given.eq(now.n)]
        with m.Elif(done & (now.op == CascadeOp.GROW)):
            m.d.sync += [count.eq(count + now.n), given.eq(given + now.n)]
        with m.Elif(done & (now.op == CascadeOp.PRUNE)):
            m.d.sync += count.eq(Mux(now.k < count, now.k, count))
        return count, given

    def _rank(self, m: Module, engine: TopKEngine) -> None:
        """Send the scores of whichever sums are read to the engine."""
        heads, (tokens, others) = self._command.o.p.heads, self._sums
        m.d.comb += engine.score.valid.eq(Mux(heads, others.o.valid, tokens.o.valid))
        m.d.comb += engine.score.payload.eq(Mux(heads, others.o.payload.as_value(), tokens.o.payload.as_value()))
        m.d.comb += [tokens.o.ready.eq(engine.score.ready & ~heads), others.o.ready.eq(engine.score.ready & heads)]

    def _keep(self, m: Module, kept: BlockQueue) -> None:
        """Send the kept positions to the sums and to the numbers that they are about."""
        heads = self._command.o.p.heads
        sinks = [part.keep for part in (*self._sums, *self._ids)]
        m.d.comb += [sink.payload.eq(kept.o.payload) for sink in sinks]
        fork(m, kept.o, sinks, [~heads, heads, ~heads, heads])

    def _leave(self, m: Module, fetched: BlockQueue) -> None:
        """Send the numbers out, and to the gather if their vectors are wanted."""
        now, (tokens, heads) = self._command.o.p, self._ids
        topk = self._arch.topk
        numbers = stream.Signature(packed_beat(topk.lanes, kept_id(topk))).create(path=("number",))
        m.d.comb += numbers.valid.eq(Mux(now.heads, heads.o.valid, tokens.o.valid))
        m.d.comb += numbers.payload.eq(Mux(now.heads, heads.o.payload.as_value(), tokens.o.payload.as_value()))
        m.d.comb += [tokens.o.ready.eq(numbers.ready & ~now.heads), heads.o.ready.eq(numbers.ready & now.heads)]
        with m.If(self._none):
            m.d.comb += [numbers.valid.eq(1), numbers.payload.as_value().eq(0), numbers.p.last.eq(1)]
        m.d.comb += self._left.eq(numbers.valid & numbers.ready & numbers.p.last)
        fork(m, numbers, [self.o, fetched.i], [Const(1, 1), now.fetch & ~now.heads])
        m.d.comb += self.o.payload.eq(numbers.payload)
        m.d.comb += [fetched.i.p.last.eq(numbers.p.last), fetched.i.p["count"].eq(numbers.p["count"])]
        for lane in range(topk.lanes):
            m.d.comb += fetched.i.p.items[lane].index.eq(numbers.p.items[lane].index)
