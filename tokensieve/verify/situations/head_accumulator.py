"""Situations of the accumulator of head importance."""

from tokensieve.verify.situations import accumulators
from tokensieve.verify.situations.accumulators import OPS, steps, successive
from tokensieve.verify.situations.base import Situation

SITUATIONS = (
    *accumulators.SITUATIONS,
    Situation("the same sum in successive cycles", "no-bypass", successive("output", lambda step, beat: step["n"])),
    Situation("an ADD to a head behind the first", "first-head",
              lambda seen: any(OPS[step["op"]] == "add" and step["n"] for step in steps(seen))),
)  # fmt: skip
