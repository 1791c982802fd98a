"""Scores of tokens out of their embeddings: sums of squares."""

from functools import partial
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.rtl.beats import embedding, lane_count_bits, offered_token, packed_beat, token
from tokensieve.rtl.pipe import Step, chain
from tokensieve.rtl.primitives.multiplier import Multiplier
from tokensieve.rtl.queue import BlockQueue
from tokensieve.rtl.sequence_gate import rested

_MARKS = StructLayout({"begins": unsigned(1), "ends": unsigned(1), "row": unsigned(1)})
"""Of a beat of an embedding: its token's first one, its last one, the last one of the last token of a beat."""


def awaited(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a beat's number of tokens, and for how many embeddings' time it is waited for."""
    bits = lane_count_bits(pruner.lanes)
    return StructLayout({"count": unsigned(bits), "slots": unsigned(bits)})


class NormFront(wiring.Component):
    """Gives each token a score: the squares of its embedding's elements, signed bytes, added up and shifted.

    A score saturates. Tokens wait for their embeddings, and leave a beat at a time.

    Timing
    ------
    Two sequences begin ``law.interval`` cycles apart or more. An embedding is taken from the second cycle after its
    token on. A beat leaves ``norm_stages`` cycles after the last embedding of its tokens has come. A sequence's first
    beat takes the time of `first_slots` embeddings, whether it has as many tokens or not.

    Parameters
    ----------
    pruner : `FixedLengthPruner`
        Lanes, longest sequence, embeddings and scores.

    Members
    -------
    i : ``In(stream.Signature(packed_beat(pruner.lanes, offered_token(pruner))))``
        Sequences: full beats, and a last one with `last`.
    e : ``In(stream.Signature(embedding(pruner)))``
        Embeddings of all tokens, in their order. The lowest byte of a beat is the first element.
    o : ``Out(stream.Signature(packed_beat(pruner.lanes, token(pruner))))``
        The sequences, with scores.
    """

    def __init__(self, pruner: FixedLengthPruner) -> None:
        super().__init__(
            {
                "i": In(stream.Signature(packed_beat(pruner.lanes, offered_token(pruner)))),
                "e": In(stream.Signature(embedding(pruner))),
                "o": Out(stream.Signature(packed_beat(pruner.lanes, token(pruner)))),
            }
        )
        self._pruner = pruner

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        pruner = self._pruner
        # Behind the queue that says how many embeddings are awaited, tokens are in the registers and on the output.
        depth = pruner.law.ahead_beats + pruner.norm_stages + 2
        m.submodules.rows = rows = BlockQueue(awaited(pruner), pruner.law.ahead_beats)
        m.submodules.tokens = tokens = BlockQueue(packed_beat(pruner.lanes, offered_token(pruner)), depth)
        self._enter(m, rows, tokens)
        end, scores = self._score(m, self._come(m, rows.o))
        m.d.comb += [self.o.valid.eq(end.valid & end.p.row), end.ready.eq(self.o.ready | ~end.p.row)]
        m.d.comb += tokens.o.ready.eq(self.o.valid & self.o.ready)
        m.d.comb += [self.o.p["count"].eq(tokens.o.p["count"]), self.o.p.last.eq(tokens.o.p.last)]
        for lane, score in enumerate(scores):
            m.d.comb += [self.o.p.items[lane].id.eq(tokens.o.p.items[lane].id), self.o.p.items[lane].score.eq(score)]
        return m

    def _enter(self, m: Module, rows: BlockQueue, tokens: BlockQueue) -> None:
        """Put each beat into both queues; there is room in the second one if there is in the first."""
        pruner, i = self._pruner, self.i
        first = Signal(init=1)
        moves = Signal()
        count = Signal(lane_count_bits(pruner.lanes))
        over = rested(m, pruner.law.interval, moves & first, Const(pruner.law.interval), Const(1))
        m.d.comb += [i.ready.eq(rows.i.ready & (over | ~first)), moves.eq(i.valid & i.ready)]
        m.d.comb += count.eq(Mux(i.p.last, i.p["count"], pruner.lanes))
        m.d.comb += rows.i.p["count"].eq(count)
        m.d.comb += rows.i.p.slots.eq(Mux(first & (count < pruner.first_slots), pruner.first_slots, count))
        m.d.comb += [rows.i.valid.eq(moves), tokens.i.valid.eq(moves), tokens.i.payload.eq(i.payload)]
        with m.If(moves):
            m.d.sync += first.eq(i.p.last)

    def _come(self, m: Module, rows: Any) -> Any:
        """Take the embeddings of a beat's tokens one by one; return a stream of their marks, and of what is awaited."""
        pruner, e = self._pruner, self.e
        lane = Signal(max(1, (pruner.lanes - 1).bit_length()))
        beat = Signal(max(1, (pruner.embedding_beats - 1).bit_length()))
        there = Signal()
        marks = stream.Signature(_MARKS).create(path=("marks",))
        m.d.comb += there.eq(lane < rows.p["count"])
        m.d.comb += marks.valid.eq(rows.valid & (e.valid | ~there))
        m.d.comb += e.ready.eq(rows.valid & there & marks.ready)
        m.d.comb += [marks.p.begins.eq(beat == 0), marks.p.ends.eq(beat == pruner.embedding_beats - 1)]
        m.d.comb += marks.p.row.eq(marks.p.ends & (lane + 1 == rows.p.slots))
        m.d.comb += rows.ready.eq(marks.valid & marks.ready & marks.p.row)
        with m.If(marks.valid & marks.ready):
            m.d.sync += beat.eq(Mux(marks.p.ends, 0, beat + 1))
            with m.If(marks.p.ends):
                m.d.sync += lane.eq(Mux(marks.p.row, 0, lane + 1))
        return marks

    def _score(self, m: Module, marks: Any) -> tuple[Any, list[Signal]]:
        """Add up the squares of what comes with the marks; return the end of them, and the scores up to there."""
        pruner = self._pruner
        size, layers = pruner.embedding_bits // 8, (pruner.embedding_bits // 8 - 1).bit_length()
        squares = [self._square(m, number, marks.ready) for number in range(size)]
        total = Signal(pruner.norm_bits, reset_less=True)
        scores = [Signal(pruner.score_bits, name=f"score{lane}", reset_less=True) for lane in range(pruner.lanes)]
        beat = _tree(m, squares, marks.ready)
        steps: list[tuple[StructLayout, Step]] = [(_MARKS, _keep)] * (2 + layers)
        steps += [(_MARKS, partial(_add, total, beat)), (_MARKS, partial(self._write, total, scores))]
        return chain(m, "way", marks, steps), scores

    def _square(self, m: Module, number: int, moves: Any) -> Any:
        """Return the square of an element of the embedding, two registers behind it."""
        m.submodules[f"square{number}"] = square = Multiplier(8, is_signed=True)
        element = self.e.p.data.word_select(number, 8).as_signed()
        m.d.comb += [square.en.eq(moves), square.a.eq(element), square.b.eq(element)]
        return square.o[:15]

    def _write(self, total: Signal, scores: list[Signal], m: Module, before: Any, after: Any, moves: Signal) -> None:
        """Write a token's score down when all its embedding has been added up."""
        pruner = self._pruner
        place = Signal(max(1, (pruner.lanes - 1).bit_length()))
        top = (1 << pruner.score_bits) - 1
        score = Signal(pruner.score_bits)
        high = total >> pruner.norm_drop
        m.d.comb += [after.eq(before), score.eq(Mux(high > top, top, high))]
        with m.If(moves & before.ends):
            m.d.sync += place.eq(Mux(before.row, 0, place + 1))
            for lane, one in enumerate(scores):
                with m.If(place == lane):
                    m.d.sync += one.eq(score)


def _keep(m: Module, before: Any, after: Any, moves: Signal) -> None:
    m.d.comb += after.eq(before)


def _tree(m: Module, numbers: list[Any], moves: Any) -> Any:
    """Return the sum of the numbers, with a register behind each layer of adders that has two inputs."""
    for layer in range((len(numbers) - 1).bit_length()):
        sums = []
        for number in range(0, len(numbers), 2):
            one = Signal(len(numbers[number]) + 1, name=f"sum{layer}_{number // 2}", reset_less=True)
            with m.If(moves):
                m.d.sync += one.eq(numbers[number] + numbers[number + 1])
            sums.append(one)
        numbers = sums
    return numbers[0]


def _add(total: Signal, beat: Any, m: Module, before: Any, after: Any, moves: Signal) -> None:
    m.d.comb += after.eq(before)
    with m.If(moves):
        m.d.sync += total.eq(Mux(before.begins, 0, total) + beat)
