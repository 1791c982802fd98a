"""Situations of the accumulator of head importance."""

from tokensieve.verify.situations import accumulators
from tokensieve.verify.situations.accumulators import OPS, illegal, steps, successive
from tokensieve.verify.situations.base import Situation

SITUATIONS = (
    *accumulators.SITUATIONS,
    Situation("the same sum in successive cycles", "no-bypass", successive("output", lambda step, beat: step["n"])),
    Situation("an ADD to a head behind the first", "first-head",
              lambda seen: any(OPS[step["op"]] == "add" and step["n"] for step in steps(seen))),
    Situation("an ADD to a head that is not alive", "adds-to-the-dead",
              illegal("add", lambda step: step["n"] >= step["items"])),
    Situation("an ADD that leaves a head out", "head-left-out",
              illegal("add", lambda step: step["n"] < step["items"])),
)  # fmt: skip
