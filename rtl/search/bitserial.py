"""Bit-serial selection: the bits of the threshold from the top, each found by counting over all scores at once."""

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import length_bits
from tokensieve.rtl.search.base import search_ports
from tokensieve.rtl.search.population import PopulationCount

_BANK = 64
"""Scores, at least, that one copy of the decision's time goes to: it must reach them within a cycle."""


class BitserialCore(wiring.Component):
    """Finds the k-th largest score bit by bit.

    Alive are the scores that agree with the threshold in all bits decided so far. If as many of them as are still to be
    kept have a 1 in the next bit, the threshold has a 1 there and the others die. If not, all with a 1 lie above the
    threshold: they are kept, and die.

    Timing
    ------
    Obeys ``topk.law``, whatever the scores, n and k: ``topk.bitserial_step_cycles`` a bit, and one for the verdict.

    Parameters
    ----------
    topk : `Topk`
        Lanes, longest packet, score width and registers of the population count.

    Members
    -------
    As in `search_ports`; ``round`` is never raised.
    offered : ``In(1)``
        High with `load`, and known before it: a beat is offered, taken or not. During a search it may be high.
    """

    def __init__(self, topk: Topk) -> None:
        super().__init__({"offered": In(1), **search_ports(topk).members})
        self._topk = topk
        self._lanes = min(topk.lanes, topk.max_tokens)
        self._places = topk.beats * self._lanes
        self._bank = -(-_BANK // self._lanes) * self._lanes

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        topk = self._topk
        m.submodules.count = count = PopulationCount(self._places, length_bits(topk), topk.count_stages)
        left = Signal(length_bits(topk), reset_less=True)  # scores still to be kept
        threshold = Signal(topk.score_bits, reset_less=True)
        one = Signal()
        self._forget = Signal(init=1)  # all scores die: a command is done, or was only to be dropped
        decide, decides, opens = self._time(m)

        m.d.comb += [count.i.eq(self._banks(m, one, decides, opens)), count.less.eq(left)]
        m.d.comb += [self.threshold.eq(threshold), self.ties.eq(left)]
        m.d.comb += one.eq(count.o >= 0)
        with m.If(self.load):
            m.d.sync += left.eq(self.k)
        with m.If(decide):
            m.d.sync += threshold.eq(Cat(one, threshold))
            with m.If(~one):
                m.d.sync += left.eq(-count.o)
        return m

    def _banks(self, m: Module, one: Signal, decides: Sequence[Value], opens: Sequence[Value]) -> Value:
        """Hold the scores; return which of those alive have a 1 in the bit that is looked at.

        Of this bit, alive scores are told apart: `ones` and `zeros`. A step moves all bits below it up by one. A beat
        pushes those before it on, from bank to bank; their order does not matter here. What is pushed in while no
        command loads is dead, and so is all of a command that is done.
        """
        topk, found = self._topk, []
        rows = [Cat(score[bit] for score in self.row.scores) for bit in range(topk.score_bits)]
        mask = Mux(self.load, self.row.mask, 0)
        beat = [part[: self._lanes] for part in (*rows[:-1], mask & rows[-1], mask & ~rows[-1])]
        for bank, (decide, opened) in enumerate(zip(decides, opens, strict=True)):
            places = min(self._bank, self._places - bank * self._bank)
            planes = [Signal(places, name=f"plane{bank}_{bit}", reset_less=True) for bit in range(topk.score_bits - 1)]
            ones = Signal(places, name=f"ones{bank}", reset_less=True)
            zeros = Signal(places, name=f"zeros{bank}", reset_less=True)
            alive = Mux(one, ones, zeros)
            stepped = [planes[0], *planes[:-1], alive & planes[-1], alive & ~planes[-1]]
            with m.If((opened & self.offered) | decide):
                for register, pushed, new in zip([*planes, ones, zeros], beat, stepped, strict=True):
                    m.d.sync += register.eq(Mux(opened, Cat(pushed, register), new))
            with m.If(self._forget):
                m.d.sync += [ones.eq(0), zeros.eq(0)]
            found.append(ones)
            beat = [register[-self._lanes :] for register in (*planes, ones, zeros)]
        return Cat(found)

    def _time(self, m: Module) -> tuple[Signal, Sequence[Signal], Sequence[Signal]]:
        """Send a token through as many registers as the count has, once for every bit.

        Return when a bit is decided, and for every bank a copy of this and of whether beats may come in.
        """
        topk = self._topk
        token = Signal(topk.count_stages + 1)
        bit = Signal(range(topk.score_bits), reset_less=True)
        opened = Signal(init=1)  # from the end of a search to the beat that starts the next one
        start = Signal()
        decide = Signal()
        ends = Signal()
        m.d.comb += [start.eq(self.load & self.last & self.search), decide.eq(token[-1])]
        m.d.comb += ends.eq(decide & (bit == topk.score_bits - 1))
        m.d.sync += token.eq(Cat(start | (decide & ~ends), token))
        m.d.sync += [self.done.eq(ends), opened.eq(opened ^ (start | ends))]
        m.d.sync += self._forget.eq(ends | (self.load & self.last & ~self.search))
        with m.If(start):
            m.d.sync += bit.eq(0)
        with m.Elif(decide):
            m.d.sync += bit.eq(bit + 1)
        banks = -(-self._places // self._bank)
        decides = _copies(m, "decides", decide, 0, token[-1] ^ token[-2], banks)
        return decide, decides, _copies(m, "opened", opened, 1, start | ends, banks)


def _copies(m: Module, name: str, register: Value, init: int, turns: Value, number: int) -> Sequence[Value]:
    """Return `number` copies of a register that begins as `init` and then `turns`, each near what it goes to.

    Every copy is fed by itself: synthesis would make one of them again otherwise.
    """
    if number == 1:
        return [register]
    copies = [Signal(name=f"{name}{bank}", init=init) for bank in range(number)]
    m.d.sync += [copy.eq(copy ^ turns) for copy in copies]
    return copies
