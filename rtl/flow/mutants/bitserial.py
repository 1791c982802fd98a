"""Planted faults of the bit-serial search core."""

from tokensieve.rtl.flow.mutants.base import Mutant

_CORE = "tokensieve.rtl.search.bitserial"

MUTANTS = (
    Mutant(
        name="bitserial-one-more",
        module=_CORE,
        old="one.eq(count.o >= 0)",
        new="one.eq(count.o > 0)",
        why="a bit of the threshold needs one score more than there are to keep",
    ),
    Mutant(
        name="bitserial-left-stays",
        module=_CORE,
        old="left.eq(-count.o)",
        new="left.eq(left)",
        why="scores that turn out to be above the threshold are not counted as kept",
    ),
    Mutant(
        name="bitserial-all-lanes",
        module=_CORE,
        old="mask = Mux(self.load, self.row.mask, 0)",
        new="mask = Mux(self.load, ~(self.row.mask & 0), 0)",
        why="the lanes beyond n count",
    ),
    Mutant(
        name="bitserial-hasty",
        module=_CORE,
        old="token = Signal(topk.count_stages + 1)",
        new="token = Signal(topk.count_stages)",
        why="a bit is decided a cycle before its count is there",
    ),
    Mutant(
        name="bitserial-one-stage-more",
        module=_CORE,
        old="length_bits(topk), topk.count_stages)",
        new="length_bits(topk), topk.count_stages + 1)",
        why="the population count has a register that the field does not know of",
    ),
    Mutant(
        name="bitserial-waiting-count",
        module=_CORE,
        old="mask = Mux(self.load, self.row.mask, 0)",
        new="mask = self.row.mask",
        why="scores that are offered while no command loads count in the next one",
    ),
    Mutant(
        name="bitserial-steps-early",
        module=_CORE,
        old="(opened & self.offered) | decide",
        new="self.offered | decide",
        why="scores of the next command that wait make all others step before their bit is decided",
    ),
)
