"""The decisions of radix select: the bin of the threshold, what that makes of it, and whether it is found."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import event, found, length_bits, round_size
from tokensieve.rtl.search.digits import bins, decided, digit_width, pick


class Decision(wiring.Component):
    """Chooses the bin in which the k-th largest score lies, digit by digit, until nothing is left to choose.

    The search is over when all bits are decided, or when all scores of the chosen bin are kept: then the threshold is
    just below the bin, and there are no ties.

    Timing
    ------
    What is ``decided`` follows ``reached`` by 2 cycles, ``round`` and ``verdict`` by 4; ``size`` holds the set that the
    digit splits for 3 cycles.

    Parameters
    ----------
    topk : `Topk`
        Lanes, longest packet, score width and digits.

    Members
    -------
    begin : ``In(1)``
        A beat of a new command is loaded; `n` and `k` belong to it.
    n, k : ``In(length_bits(topk))``
        Scores offered, scores to keep.
    reached : ``In(bins(topk))``
        Bins that as many scores reach as are sought.
    totals : ``In(length_bits(topk)).array(bins(topk))``
        Scores that reach each bin. Both hold still for 3 cycles.
    choose : ``In(1)``
        They are those of the whole set.
    target : ``Out(length_bits(topk))``
        Scores sought in the set: it is the target-th largest that is the threshold.
    decided : ``Out(decided(topk))``
        What is known of the threshold.
    size, before : ``Out(length_bits(topk))``
        Scores of the set that the last digit left, and of the one before.
    round : ``Out(event(round_size(topk)))``
        Scores that a digit leaves.
    verdict : ``Out(event(found(topk)))``
        The threshold is known, and how many scores equal to it are kept.
    """

    def __init__(self, topk: Topk) -> None:
        count = length_bits(topk)
        super().__init__(
            {
                "begin": In(1),
                "n": In(count),
                "k": In(count),
                "reached": In(bins(topk)),
                "totals": In(count).array(bins(topk)),
                "choose": In(1),
                "target": Out(count),
                "decided": Out(decided(topk)),
                "size": Out(count),
                "before": Out(count),
                "round": Out(event(round_size(topk))),
                "verdict": Out(event(found(topk))),
            }
        )
        self._topk, self._bins = topk, bins(topk)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        step = Signal(4)  # after `choose`: the bin is chosen, its total read, the total above it read, the set split
        m.d.sync += step.eq(Cat(self.choose, step))
        chosen = Signal(self._bins.bit_length(), reset_less=True)
        with m.If(self.choose):
            m.d.sync += chosen.eq(self._highest())
        with m.If(step[0]):
            m.d.sync += chosen.eq(chosen + 1)
        self._decide(m, chosen, step[0])
        whole = self._split(m, chosen, step)
        self._conclude(m, whole, step[3])
        return m

    def _reaches(self, number: int) -> Value:
        """Return whether enough scores reach bin `number`: all reach the lowest, none one that does not exist."""
        if number == 0:
            return Const(1)
        return self.reached[number - 1] if number <= self._bins else Const(0)

    def _highest(self) -> Value:
        """Return the highest bin reached. The bins below it are reached too, so each bit is an OR of a few edges."""
        bits = []
        for bit in range(self._bins.bit_length()):
            half = 1 << bit
            edges = [self._reaches(at) & ~self._reaches(at + half) for at in range(half, self._bins + 1, 2 * half)]
            bits.append(Cat(edges).any())
        return Cat(bits)

    def _decide(self, m: Module, chosen: Value, now: Value) -> None:
        """Add a digit to what is decided; a command begins with nothing decided."""
        opening = Signal()
        with m.If(now):
            m.d.sync += opening.eq(0)
            self._decide_later(m, chosen)
            if self._topk.first_digit == "log":
                with m.If(opening):
                    self._decide_log(m, chosen)
        with m.If(self.begin):
            m.d.sync += opening.eq(1)
            m.d.sync += [self.decided.prefix.eq(0), self.decided.known.eq(0)]
            m.d.sync += self.decided.left.eq(self._topk.score_bits)

    def _decide_later(self, m: Module, chosen: Value) -> None:
        """Add a digit of the bits below those decided."""
        digit, bits, known = digit_width(self._topk), self._topk.score_bits, self.decided.known
        lowest = Cat(known, 1) & ~Cat(0, known)  # bit p: p bits are left
        for bit in range(bits):
            places = range(bit + 1, min(bit + digit, bits) + 1)
            terms = [lowest[left] & chosen[digit - (left - bit)] for left in places]
            m.d.sync += self.decided.prefix[bit].eq(self.decided.prefix[bit] | Cat(terms).any())
        after = Cat(known[digit:], Const(-1, digit))
        m.d.sync += [known.eq(after), self.decided.tested.eq(after & ~known), self.decided.left.eq(0)]
        with m.If(self.decided.left > digit):
            m.d.sync += self.decided.left.eq(self.decided.left - digit)

    def _decide_log(self, m: Module, chosen: Value) -> None:
        """Take bin 2 p + b as the first digit: p is the position of the highest set bit, b the bit below that."""
        bits = self._topk.score_bits
        known = Signal(bits)
        for bit in range(bits):
            highest = self._reaches(max(1, 2 * bit)) & ~self._reaches(2 * bit + 2)
            second = self._reaches(2 * bit + 3) & ~self._reaches(2 * bit + 4)
            m.d.sync += self.decided.prefix[bit].eq(highest | second)
            m.d.comb += known[bit].eq(~self._reaches(2 * bit + 4))
        m.d.sync += [self.decided.known.eq(known), self.decided.tested.eq(known), self.decided.left.eq(0)]
        with m.If(chosen[1:] != 0):
            m.d.sync += self.decided.left.eq(chosen[1:] - 1)

    def _split(self, m: Module, chosen: Value, step: Signal) -> Signal:
        """Split the set: what is above the chosen bin is kept, what is in it is left. Return if that is kept too."""
        here = Signal.like(self.size, reset_less=True)
        above = Signal.like(self.size, reset_less=True)
        whole = Signal()
        m.d.sync += [above.eq(pick([self.size, *self.totals], chosen)), here.eq(above)]
        with m.If(step[1] & self.reached[-1]):
            m.d.sync += above.eq(0)  # nothing is above the highest bin
        with m.If(step[2]):
            m.d.sync += [self.target.eq(self.target - above), self.before.eq(self.size)]
            m.d.sync += [self.size.eq(here - above), whole.eq(here == self.target)]
        with m.If(self.begin):
            m.d.sync += [self.target.eq(self.k), self.size.eq(self.n)]
        return whole

    def _conclude(self, m: Module, whole: Signal, now: Value) -> None:
        """Tell the size of the set that is left, and the verdict if there is one."""
        more = Signal()  # bits are left: a register, as the verdict goes on to all that reads
        m.d.sync += more.eq(self.decided.left.any())
        m.d.comb += [self.round.valid.eq(now), self.round.payload.size.eq(self.size)]
        m.d.comb += self.verdict.valid.eq(now & (whole | ~more))
        m.d.comb += self.verdict.payload.threshold.eq(self.decided.prefix - more)
        with m.If(~more):
            m.d.comb += self.verdict.payload.ties.eq(self.target)
