"""Importance of tokens and of heads (paper III-A, III-B): sums that are added to, pruned and read out for ranking.

Both accumulators are told what to do, one thing after another, by a stream of commands (`beats.SumsOp`):

* CLEAR: from now on `n` sums are alive, all of them zero.
* GROW: `n` more, zero, join at the end.
* ADD: beats to add follow on ``probability`` or ``output``.
* KEEP: the ids of the sums to keep follow on ``keep``, as positions among the alive, ascending: what the top-k engine
  puts out. Afterwards the kept ones alone are alive, in their order, counted from 0.
* READ: the alive sums leave on ``o`` as beats of scores, ready for the top-k engine: shifted right by the
  smallest amount that makes the largest alive sum fit `topk.score_bits`. With `pin` the last alive one is given all
  ones, and the others are at most one less: it is the newest token, which always stays.

Nothing need be alive for a READ, which then gives no beat, or for a KEEP, whose ids then are an empty beat. A command
that cannot be obeyed changes nothing, and ``status`` tells why (`arch.status`); what it announces is dropped.
"""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed, unsigned
from amaranth.lib import stream

from tokensieve.arch.machine import Arch
from tokensieve.arch.status import Status
from tokensieve.rtl.beats import packed_beat
from tokensieve.rtl.sums import Addition, Sums


class ImportanceAccumulator(Sums):
    """Adds probabilities to the importance of the alive tokens.

    Element i of a query's packet belongs to the i-th alive token. Sums saturate at all ones.

    Timing
    ------
    Obeys ``arch.importance.law(arch.topk)``: `importance.lanes` probabilities a cycle, without a gap between beats,
    queries and ADDs, also where the same sums are added to in successive cycles. The next command is taken in the last
    cycle of the one before. A READ, KEEP, CLEAR or GROW begins when what was added before it is in the memory,
    `importance.stages` cycles later. The first scores of a READ stand on ``o`` 2 cycles after it began, then a beat a
    cycle; it ends when the last beat has left the memory, a cycle after that was read. A KEEP holds one beat of ids
    against one beat of sums a cycle and ends with the last beat written, whatever is kept.

    Parameters
    ----------
    arch : `Arch`
        `importance` for lanes, width and registers; `topk` for the beats of scores and ids and for the number of
        tokens; `softmax.probability_bits`.

    Members
    -------
    command : ``In(stream.Signature(sums_command(topk.max_tokens)))``
        One step. CLEAR: `n` sums are alive from now on, all zero. GROW: `n` more, zero, join at the end. ADD:
        the packets of `n` queries follow on ``probability``, 1 or more. KEEP: the
        positions of the sums that stay follow on ``keep``, which are then counted from 0 again; `n` is ignored. READ:
        the alive sums leave on ``o``, shifted right by as little as makes the largest fit a score; `n` is ignored. With
        `pin`, which READ alone looks at, the last alive sum reads as all ones and the others as one less at most.
    probability : ``In(stream.Signature(packed_beat(importance.lanes, unsigned(softmax.probability_bits))))``
        Packets of ADD, one for each query, ended by `last`: item i is added to the i-th alive sum. Beats are full, a
        packet's last one excepted. Lanes from `count` on are ignored.
    keep : ``In(stream.Signature(packed_beat(topk.lanes, item(topk))))``
        Packets of KEEP, ended by `last`: positions among the alive sums (`index`, from 0 on), ascending. The scores are
        not looked at. Beats are full except for the last one, which is empty only where none stays.
    o : ``Out(stream.Signature(score_beat(topk)))``
        Scores of READ, ceil(alive / topk.lanes) beats; lanes beyond the last alive token are 0.
    status : ``Out(event(status()))``
        In the cycle after an illegal command is taken: 1 for an ADD of no query, 2 for a CLEAR of more than
        `topk.max_tokens`, 3 for an ADD where none is alive, 5 for a GROW to more than `topk.max_tokens`, 6 for an
        operation that there is not. The queries of an illegal ADD are dropped.
    """

    def __init__(self, arch: Arch) -> None:
        unit, bits = arch.importance, arch.softmax.probability_bits
        beat = packed_beat(unit.lanes, unsigned(bits))
        super().__init__(
            arch.topk, {"probability": beat}, capacity=arch.topk.max_tokens, bits=unit.token_bits, lanes=unit.lanes,
            addend_bits=bits, stages=unit.stages,
        )  # fmt: skip

    def _add(self, m: Module, active: Signal, n: Any, addition: Addition) -> Signal:
        """Give each lane its own sum: the line counts up with every beat of a query."""
        beats: stream.Interface = self.probability
        line = Signal.like(addition.line)
        query = Signal.like(n)
        done = Signal()
        moves = Signal()
        none = Signal()
        m.d.comb += [none.eq(n == 0), beats.ready.eq(active & ~none), moves.eq(beats.ready & beats.valid)]
        m.d.comb += [addition.valid.eq(moves & ~self._illegal), addition.line.eq(line)]
        m.d.comb += addition.count.eq(beats.p.count)
        for lane, addend in enumerate(addition.addends):
            m.d.comb += addend.eq(Mux(beats.p.count > lane, beats.p.items[lane], 0))
        with m.If(moves):
            m.d.sync += line.eq(line + 1)
            with m.If(beats.p.last):
                m.d.sync += [line.eq(0), query.eq(query + 1)]
        m.d.comb += done.eq(Mux(none, self._settled, moves & beats.p.last & (query + 1 == n)))
        with m.If(done):
            m.d.sync += query.eq(0)
        return done

    def _refuse(self, m: Module, n: Any) -> Sequence[tuple[Any, Status]]:
        """Return that there are queries, and tokens that they are about."""
        return ((n == 0, Status.NONE_OFFERED), (self._alive == 0, Status.EMPTY_SET))


class HeadAccumulator(Sums):
    """Adds the magnitudes of attention outputs to the importance of their head.

    Sums saturate at all ones. -2^(output_bits-1) counts as 2^(output_bits-1).

    Timing
    ------
    That of `ImportanceAccumulator`, with `importance.lanes` elements of the output a cycle.

    Parameters
    ----------
    arch : `Arch`
        `importance` for lanes, width, registers and number of heads; `topk` for the beats of scores and ids;
        `number.output_bits`.

    Members
    -------
    command : ``In(stream.Signature(sums_command(importance.max_heads)))``
        One step. CLEAR: `n` sums are alive from now on, all zero. GROW: `n` more, zero, join at the end. ADD:
        one packet follows on ``output``; `n` is the position of its head among the alive ones, from 0 on, and below
        their number. After a CLEAR or GROW the new heads must first be added to in ascending order, none left out
        before another; what is not so is illegal. KEEP: the
        positions of the sums that stay follow on ``keep``, which are then counted from 0 again; `n` is ignored. READ:
        the alive sums leave on ``o``, shifted right by as little as makes the largest fit a score; `n` is ignored. With
        `pin`, which READ alone looks at, the last alive sum reads as all ones and the others as one less at most.
    output : ``In(stream.Signature(packed_beat(importance.lanes, signed(number.output_bits))))``
        Packets of ADD, one for each, ended by `last`: outputs of the head, of one or more queries, whose magnitudes are
        added up. Lanes from `count` on are ignored.
    keep : ``In(stream.Signature(packed_beat(topk.lanes, item(topk))))``
        Packets of KEEP, ended by `last`: positions among the alive sums (`index`, from 0 on), ascending. The scores are
        not looked at. Beats are full except for the last one, which is empty only where none stays.
    o : ``Out(stream.Signature(score_beat(topk)))``
        Scores of READ, ceil(alive / topk.lanes) beats; lanes beyond the last alive head are 0.
    status : ``Out(event(status()))``
        In the cycle after an illegal command is taken: 2 for a CLEAR of more than `importance.max_heads` and for an ADD
        to a head that is not alive or stands behind one that was never added to, 5 for a GROW to more than
        `importance.max_heads`, 6 for an operation that there is not. The outputs of an illegal ADD are dropped.
    """

    def __init__(self, arch: Arch) -> None:
        unit, bits = arch.importance, arch.number.output_bits
        self._lanes_in = unit.lanes
        beat = packed_beat(unit.lanes, signed(bits))
        super().__init__(
            arch.topk, {"output": beat}, capacity=unit.max_heads, bits=unit.head_bits, lanes=1,
            addend_bits=bits + (unit.lanes - 1).bit_length(), stages=unit.stages,
        )  # fmt: skip

    def _add(self, m: Module, active: Signal, n: Any, addition: Addition) -> Signal:
        """Add a beat's magnitudes up and give them to the one sum of the command."""
        beats: stream.Interface = self.output
        done = Signal()
        m.d.comb += [beats.ready.eq(active), addition.valid.eq(active & beats.valid & ~self._illegal)]
        m.d.comb += [addition.line.eq(n), addition.count.eq(1)]
        sizes = []
        for lane in range(self._lanes_in):
            size = Signal(beats.p.items[lane].shape().width, name=f"size_{lane}")
            m.d.comb += size.eq(Mux(beats.p.count > lane, abs(beats.p.items[lane]), 0))
            sizes.append(size)
        m.d.comb += addition.addends[0].eq(_tree(sizes))
        m.d.comb += done.eq(active & beats.valid & beats.p.last)
        self._count(m, n, addition.valid)
        return done

    def _count(self, m: Module, n: Any, adds: Signal) -> None:
        """Count the heads that were added to, those on their way to the memory among them."""
        self._begun = Signal.like(self._known)
        latest = Signal.like(self._known)
        m.d.comb += self._begun.eq(Mux(self._settled, self._known, latest))
        with m.If(adds & (n == self._begun)):
            m.d.sync += latest.eq(n + 1)
        with m.Elif(self._settled):
            m.d.sync += latest.eq(self._known)

    def _refuse(self, m: Module, n: Any) -> Sequence[tuple[Any, Status]]:
        """Return that the head is alive, and that none before it was never added to."""
        return ((n >= self._alive, Status.TOO_MANY), (n > self._begun, Status.TOO_MANY))


def _tree(terms: list[Any]) -> Any:
    """Return the sum of `terms`, added in pairs."""
    while len(terms) > 1:
        terms = [left + right for left, right in zip(terms[::2], terms[1::2], strict=True)]
    return terms[0]
