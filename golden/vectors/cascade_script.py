"""Scripts of the cascade pruner: commands, what follows them, and what golden's cascade makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from tokensieve.arch.machine import Arch
from tokensieve.arch.status import Status
from tokensieve.golden.attention import Head
from tokensieve.golden.cascade import Cascade, Chosen
from tokensieve.workloads.distributions import scores as draw

Whole = npt.NDArray[np.int64]
Op = Literal["clear", "grow", "add", "prune"]

OPS: tuple[Op, ...] = ("clear", "grow", "add", "prune")
"""Commands by their numbers in the vectors."""

_NONE = np.zeros((0, 0), np.int64)
_MANY = 64
"""More vectors than these are short ones, so that fetching does not last much longer than all the rest of a script."""


@dataclass(frozen=True)
class Step:
    """One command, with what follows it and what comes of it."""

    op: Op
    heads: bool
    n: int = 0
    queries: Whole = field(default_factory=lambda: _NONE)
    """ADD: probabilities or outputs of each query."""

    k: int = 0
    number: int = 0
    pin: bool = False
    row_bytes: int = 0
    """PRUNE: bytes of the vectors to fetch, or 0."""

    fetch: bool = False
    """PRUNE of heads: it asks for vectors, of which heads have none."""

    offered: int = 0
    positions: Whole = field(default_factory=lambda: np.zeros(0, np.int64))
    ids: Whole = field(default_factory=lambda: np.zeros(0, np.int64))
    sizes: Sequence[int] = ()
    status: int = 0
    """Code of an illegal command; 0 of others."""

    def fetches(self, arch: Arch) -> bool:
        """Return whether vectors are fetched: not if they are to have more bytes than there may be."""
        return 0 < self.row_bytes <= arch.gather.max_row_bytes


class Script:
    """Writes a script, and follows it with golden's cascade."""

    def __init__(self, arch: Arch, rng: np.random.Generator, name: str, context: int, heads: int) -> None:
        self.arch, self.rng, self.name = arch, rng, name
        self.cascade = Cascade(arch, heads, context)
        self.number = int(rng.integers(1 << 16))
        self.steps = [Step("clear", False, context), Step("clear", True, heads)]

    def layer(self, queries: int, width: int) -> None:
        """Add what each alive head makes of `queries` queries, its output `width` elements wide."""
        for place, head in enumerate(self.cascade.heads.tolist()):
            probabilities = np.stack([self._probabilities() for _ in range(queries)])
            most = 1 << (self.arch.number.output_bits - 1)
            output = self.rng.integers(-most, most, (queries, width))
            none = torch.zeros(queries, 0)
            made = Head(torch.from_numpy(probabilities), none, none, torch.from_numpy(output))
            self.cascade.add(head, made)
            self.steps += [Step("add", False, queries, probabilities), Step("add", True, place, output)]

    def _probabilities(self) -> Whole:
        seed = int(self.rng.integers(1 << 30))
        return draw(self.name, len(self.cascade.tokens), self.arch.softmax.probability_bits, seed).astype(np.int64)

    def clear(self, context: int, heads: bool = False) -> None:
        """Begin again with `context` tokens, or so many heads; what there was of them is gone."""
        fresh = Cascade(self.arch, context, context)
        if heads:
            self.cascade.heads, self.cascade.head_sum = fresh.heads, fresh.head_sum
        else:
            self.cascade.tokens, self.cascade.token_sum = fresh.tokens, fresh.token_sum
        self.steps.append(Step("clear", heads, context))

    def grow(self, more: int = 1, heads: bool = False) -> None:
        """Add tokens, in decode the one of a step, or heads."""
        for _ in range(more):
            self.cascade.append_head() if heads else self.cascade.append_token()
        self.steps.append(Step("grow", heads, more))

    def prune_tokens(self, k: int, pin: bool = False, row_bytes: int = 0) -> None:
        """Keep `k` tokens; with `pin` the last one whatever its importance."""
        before = self.cascade.tokens
        if not len(before):
            self.illegal(Step("prune", False, k=k, number=self.number, pin=pin, row_bytes=row_bytes), Status.EMPTY_SET)
            return
        if k > _MANY:
            row_bytes = min(row_bytes, self.arch.dram.granule_bytes // 2)
        chosen = self.cascade.prune_tokens(k, self.number, int(before[-1]) if pin else None)
        self._pruned(before, chosen, Step("prune", False, k=k, number=self.number, pin=pin, row_bytes=row_bytes))

    def prune_heads(self, k: int, pin: bool = False, fetch: bool = False) -> None:
        """Keep `k` heads; with `pin` the last one whatever its importance."""
        before = self.cascade.heads
        step = Step("prune", True, k=k, number=self.number, pin=pin, fetch=fetch)
        if not len(before):
            self.illegal(step, Status.EMPTY_SET)
            return
        self._pruned(before, self.cascade.prune_heads(k, self.number, int(before[-1]) if pin else None), step)

    def illegal(self, step: Step, status: Status) -> None:
        """Give a command that is not obeyed."""
        self.steps.append(replace(step, status=status))

    def _pruned(self, before: torch.Tensor, chosen: Chosen, step: Step) -> None:
        sizes = chosen.records.get(self.arch.topk.record or "", [])
        positions = torch.searchsorted(before, chosen.kept).numpy()
        self.number += 1
        self.steps.append(
            Step(
                **{name: getattr(step, name) for name in ("op", "heads", "k", "number", "pin", "row_bytes", "fetch")},
                offered=chosen.offered, positions=positions, ids=chosen.kept.numpy(), sizes=sizes,
            )
        )  # fmt: skip
