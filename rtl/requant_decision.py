"""The decision of progressive quantization: is a row's largest probability below the threshold? (paper III-D)"""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, Layout, StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.machine import Arch
from tokensieve.arch.status import Status
from tokensieve.rtl.beats import decision, decision_command, event, packed_beat, status
from tokensieve.rtl.pipe import Stage, Step, chain


class RequantDecision(wiring.Component):
    """Finds the largest probability of each row and asks for the row's LSBs if it is below the threshold.

    A row without a probability has 0 as its largest. Rows do not wait here: whoever sends them keeps them until the
    decision is known. A command for no row is illegal: it is dropped, and ``status`` tells.

    Timing
    ------
    Obeys ``arch.requant.law(arch.softmax)``: one beat per cycle, and the decision stands on ``o``
    `requant.tree_stages` + 1 cycles after the transfer of the row's last beat. The next command is taken with the last
    beat of the one before. While ``o`` is stalled, beats are taken until the last one of the next row has come to the
    end of the tree.

    Parameters
    ----------
    arch : `Arch`
        `softmax` for lanes and width of a probability, `requant` for the registers.

    Members
    -------
    command : ``In(stream.Signature(decision_command(arch)))``
        `threshold`, and for how many rows (`rows`) it holds, 1 or more. From 2^softmax.probability_bits on, all rows
        are below it.
    probability : ``In(stream.Signature(packed_beat(softmax.lanes, unsigned(softmax.probability_bits))))``
        The probabilities of a row, in any number of beats; `last` ends a row. Lanes from `count` on are ignored.
    o : ``Out(stream.Signature(decision(arch)))``
        One decision per row, in order: the largest probability (`max`), and `refetch` where it is below the threshold.
    status : ``Out(event(status()))``
        In the cycle after an illegal command is taken: 1, for no row.
    """

    def __init__(self, arch: Arch) -> None:
        beat = packed_beat(arch.softmax.lanes, unsigned(arch.softmax.probability_bits))
        super().__init__(
            {
                "command": In(stream.Signature(decision_command(arch))),
                "probability": In(stream.Signature(beat)),
                "o": Out(stream.Signature(decision(arch))),
                "status": Out(event(status())),
            }
        )
        self._arch, self._lanes, self._bits = arch, arch.softmax.lanes, arch.softmax.probability_bits

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.command = command = Stage(decision_command(self._arch))
        self._judge(m, command.i)
        self._decide(m, self._tree(m, self._joined(m, command.o)))
        return m

    def _judge(self, m: Module, legal: stream.Interface) -> None:
        """Let commands pass; drop one without rows and raise `status`."""
        none = Signal()
        m.d.comb += [none.eq(self.command.p.rows == 0), legal.payload.eq(self.command.payload)]
        m.d.comb += [legal.valid.eq(self.command.valid & ~none), self.command.ready.eq(legal.ready)]
        m.d.comb += self.status.payload.code.eq(Status.NONE_OFFERED)
        m.d.sync += self.status.valid.eq(self.command.valid & self.command.ready & none)

    def _values(self, lanes: int) -> StructLayout:
        """Return a beat in the tree: the larger ones so far, and what the decision needs besides."""
        return StructLayout(
            {
                "values": ArrayLayout(unsigned(self._bits), lanes),
                "threshold": unsigned(self._bits + 1),
                "last": unsigned(1),
            }
        )

    def _joined(self, m: Module, command: stream.Interface) -> stream.Interface:
        """Return the beats with their threshold; lanes that do not count are 0."""
        beats = stream.Signature(self._values(self._lanes)).create(path=("joined",))
        rows = Signal.like(command.p.rows)
        moves = Signal()
        m.d.comb += [beats.valid.eq(self.probability.valid & command.valid), moves.eq(beats.valid & beats.ready)]
        m.d.comb += self.probability.ready.eq(beats.ready & command.valid)
        m.d.comb += [beats.p.threshold.eq(command.p.threshold), beats.p.last.eq(self.probability.p.last)]
        for lane in range(self._lanes):
            value = self.probability.p.items[lane]
            m.d.comb += beats.p.values[lane].eq(Mux(self.probability.p.count > lane, value, 0))
        m.d.comb += command.ready.eq(moves & beats.p.last & (rows + 1 == command.p.rows))
        with m.If(moves & beats.p.last):
            m.d.sync += rows.eq(rows + 1)
        with m.If(command.ready):
            m.d.sync += rows.eq(0)
        return beats

    def _tree(self, m: Module, beats: stream.Interface) -> stream.Interface:
        """Add the comparators of the tree, spread over its registers; return beats of a single value."""
        layers, stages = (self._lanes - 1).bit_length(), self._arch.requant.tree_stages
        if stages == 0:
            end = stream.Signature(self._values(1)).create(path=("largest",))
            self._level(layers)(m, beats.p, end.p, end.valid)
            m.d.comb += [end.valid.eq(beats.valid), beats.ready.eq(end.ready)]
            return end
        steps: list[tuple[Layout, Step]] = []
        lanes = self._lanes
        for number in range(stages):
            group = layers * (number + 1) // stages - layers * number // stages
            lanes >>= group
            steps.append((self._values(lanes), self._level(group)))
        found: stream.Interface = chain(m, "tree", beats, steps)
        return found

    def _level(self, layers: int) -> Step:
        """Return the step that compares neighbours, `layers` times over."""

        def step(m: Module, before: Any, after: Any, moves: Signal) -> None:
            values = [before.values[lane] for lane in range(before.values.shape().length)]
            for _ in range(layers):
                values = [Mux(right > left, right, left) for left, right in zip(values[::2], values[1::2], strict=True)]
            m.d.comb += [after.values[lane].eq(value) for lane, value in enumerate(values)]
            m.d.comb += [after.threshold.eq(before.threshold), after.last.eq(before.last)]

        return step

    def _decide(self, m: Module, beats: stream.Interface) -> None:
        """Hold the largest of the row so far; with the last beat, decide."""
        value = beats.p.values[0]
        best = Signal(self._bits)
        free = Signal()
        largest = Signal(self._bits)
        m.d.comb += largest.eq(Mux(value > best, value, best))
        m.d.comb += [free.eq(~self.o.valid | self.o.ready), beats.ready.eq(free | ~beats.p.last)]
        with m.If(beats.valid & beats.ready):
            m.d.sync += best.eq(Mux(beats.p.last, 0, largest))
        with m.If(free):
            below = (value < beats.p.threshold) & (best < beats.p.threshold)  # both at once, not one after the other
            m.d.sync += self.o.valid.eq(beats.valid & beats.p.last)
            m.d.sync += [self.o.p.max.eq(largest), self.o.p.refetch.eq(below)]
