"""Situations of the zero eliminator's AXI4-Stream wrapper: those of the unit are in its own table."""

from tokensieve.verify.situations.base import Seen, Situation


def _left_out(seen: Seen) -> bool:
    """Return whether TKEEP leaves a lane out."""
    lanes = seen.arch.topk.lanes
    return any(len(marks) % lanes or not marks.all() for marks in seen.items("mask"))


SITUATIONS = (
    Situation("a lane is left out", "keep-not-read", _left_out),
    Situation("a packet of several beats", "last-not-read",
              lambda seen: any(len(marks) > seen.arch.topk.lanes for marks in seen.items("mask"))),
)  # fmt: skip
