"""Situations of the accumulator of token importance."""

from tokensieve.verify.situations import accumulators
from tokensieve.verify.situations.accumulators import OPS, before, illegal, saturates, steps, successive
from tokensieve.verify.situations.base import Seen, Situation, twin


def _add_behind_queries(seen: Seen) -> bool:
    """Return whether an ADD comes behind one of several queries."""
    queries = [step["rows"] for step in steps(seen) if OPS[step["op"]] == "add"]
    return any(count > 1 for count in queries[:-1])


SITUATIONS = (
    *accumulators.SITUATIONS,
    twin("a KEEP waits for sums on their way", "keeps-too-early"),
    twin("scores wait behind others", "read-overrun"),
    Situation("a KEEP of none", "empty-keep-hangs",
              lambda seen: any(OPS[step["op"]] == "keep" and not step["kept"] for step in steps(seen))),
    Situation("a READ behind a KEEP", "pruned-come-back", before("keep", "read")),
    Situation("the same sums in successive cycles", "no-bypass", successive("probability", lambda step, beat: beat)),
    Situation("a sum that saturates", "wraps", saturates(lambda seen: seen.arch.importance.token_bits)),
    Situation("an ADD behind one of several queries", "query-goes-on", _add_behind_queries),
    Situation("a READ that pins the newest", "tie-with-newest", lambda seen: any(s["pin"] for s in steps(seen))),
    Situation("an ADD of no query", "none-waits", illegal("add", lambda step: not step["n"])),
    Situation("an ADD where none is alive", "adds-to-none", illegal("add", lambda step: bool(step["n"]))),
    twin("a GROW waits for sums on their way", "grows-twice"),
)  # fmt: skip
