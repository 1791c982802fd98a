"""A memory of saturating sums: added to, compacted and read out as scores. What both importance accumulators are."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, Layout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.arch.status import Status
from tokensieve.rtl.beats import SumsOp, event, item, packed_beat, score_beat, status, sums_command
from tokensieve.rtl.compactor import Compactor
from tokensieve.rtl.meeting import low, meeting
from tokensieve.rtl.pipe import Stage
from tokensieve.rtl.zero_eliminator import BeatBuffer

_OPS: tuple[Any, ...] = (SumsOp.CLEAR, SumsOp.GROW, SumsOp.ADD, SumsOp.KEEP, SumsOp.READ)


@dataclass(frozen=True)
class Addition:
    """A line of addends on its way to its sums: line j holds sums j * lanes and following."""

    valid: Signal
    line: Signal
    count: Signal
    """Lanes that there are sums for."""

    addends: Sequence[Signal]
    """One per lane, 0 from `count` on."""


class Sums(wiring.Component, ABC):
    """Holds up to `capacity` sums in a memory and obeys `sums_command`.

    A word of the memory is as wide as the wider of a line (`lanes`) and a beat of scores (`topk.lanes`). It is never
    wiped: sums from `known` on read as zero, whatever is stored. Sums only grow, so the highest bit set in any of them,
    which the ranking shift follows from, is that of all written values OR-ed together.

    A command is judged in the first cycle in which it is held: then all before it have changed what is alive. An
    illegal one waits for what the legal one would wait for.
    """

    def __init__(
        self, topk: Topk, beats: Mapping[str, Layout], *, capacity: int, bits: int, lanes: int, addend_bits: int,
        stages: int,
    ) -> None:  # fmt: skip
        super().__init__(
            {
                "command": In(stream.Signature(sums_command(capacity))),
                **{name: In(stream.Signature(layout)) for name, layout in beats.items()},
                "keep": In(stream.Signature(packed_beat(topk.lanes, item(topk)))),
                "o": Out(stream.Signature(score_beat(topk))),
                "status": Out(event(status())),
            }
        )
        self._topk, self._capacity, self._bits = topk, capacity, bits
        self._lanes, self._addend_bits, self._stages = lanes, addend_bits, stages
        self._wide = max(lanes, topk.lanes)
        self._depth = max(2, -(-capacity // self._wide))

    @abstractmethod
    def _add(self, m: Module, active: Signal, n: Any, addition: Addition) -> Signal:
        """Take beats while an ADD of `n` is `active`, drive `addition`, and return when the last beat is taken.

        An illegal one adds nothing.
        """

    @abstractmethod
    def _refuse(self, m: Module, n: Any) -> Sequence[tuple[Any, Status]]:
        """Return the rules that an ADD of `n` may break, each with its code; the first one broken decides."""

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.command = command = Stage(sums_command(self._capacity))
        wiring.connect(m, wiring.flipped(self.command), command.i)
        now = self._now = command.o.p
        length = self._capacity.bit_length()
        self._alive = Signal(length)
        self._known = Signal(length)
        self._peak = Signal(self._bits)
        self._settled = Signal()
        self._illegal = Signal()
        active = {op: Signal(name=f"{op.name.lower()}_active") for op in _OPS}
        done = {op: self._settled for op in (SumsOp.CLEAR, SumsOp.GROW)}

        self._memory(m)
        self._fetch(m)
        done[SumsOp.READ] = self._read(m, active[SumsOp.READ])
        done[SumsOp.KEEP] = self._keep(m, active[SumsOp.KEEP])
        done[SumsOp.ADD] = self._adder(m, active[SumsOp.ADD])
        with m.Switch(now.op):
            for op in _OPS:
                with m.Case(op):
                    m.d.comb += [active[op].eq(command.o.valid), command.o.ready.eq(done[op])]
            with m.Default():
                m.d.comb += command.o.ready.eq(self._settled)
        with m.If(active[SumsOp.CLEAR] & self._settled & ~self._illegal):
            m.d.sync += [self._alive.eq(now.n), self._known.eq(0), self._peak.eq(0)]
        with m.If(active[SumsOp.GROW] & self._settled & ~self._illegal):
            m.d.sync += self._alive.eq(self._alive + now.n)
        self._judge(m)
        return m

    def _judge(self, m: Module) -> None:
        """Find out whether the command is illegal, and tell it in its first cycle."""
        now = self._now
        first = Signal()
        code = self.status.payload.code
        m.d.sync += first.eq(self.command.valid & self.command.ready)
        m.d.comb += self.status.valid.eq(first & self._illegal)
        with m.Switch(now.op):
            with m.Case(SumsOp.CLEAR):
                m.d.comb += [self._illegal.eq(now.n > self._capacity), code.eq(Status.TOO_MANY)]
            with m.Case(SumsOp.GROW):
                m.d.comb += [self._illegal.eq(self._alive + now.n > self._capacity), code.eq(Status.GROW)]
            with m.Case(SumsOp.ADD):
                for illegal, its in reversed(self._refuse(m, now.n)):
                    with m.If(illegal):
                        m.d.comb += [self._illegal.eq(1), code.eq(its)]
            with m.Case(SumsOp.KEEP, SumsOp.READ):
                m.d.comb += self._illegal.eq(0)
            with m.Default():
                m.d.comb += [self._illegal.eq(1), code.eq(Status.UNKNOWN)]

    def _memory(self, m: Module) -> None:
        """Add the memory. What is written is also what a read in the same cycle gets."""
        words = ArrayLayout(unsigned(self._bits), self._wide)
        m.submodules.sums = memory = Memory(shape=words, depth=self._depth, init=[])
        self._write_port = memory.write_port(granularity=1)
        self._read_port = memory.read_port(transparent_for=(self._write_port,))
        m.d.comb += self._read_port.en.eq(0)  # it is 1 unless driven
        first = Cat(Const(0, _log2(self._wide)), self._read_port.addr)
        known = Signal(self._wide)  # lanes of the word that was read
        with m.If(self._read_port.en):
            m.d.sync += [known[lane].eq((first | lane) < self._known) for lane in range(self._wide)]
        self._words = [Signal(self._bits, name=f"word_{lane}") for lane in range(self._wide)]
        for lane, word in enumerate(self._words):
            m.d.comb += word.eq(Mux(known[lane], self._read_port.data[lane], 0))

    def _chosen(self, m: Module, name: str, lanes: int, part: Any) -> list[Signal]:
        """Return part number `part`, of `lanes` sums, of the memory's word that was read."""
        chosen = [Signal(self._bits, name=f"{name}_{lane}") for lane in range(lanes)]
        with m.Switch(part):
            for number in range(self._wide // lanes):
                with m.Case(number):
                    m.d.comb += [value.eq(self._words[number * lanes + lane]) for lane, value in enumerate(chosen)]
        return chosen

    def _store(self, m: Module, lanes: int, place: Any, sums: Sequence[Any], moves: Any) -> None:
        """Write `sums` where `moves`; `place` counts parts of `lanes` sums."""
        bits = _log2(self._wide // lanes)
        with m.If(moves):
            m.d.comb += self._write_port.addr.eq(place >> bits)
            m.d.comb += self._write_port.en.eq(((1 << lanes) - 1) << (low(place, bits) * lanes))
            m.d.comb += [self._write_port.data[lane].eq(sums[lane % lanes]) for lane in range(self._wide)]

    # Adding: read, add, write.

    def _adder(self, m: Module, active: Signal) -> Signal:
        """Add the pipeline behind `_add`; return when an ADD has taken its last beat."""
        addition = self._addition("first")
        done = self._add(m, active, self._now.n, addition)
        valids = []
        for number in range(self._stages - 2):
            addition = self._register(m, addition, f"delay{number}")
            valids.append(addition.valid)
        read = self._register(m, addition, "read")
        sums, end = self._sums(m, read), read
        if self._stages > 1:
            held = [Signal(self._bits, name=f"sum_{lane}", reset_less=True) for lane in range(self._lanes)]
            self._bypass(m, addition, read, sums[0], held)
            m.d.sync += [value.eq(total) for value, total in zip(held, sums[1], strict=True)]
            end = self._register(m, read, "added")
            valids.append(end.valid)
        else:
            held = sums[1]
            self._bypass(m, addition, read, sums[0], None)
        self._issue(m, addition)
        self._store(m, self._lanes, end.line, held, end.valid)
        with m.If(end.valid):
            m.d.sync += self._peak.eq(self._peak | _any_bit(held))
        m.d.comb += self._settled.eq(~Cat(read.valid, *valids).any())
        return done

    def _addition(self, name: str) -> Addition:
        line_bits = max(1, (-(-self._capacity // self._lanes) - 1).bit_length())
        return Addition(
            Signal(name=f"{name}_valid"),
            Signal(line_bits, name=f"{name}_line"),
            Signal(self._lanes.bit_length(), name=f"{name}_count"),
            [Signal(self._addend_bits, name=f"{name}_addend_{lane}") for lane in range(self._lanes)],
        )

    def _register(self, m: Module, before: Addition, name: str) -> Addition:
        after = self._addition(name)
        m.d.sync += [after.valid.eq(before.valid), after.line.eq(before.line), after.count.eq(before.count)]
        m.d.sync += [new.eq(old) for new, old in zip(after.addends, before.addends, strict=True)]
        return after

    def _issue(self, m: Module, addition: Addition) -> None:
        """Read the sums that are to be added to; from now on they are known."""
        end = Signal(self._capacity.bit_length() + 1)
        m.d.comb += end.eq(addition.line * self._lanes + addition.count)
        with m.If(addition.valid):
            m.d.comb += self._read_port.addr.eq(addition.line >> _log2(self._wide // self._lanes))
            m.d.comb += self._read_port.en.eq(1)
            with m.If(end > self._known):
                m.d.sync += self._known.eq(end)

    def _sums(self, m: Module, read: Addition) -> tuple[list[Signal], list[Signal]]:
        """Return the old sums, still to be driven, and the new ones, saturated."""
        old = [Signal(self._bits, name=f"old_{lane}") for lane in range(self._lanes)]
        new = [Signal(self._bits, name=f"new_{lane}") for lane in range(self._lanes)]
        most = (1 << self._bits) - 1
        for before, after, addend in zip(old, new, read.addends, strict=True):
            total = Signal(max(self._bits, self._addend_bits) + 1, name=f"{after.name}_total")
            m.d.comb += total.eq(before + addend)
            m.d.comb += after.eq(Mux(total > most, most, total))
        return old, new

    def _bypass(
        self, m: Module, addition: Addition, read: Addition, old: Sequence[Signal], held: Sequence[Signal] | None
    ) -> None:
        """Drive the old sums: from memory, or, if the line before added to the same ones, what it made of them."""
        bits = _log2(self._wide // self._lanes)
        stored = self._chosen(m, "stored", self._lanes, low(read.line, bits))
        m.d.comb += [value.eq(word) for value, word in zip(old, stored, strict=True)]
        if held is not None:
            again = Signal()
            m.d.sync += again.eq(read.valid & (read.line == addition.line))
            with m.If(again):
                m.d.comb += [value.eq(total) for value, total in zip(old, held, strict=True)]

    # Reading beats of `topk.lanes`, for ranking and for compaction.

    def _fetch(self, m: Module) -> None:
        """Add the counter of beats and what is known of the beat that was read."""
        lanes = self._topk.lanes
        beats = -(-self._capacity // lanes)
        self._row = Signal((max(beats, 2) - 1).bit_length())
        self._spent = Signal()
        self._go = Signal()  # read the beat, and it is the last
        self._end = Signal()
        part = Signal(max(1, _log2(self._wide // lanes)))
        with m.If(self._go):
            m.d.comb += self._read_port.addr.eq(self._row >> _log2(self._wide // lanes))
            m.d.comb += self._read_port.en.eq(1)
            m.d.sync += part.eq(low(self._row, _log2(self._wide // lanes)))
            m.d.sync += self._spent.eq(self._end)
        self._fetched = self._chosen(m, "fetched", lanes, part)

    def _rewind(self, m: Module, done: Signal) -> None:
        with m.If(done):
            m.d.sync += [self._row.eq(0), self._spent.eq(0)]

    def _read(self, m: Module, active: Signal) -> Signal:
        """Read all beats and send them as scores; return when the last has left the memory."""
        m.submodules.scores = scores = Stage(score_beat(self._topk))
        wiring.connect(m, scores.o, wiring.flipped(self.o))
        free = Signal()
        last = Signal()
        done = Signal()
        rows = Signal.like(self._alive)
        m.d.comb += free.eq(~scores.i.valid | scores.i.ready)
        m.d.comb += rows.eq((self._alive + self._topk.lanes - 1) >> _log2(self._topk.lanes))
        valid = Signal(name="fetched_valid")
        m.d.comb += scores.i.valid.eq(valid)
        with m.If(active & self._settled & ~self._spent & (rows != 0) & free):
            m.d.comb += [self._go.eq(1), self._end.eq(self._row + 1 == rows)]
            m.d.sync += self._row.eq(self._row + 1)
        with m.If(free):
            m.d.sync += [valid.eq(active & self._go), last.eq(self._end)]
        leaves = valid & last & scores.i.ready
        m.d.comb += done.eq(active & self._settled & ((rows == 0) | leaves))
        self._rewind(m, done)
        self._rank(m, scores.i.p.scores, last)
        return done

    def _rank(self, m: Module, scores: Any, last: Signal) -> None:
        """Shift the beat that was read to scores, and put the newest in front if it is pinned."""
        bits, lanes = self._topk.score_bits, self._topk.lanes
        shift = Signal(range(max(2, self._bits - bits + 1)))
        m.d.sync += shift.eq(0)
        for number in range(bits, self._bits):
            with m.If(self._peak[number]):
                m.d.sync += shift.eq(number - bits + 1)
        top = (1 << bits) - 1
        newest = Signal(max(1, _log2(lanes)))
        m.d.comb += newest.eq(self._alive - 1)
        for lane, value in enumerate(self._fetched):
            score = Signal(bits, name=f"score_{lane}")
            m.d.comb += [score.eq(value >> shift), scores[lane].eq(score)]
            with m.If(self._now.pin & last & ((newest == lane) | (lanes == 1))):
                m.d.comb += scores[lane].eq(top)
            with m.Elif(self._now.pin & (score == top)):
                m.d.comb += scores[lane].eq(top - 1)

    # Compacting.

    def _keep(self, m: Module, active: Signal) -> Signal:
        """Read the beats that ids point into, compact them and write them back; return when the last is written.

        A beat of sums meets a beat of ids each cycle. Then either the ids are used up, or the rest of them lie in beats
        to come.
        """
        lanes, word = self._topk.lanes, unsigned(self._bits)
        m.submodules.compactor = compactor = Compactor(lanes, word, self._topk.compactor_stages)
        m.submodules.rows = beats = BeatBuffer(lanes, word)
        wiring.connect(m, compactor.o, beats.i)
        mask, past = meeting(m, self._topk, self.keep.p, self._row)
        with m.If(active & self._settled & ~self._spent & self.keep.valid):
            m.d.comb += [self._go.eq(1), self._end.eq(~past & self.keep.p.last), self.keep.ready.eq(~past)]
            m.d.sync += self._row.eq(self._row + past)
        m.d.sync += [compactor.i.valid.eq(active & self._go), compactor.i.p.last.eq(self._end)]
        m.d.sync += compactor.i.p.mask.eq(mask)
        m.d.comb += [compactor.i.p.items[lane].eq(value) for lane, value in enumerate(self._fetched)]
        done = Signal()
        m.d.comb += [beats.o.ready.eq(1), done.eq(beats.o.valid & beats.o.p.last)]
        self._rewind(m, done)
        self._write_back(m, beats, done)
        return done

    def _write_back(self, m: Module, beats: BeatBuffer, done: Signal) -> None:
        """Write compacted beats from the start; at the end they are what is alive."""
        lanes = self._topk.lanes
        kept = Signal.like(self._alive)
        items = [Mux(beats.o.p.count > lane, beats.o.p.items[lane], 0) for lane in range(lanes)]
        self._store(m, lanes, kept >> _log2(lanes), items, beats.o.valid)
        peak = Signal(self._bits)
        all_bits = Signal(self._bits)
        m.d.comb += all_bits.eq(peak | _any_bit(items))
        with m.If(beats.o.valid):
            m.d.sync += [kept.eq(kept + beats.o.p.count), peak.eq(all_bits)]
        with m.If(done):
            m.d.sync += [self._alive.eq(kept + beats.o.p.count), self._known.eq(kept + beats.o.p.count)]
            m.d.sync += [self._peak.eq(all_bits), kept.eq(0), peak.eq(0)]


def _log2(lanes: int) -> int:
    return lanes.bit_length() - 1


def _any_bit(values: Sequence[Any]) -> Any:
    """Return all `values` OR-ed together."""
    whole = values[0]
    for value in values[1:]:
        whole = whole | value
    return whole
