"""Planted faults of the bitonic search core."""

from tokensieve.rtl.flow.mutants.base import Mutant

_CORE = "tokensieve.rtl.search.bitonic"

MUTANTS = (
    Mutant(
        name="bitonic-direction",
        module=_CORE,
        old="turn.eq(turn.rotate_left(2))",
        new="turn.eq(turn.rotate_left(1))",
        why="from the second pass on, comparators turn round by the wrong bit",
    ),
    Mutant(
        name="bitonic-two-runs",
        module=_CORE,
        old="down.eq(Mux(self._begun[self._bits - 1], 0, turn))",
        new="down.eq(turn)",
        why="the last pass still sorts some of the scores the other way round",
    ),
    Mutant(
        name="bitonic-next-score",
        module=_CORE,
        old="target.eq(self.k - 1)",
        new="target.eq(self.k)",
        why="the score after the k-th is taken for the threshold",
    ),
    Mutant(
        name="bitonic-equal-is-above",
        module=_CORE,
        old="higher.eq(probe > self._threshold)",
        new="higher.eq(probe >= self._threshold)",
        why="scores equal to the threshold are counted as above it",
    ),
    Mutant(
        name="bitonic-old-packet",
        module=_CORE,
        old="Mux(self.first, 0, score)",
        new="score",
        why="scores of the command before are sorted as well",
    ),
    Mutant(
        name="bitonic-all-lanes",
        module=_CORE,
        old="Mux(self.row.mask[lane], self.row.scores[lane], 0)",
        new="self.row.scores[lane]",
        why="the lanes beyond n count",
    ),
    Mutant(
        name="bitonic-bit-without-reset",
        module=_CORE,
        old="self._bit = Signal(self._bits)",
        new="self._bit = Signal(self._bits, reset_less=True)",
        why="a reset within a search does not end it",
    ),
)
