"""Situations that the accumulators of token and of head importance share. A vector is one script of commands."""

from collections.abc import Callable, Iterator
from itertools import pairwise

import numpy as np

from tokensieve.verify.situations.base import Seen, Situation, longest_stall, reset, twin
from tokensieve.workloads.vectors import Group

OPS = ("clear", "grow", "add", "keep", "read", "unknown")
"""Commands by their numbers in the vectors."""


def steps(seen: Seen) -> Iterator[dict[str, int]]:
    """Yield the commands of all scripts, in order.

    They have `op`, `n`, `pin`, `rows`, `width` and `kept`, the sums alive as `items`, and the code of illegal ones.
    """
    groups: dict[Group, tuple[str, ...]] = {
        "inputs": ("op", "n", "pin", "rows", "width", "kept"), "work": ("items",), "expected": ("status",)
    }  # fmt: skip
    names = [name for some in groups.values() for name in some]
    for index in seen.which:
        columns = [seen.vectors.item(group, name, index).tolist() for group, some in groups.items() for name in some]
        yield from (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


def ops(seen: Seen) -> list[str]:
    """Return the commands by name."""
    return [OPS[step["op"]] for step in steps(seen)]


def illegal(op: str, test: Callable[[dict[str, int]], bool] = lambda step: True) -> Callable[[Seen], bool]:
    """Return whether a command `op` is illegal, of those that pass the `test`."""
    return lambda seen: any(OPS[step["op"]] == op and step["status"] and test(step) for step in steps(seen))


def before(first: str, second: str) -> Callable[[Seen], bool]:
    """Return whether a command `second` comes anywhere behind a `first`."""
    return lambda seen: first in ops(seen) and second in ops(seen)[ops(seen).index(first) :]


def saturates(bits: Callable[[Seen], int]) -> Callable[[Seen], bool]:
    """Return whether as much is added as a sum of `bits` cannot hold, were it all added to one."""

    def shows(seen: Seen) -> bool:
        return any(int(np.abs(some).sum()) >> bits(seen) for some in seen.items("elements"))

    return shows


def successive(source: str, line: Callable[[dict[str, int], int], int]) -> Callable[[Seen], bool]:
    """Return whether two beats of `source` in successive cycles are added to the same sums.

    `line` gives the sums' number for a command and a beat of one of its queries.
    """

    def shows(seen: Seen) -> bool:
        lanes, lines = seen.arch.importance.lanes, []
        for step in steps(seen):
            beats = -(-step["width"] // lanes)
            lines += [line(step, beat) for _ in range(step["rows"]) for beat in range(beats)]
        pairs = zip(pairwise(lines), pairwise(seen.record.cycles_of(source)), strict=False)
        return any(old == new and cycle + 1 == after for (old, new), (cycle, after) in pairs)

    return shows


SITUATIONS = (
    twin("a READ waits for sums on their way", "reads-too-early"),
    twin("ids lie beyond the sums that are looked at", "ids-skipped"),
    Situation("a CLEAR behind an ADD", "clear-keeps-sums", before("add", "clear")),
    Situation("a CLEAR of more than there may be", "clears-anyway", illegal("clear")),
    Situation("a GROW to more than there may be", "grows-anyway", illegal("grow")),
    Situation("an operation that there is not", "unknown-waits", illegal("unknown")),
    reset("sums are read in part", "row-without-reset"),
    longest_stall("o", "impatient"),
)  # fmt: skip
