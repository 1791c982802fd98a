"""Cascade pruning: who is alive, how important each has been so far, and who goes next (paper III-A, III-B, Alg. 2).

A token or head that is pruned stays out for all following heads and layers of the step. Sums live on: in decode a step
begins with a choice among the whole context again.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from tokensieve.arch.datapath import Topk
from tokensieve.arch.machine import Arch
from tokensieve.golden.attention import Head
from tokensieve.golden.records import SEARCHES
from tokensieve.golden.topk import ranking_scores, top_k


@dataclass(frozen=True)
class Chosen:
    """What a selection among tokens or heads kept, and the work of the engines on it."""

    offered: int
    """How many there were to choose from."""

    kept: Tensor
    """Ids that stay, ascending."""

    records: dict[str, list[int]]
    """Work record of each kind."""


def choose(ids: Tensor, scores: Tensor, k: int, number: int, arch: Topk) -> Chosen:
    """Return the `k` of `ids` with the largest `scores`; `number` seeds quick-select's pivots."""
    row = scores[None]
    kept = ids[top_k(row, k).kept[0]]
    records = {kind: search(row, k, torch.tensor([number]), arch).sizes[0] for kind, search in SEARCHES.items()}
    return Chosen(len(ids), kept, records)


class Cascade:
    """Importance sums of one run, and the tokens and heads alive in its current layer.

    Sums are unsigned, saturate at `importance.token_bits` and `importance.head_bits`, and never shrink.
    """

    def __init__(self, arch: Arch, heads: int, context: int) -> None:
        self.arch = arch
        self.token_sum = torch.zeros(context, dtype=torch.int64)  # (context,)
        self.head_sum = torch.zeros(heads, dtype=torch.int64)  # (heads,)
        self.tokens = torch.arange(context)
        self.heads = torch.arange(heads)

    @property
    def context(self) -> int:
        """Tokens so far, pruned ones included."""
        return len(self.token_sum)

    def append_token(self) -> int:
        """Add a token at the end of the context, with no importance yet, and return its id. It is alive."""
        new = self.context
        self.token_sum = torch.cat([self.token_sum, torch.zeros(1, dtype=torch.int64)])
        self.tokens = torch.cat([self.tokens, torch.tensor([new])])
        return new

    def append_head(self) -> int:
        """Add a head with no importance yet and return its id. It is alive."""
        new = len(self.head_sum)
        self.head_sum = torch.cat([self.head_sum, torch.zeros(1, dtype=torch.int64)])
        self.heads = torch.cat([self.heads, torch.tensor([new])])
        return new

    def add(self, head: int, result: Head) -> None:
        """Add a head's probabilities, column by column, to its tokens, and the magnitudes of its output to the head."""
        most = (1 << self.arch.importance.token_bits) - 1
        sums = self.token_sum[self.tokens] + result.probabilities.sum(dim=0)
        self.token_sum[self.tokens] = sums.clamp(max=most)
        total = self.head_sum[head] + result.output.abs().sum()
        self.head_sum[head] = total.clamp(max=(1 << self.arch.importance.head_bits) - 1)

    def prune_tokens(self, k: int, number: int, newest: int | None = None) -> Chosen:
        """Keep the `k` most important of the alive tokens; `newest`, the token of this decode step, always stays."""
        return self._keep_tokens(self.tokens, k, number, newest)

    def restart_tokens(self, k: int, number: int) -> Chosen:
        """Keep the `k` most important of all tokens of the context, for the next step's first layer."""
        return self._keep_tokens(torch.arange(self.context), k, number, None)

    def prune_heads(self, k: int, number: int, newest: int | None = None) -> Chosen:
        """Keep the `k` most important of the alive heads; `newest` always stays."""
        return self._keep_heads(self.heads, k, number, newest)

    def restart_heads(self, k: int, number: int) -> Chosen:
        """Keep the `k` most important of all heads, for the next step's first layer."""
        return self._keep_heads(torch.arange(len(self.head_sum)), k, number, None)

    def _keep_tokens(self, ids: Tensor, k: int, number: int, newest: int | None) -> Chosen:
        chosen = self._choose(ids, self.token_sum[ids], k, number, newest)
        self.tokens = chosen.kept
        return chosen

    def _keep_heads(self, ids: Tensor, k: int, number: int, newest: int | None) -> Chosen:
        chosen = self._choose(ids, self.head_sum[ids], k, number, newest)
        self.heads = chosen.kept
        return chosen

    def _choose(self, ids: Tensor, sums: Tensor, k: int, number: int, newest: int | None) -> Chosen:
        scores = self.scores(sums)
        if newest is not None:
            scores = _in_front(scores, ids == newest, self.arch.topk.score_bits)
        return choose(ids, scores, k, number, self.arch.topk)

    def scores(self, importance: Tensor) -> Tensor:
        """Return what the top-k engine ranks for the given importance sums."""
        return ranking_scores(importance, self.arch.topk.score_bits)


class RandomCascade(Cascade):
    """A cascade that keeps as many tokens and heads but draws them by lot: the baseline of every fidelity."""

    def __init__(self, arch: Arch, heads: int, context: int, seed: int) -> None:
        super().__init__(arch, heads, context)
        self._lot = torch.Generator().manual_seed(seed)

    def scores(self, importance: Tensor) -> Tensor:
        """Return random scores."""
        return torch.randint(0, 1 << self.arch.topk.score_bits, importance.shape, generator=self._lot)


def _in_front(scores: Tensor, first: Tensor, score_bits: int) -> Tensor:
    """Return `scores` with those at `first` all ones and all others below that."""
    top = (1 << score_bits) - 1
    return torch.where(first, top, scores.clamp(max=top - 1))
