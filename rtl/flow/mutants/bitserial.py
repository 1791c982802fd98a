"""Planted faults of the bit-serial search core."""

from tokensieve.rtl.flow.mutants.base import Mutant

_CORE = "tokensieve.rtl.search.bitserial"

MUTANTS = (
    Mutant(
        name="bitserial-one-more",
        module=_CORE,
        old="rest.eq(left - count.o - 1)",
        new="rest.eq(left - count.o)",
        why="a bit of the threshold needs one score more than there are to keep",
    ),
    Mutant(
        name="bitserial-left-stays",
        module=_CORE,
        old="left.eq(rest + 1)",
        new="left.eq(left)",
        why="scores that turn out to be above the threshold are not counted as kept",
    ),
    Mutant(
        name="bitserial-old-packet-alive",
        module=_CORE,
        old="before = Mux(self.first, 0, alive)",
        new="before = alive",
        why="scores of the command before still count",
    ),
    Mutant(
        name="bitserial-all-lanes",
        module=_CORE,
        old="Cat(self.row.mask[: self._lanes], before)",
        new="Cat(Value.cast(self.row.mask | ~0)[: self._lanes], before)",
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
        old="registers(self._places, topk.count_stages)",
        new="registers(self._places, topk.count_stages + 1)",
        why="the population count has a register that the field does not know of",
    ),
)
