"""Work records: what the top-k engines go through to find the k-th largest of n scores (paper Alg. 3, and radix).

A record is the list of set sizes, which does not depend on how many scores an engine takes per cycle. It is what turns
into cycles, so this file says the engines' rules once more, apart from `tokensieve.workloads`; tests compare the two. A
row with k = 0 or k >= n is not searched and has no record.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from tokensieve.arch.datapath import Topk
from tokensieve.golden.topk import top_k


class Search(NamedTuple):
    """What an engine goes through on each row, and what it finds. A row without a search has no record, and (0, 0)."""

    sizes: list[list[int]]
    """Work records."""

    found: list[tuple[int, int]]
    """Threshold, and how many scores equal to it are kept."""


def command_seed(number: Tensor) -> Tensor:
    """Return the pivot generator's first state for running query `number`: 1 .. 65535, never 0."""
    return 1 + number % 65535


def xorshift16(state: Tensor) -> Tensor:
    """Return the next state of the 16-bit generator.

    >>> xorshift16(torch.tensor([1])).tolist()
    [33153]
    """
    state = state ^ (state << 7) & 0xFFFF
    state = state ^ (state >> 9)
    return state ^ (state << 8) & 0xFFFF


def quickselect_search(scores: Tensor, k: int, number: Tensor) -> Search:
    """Return each row's record, the sizes of the sets that are streamed, and what its last round finds.

    `scores` is int64 of shape ``(rows, n)``, `number` int64 of shape ``(rows,)``: the running number that seeds the
    pivots. A round draws survivor ``(h * m) >> 16`` of its m survivors in original order as pivot and streams them past
    it. What is found is the last pivot: the k-th largest score, or the next smaller one if exactly k scores turn out to
    lie above it; then none equal to it is kept.
    """
    rows, n = scores.shape
    sizes: list[list[int]] = [[] for _ in range(rows)]
    found = [(0, 0)] * rows
    if k == 0 or k >= n:
        return Search(sizes, found)
    row, state = torch.arange(rows), command_seed(number)
    alive = torch.ones(rows, n, dtype=torch.bool)
    target = torch.full((rows,), k)
    while row.numel():
        m = alive.sum(dim=-1)
        _append(sizes, row, m)
        state = xorshift16(state)
        pivot = _survivor(scores, alive, (state * m) >> 16)
        above, equal = alive & (scores > pivot), alive & (scores == pivot)
        right, eq = above.sum(dim=-1), equal.sum(dim=-1)
        too_large, too_small = right + eq < target, right > target
        alive = torch.where(too_small[:, None], above, alive & (scores < pivot))
        target = torch.where(too_large, target - right - eq, target)
        go = too_large | too_small  # else right <= target <= right + eq: the pivot is the threshold
        for r, *verdict in torch.stack([row, pivot[:, 0], target - right], dim=-1)[~go].tolist():
            found[r] = verdict[0], verdict[1]
        row, state, alive, target, scores = row[go], state[go], alive[go], target[go], scores[go]
    return Search(sizes, found)


def _survivor(scores: Tensor, alive: Tensor, number: Tensor) -> Tensor:
    """Return survivor `number` (from 0, in original order) of each row, shape ``(rows, 1)``."""
    position = alive.to(torch.int32).cumsum(dim=-1)
    first = (position > number[:, None]).to(torch.uint8).argmax(dim=-1, keepdim=True)
    return scores.gather(1, first)


def radix_record(scores: Tensor, k: int, arch: Topk) -> list[list[int]]:
    """Return, for each row of `scores`, the sizes of the surviving set after each digit that radix select decides.

    `scores` is int64 of shape ``(rows, n)``, 0 .. 2^score_bits - 1. A digit's bins are counted from the largest down;
    the bin that holds the k-th largest survives. Digits end when no bits are left, or when all of the bin is wanted.
    """
    rows, n = scores.shape
    sizes: list[list[int]] = [[] for _ in range(rows)]
    if k == 0 or k >= n:
        return sizes
    row, alive = torch.arange(rows), torch.ones(rows, n, dtype=torch.bool)
    target, left = torch.full((rows,), k), torch.full((rows,), arch.score_bits)
    first = True
    while row.numel():
        if first and arch.first_digit == "log":
            digit, bins = _log_key(scores, arch.score_bits), 2 * arch.score_bits
        else:
            width = left.clamp(max=arch.digit_bits)
            digit, bins = (scores >> (left - width)[:, None]) & ((1 << width) - 1)[:, None], 1 << arch.digit_bits
            left = left - width
        chosen, above = _bin_of_target(digit, alive, target, bins)
        alive = alive & (digit == chosen[:, None])
        if first and arch.first_digit == "log":
            left = (chosen // 2 - 1).clamp(min=0)
        target, size, first = target - above, alive.sum(dim=-1), False
        _append(sizes, row, size)
        go = (left > 0) & (target < size)
        row, alive, target, left, scores = row[go], alive[go], target[go], left[go], scores[go]
    return sizes


def _log_key(scores: Tensor, score_bits: int) -> Tensor:
    """Return twice the position of the highest set bit, plus the bit below it; 0 and 1 are keys of their own.

    A key leaves as many bits undecided as stand below that second bit.
    """
    position = torch.zeros_like(scores)
    for bit in range(1, score_bits):
        position = torch.where(scores >> bit > 0, bit, position)
    second = torch.where(position > 0, (scores >> (position - 1).clamp(min=0)) & 1, scores)
    return 2 * position + second


def _bin_of_target(digit: Tensor, alive: Tensor, target: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """Return the bin that holds the `target`-th largest of each row's survivors, and how many lie above it."""
    count = torch.zeros(digit.shape[0], bins, dtype=torch.int64).scatter_add_(1, digit, alive.to(torch.int64))
    from_top = count.flip(-1).cumsum(dim=-1).flip(-1)  # survivors in this bin and above
    chosen = (from_top >= target[:, None]).sum(dim=-1) - 1
    above = (from_top - count).gather(1, chosen[:, None]).squeeze(1)
    return chosen, above


def _append(sizes: list[list[int]], row: Tensor, size: Tensor) -> None:
    for r, s in zip(row.tolist(), size.tolist(), strict=True):
        sizes[r].append(s)


def radix_search(scores: Tensor, k: int, arch: Topk) -> Search:
    """Return each row's record, and the threshold and the ties that radix select knows after its last digit."""
    sizes, exact = radix_record(scores, k, arch), top_k(scores, k)
    known = zip(exact.threshold.tolist(), exact.ties.tolist(), map(len, sizes), strict=True)
    return Search(sizes, [_after_digits(arch, kth, ties, digits) if digits else (0, 0) for kth, ties, digits in known])


def _after_digits(arch: Topk, kth: int, ties: int, digits: int) -> tuple[int, int]:
    """Return threshold and ties as they are known after so many digits.

    Where bits are left, the search has stopped because all of the last bin is kept: the bin's smallest value less one
    is as good a threshold as the k-th largest score, and needs no ties.
    """
    if arch.first_digit == "log":
        left = max(kth.bit_length() - 2, 0) - arch.digit_bits * (digits - 1)
    else:
        left = arch.score_bits - arch.digit_bits * digits
    return (kth, ties) if left <= 0 else ((kth >> left << left) - 1, 0)


SEARCHES: dict[str, Callable[[Tensor, int, Tensor, Topk], Search]] = {
    "radix": lambda scores, k, number, arch: radix_search(scores, k, arch),
    "quick": lambda scores, k, number, arch: quickselect_search(scores, k, number),
}
"""By kind of work record (`tokensieve.arch.records`): scores, how many to keep, running numbers, engine."""
