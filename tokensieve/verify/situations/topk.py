"""Situations of the top-k engine. A vector is one command and its scores."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from tokensieve.verify.situations.base import Seen, Situation, longest_stall, reset, twin


def commands(seen: Seen) -> list[tuple[int, int]]:
    """Return n and k of each command; k is 0 for an illegal one, which keeps none."""
    return [(int(seen.vectors.work["n"][index]), int(seen.vectors.work["k"][index])) for index in seen.which]


def some(test: Callable[[int, int], bool]) -> Callable[[Seen], bool]:
    """Return whether there is a command whose n and k pass a `test`."""
    return lambda seen: any(test(n, k) for n, k in commands(seen))


def _full_not_longest(seen: Seen) -> bool:
    """Return whether a command that fills its last beat, which is not the last there can be, has one behind it."""
    lanes, most = seen.arch.topk.lanes, 1 << (seen.arch.topk.beats - 1).bit_length()
    return any(n % lanes == 0 and n // lanes % most != 0 for n in seen.numbers("n")[:-1])


def _many_rows(seen: Seen) -> bool:
    """Return whether a command has more beats than its number with one bit less can tell apart."""
    lanes, bits = seen.arch.topk.lanes, max(1, (seen.arch.topk.beats - 1).bit_length())
    return any(-(-n // lanes) > 1 << max(1, bits - 1) for n in seen.numbers("n"))


def _ties(seen: Seen) -> list[tuple[int, list[int]]]:
    """Return of each search how many scores equal to the threshold are kept, and how many there are in each beat."""
    found, lanes = [], seen.arch.topk.lanes
    for index in seen.which:
        scores = seen.vectors.item("inputs", "scores", index)
        equal = scores == int(seen.vectors.expected["threshold"][index])
        rows = [int(equal[first : first + lanes].sum()) for first in range(0, len(equal), lanes)]
        found.append((int(seen.vectors.expected["ties"][index]), rows))
    return found


def _tie_within(seen: Seen) -> bool:
    """Return whether some of a beat's scores that equal the threshold are kept, and others are not."""
    for ties, rows in _ties(seen):
        before = np.cumsum([0, *rows])
        if any(start < ties < end for start, end in pairwise(before.tolist())):
            return True
    return False


def _ties_between(seen: Seen) -> bool:
    """Return whether scores that equal the threshold are in several beats, and not all are kept."""
    return any(0 < ties < sum(rows) and np.count_nonzero(rows) > 1 for ties, rows in _ties(seen))


def _sizes(seen: Seen) -> list[list[int]]:
    return [seen.vectors.item("work", "sizes", index).tolist() for index in seen.which]


def _early(seen: Seen) -> list[bool]:
    """Return of each command whether radix ends its search before the last digit."""
    ties = [int(seen.vectors.expected["ties"][index]) for index in seen.which]
    return [0 < k < n and not tied for (n, k), tied in zip(commands(seen), ties, strict=True)]


def _search_behind_early(seen: Seen) -> bool:
    early, searched = _early(seen), [0 < k < n for n, k in commands(seen)]
    return any(end and any(searched[place + 1 :]) for place, end in enumerate(early))


KEPT = (
    Situation("k = 0", "nothing-hangs", some(lambda n, k: k == 0)),
    Situation("k = n", "searches-all", some(lambda n, k: k == n > 0)),
    Situation("k > n", "wires-equal-alone", some(lambda n, k: k > n)),
    Situation("n = 0", "none-waits", some(lambda n, k: n == 0)),
    Situation("n above the maximum", "too-many-kept",
              lambda seen: some(lambda n, k: n > seen.arch.topk.max_tokens)(seen)),
)  # fmt: skip
"""k against n, for whatever is around an engine."""

_SEARCH = (
    Situation("quick-select takes two rounds", "quickselect-same-draw",
              lambda seen: any(len(sizes) > 1 for sizes in _sizes(seen)), "quickselect"),
    Situation("quick-select splits a set of several beats", "quickselect-beat-forgotten",
              lambda seen: any(size > seen.arch.topk.lanes for sizes in _sizes(seen) for size in sizes[:-1]),
              "quickselect"),
    Situation("quick-select reads a set whose last beat is full", "quickselect-full-beat",
              lambda seen: any(size % seen.arch.topk.lanes == 0 for sizes in _sizes(seen) for size in sizes),
              "quickselect"),
    Situation("a set of several beats is left to radix, which goes on", "radix-offset-lost",
              lambda seen: any(size > seen.arch.topk.lanes for sizes in _sizes(seen) for size in sizes[:-1]), "radix"),
    Situation("radix ends early", "radix-no-early-end", lambda seen: any(_early(seen)), "radix"),
    Situation("radix searches behind an early end", "radix-packet-goes-on", _search_behind_early, "radix"),
    Situation("bit-serial searches", "bitserial-hasty", some(lambda n, k: 0 < k < n), "bitserial"),
    Situation("the sorter sorts", "bitonic-next-score", some(lambda n, k: 0 < k < n), "bitonic"),
)  # fmt: skip

SITUATIONS = (
    *KEPT,
    Situation("0 < k < n", "tie-too-few", some(lambda n, k: 0 < k < n)),
    Situation("a full last beat, not the longest command's, and a command behind it", "row-goes-on", _full_not_longest),
    Situation("a full last beat is read", "full-beat-goes-on",
              lambda seen: any(n % seen.arch.topk.lanes == 0 and k < n for n, k in commands(seen))),
    Situation("more than half of all beats", "half-the-rows", _many_rows),
    Situation("a tie is broken within a beat", "last-ties", _tie_within),
    Situation("a tie is broken between beats", "ties-not-spent", _ties_between),
    twin("a command comes while another is read", "reads-other-slot"),
    twin("a verdict waits for the drain", "next-command-early"),
    twin("a wire waits for the drain", "wire-early"),
    twin("a wire's last beat waits", "wire-command-early"),
    twin("the next command comes with a wire's last beat", "wire-command-late"),
    twin("a compacted beat waits", "beat-dropped"),
    reset("a command's beats have come in part", "row-without-reset"),
    reset("commands are in the drain", "inside-without-reset"),
    longest_stall("o", "impatient"),
    *_SEARCH,
)  # fmt: skip
