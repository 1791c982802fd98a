"""Scripts of commands to an accumulator of importance, and what must come of them. For tokens and heads alike."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tokensieve.golden.topk import ranking_scores, top_k
from tokensieve.golden.vectors import ragged

Whole = npt.NDArray[np.int64]
Op = Literal["clear", "grow", "add", "keep", "read"]

OPS: tuple[Op, ...] = ("clear", "grow", "add", "keep", "read")
"""Commands by their numbers in the vectors."""


@dataclass(frozen=True)
class Step:
    """One command of a script."""

    op: Op
    n: int = 0
    """CLEAR, GROW: sums. ADD: the number that the command carries."""

    queries: Whole = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    """ADD: elements of each query."""

    kept: Whole = field(default_factory=lambda: np.zeros(0, np.int64))
    """KEEP: positions."""

    pin: int = 0
    """READ: whether the last one is put in front of all others."""


@dataclass(frozen=True)
class Outcome:
    """What came of a script: the scores of all its READs, and each step's work."""

    scores: list[Whole]
    alive: list[int]
    """Sums alive at each step, before it."""


class Sums(ABC):
    """Saturating sums of the alive, in order. Additions are what differs between tokens and heads."""

    def __init__(self, bits: int, score_bits: int) -> None:
        self.most, self.score_bits = (1 << bits) - 1, score_bits
        self.sums = torch.zeros(0, dtype=torch.int64)

    @abstractmethod
    def add(self, step: Step) -> None:
        """Add a step's queries."""

    def obey(self, step: Step) -> Whole | None:
        """Do what a step says; return the scores of a READ."""
        match step.op:
            case "clear":
                self.sums = torch.zeros(step.n, dtype=torch.int64)
            case "grow":
                self.sums = torch.cat([self.sums, torch.zeros(step.n, dtype=torch.int64)])
            case "add":
                self.add(step)
            case "keep":
                self.sums = self.sums[torch.from_numpy(step.kept)]
            case "read":
                return self.scores(bool(step.pin)).numpy()
        return None

    def scores(self, pin: bool) -> Tensor:
        """Return the ranking scores; with `pin`, that of the last one is all ones and the others are below."""
        scores, top = ranking_scores(self.sums, self.score_bits), (1 << self.score_bits) - 1
        if pin:
            scores = scores.clamp(max=top - 1)
            scores[-1:] = top
        return scores

    def play(self, script: Sequence[Step]) -> Outcome:
        """Return what comes of a script."""
        scores, alive = [], []
        for step in script:
            alive.append(len(self.sums))
            read = self.obey(step)
            if read is not None:
                scores.append(read)
        return Outcome(scores, alive)


class TokenSums(Sums):
    """Element i of a query is added to sum i."""

    def add(self, step: Step) -> None:
        """Add each query in turn."""
        for query in torch.from_numpy(step.queries):
            self.sums[: len(query)] = (self.sums[: len(query)] + query).clamp(max=self.most)


class HeadSums(Sums):
    """The magnitudes of all elements are added to sum `n`."""

    def add(self, step: Step) -> None:
        """Add all elements up."""
        total = self.sums[step.n] + torch.from_numpy(step.queries).abs().sum()
        self.sums[step.n] = total.clamp(max=self.most)


def kept_of(scores: Whole, k: int) -> Whole:
    """Return the positions that a top-k keeps."""
    kept: Whole = top_k(torch.from_numpy(scores)[None], k).kept[0].numpy()
    return kept


def inputs_of(scripts: Sequence[Sequence[Step]]) -> dict[str, Whole]:
    """Return scripts as arrays; of each step, `rows` is the number of queries and `width` the elements of one."""
    return {
        **ragged("op", [[OPS.index(step.op) for step in script] for script in scripts]),
        **ragged("n", [[step.n for step in script] for script in scripts]),
        **ragged("pin", [[step.pin for step in script] for script in scripts]),
        **ragged("rows", [[len(step.queries) for step in script] for script in scripts]),
        **ragged("width", [[step.queries.shape[1] for step in script] for script in scripts]),
        **ragged("kept", [[len(step.kept) for step in script] for script in scripts]),
        **ragged("elements", [np.concatenate([step.queries.reshape(-1) for step in script]) for script in scripts]),
        **ragged("ids", [np.concatenate([step.kept for step in script]) for script in scripts]),
    }


def work_of(scripts: Sequence[Sequence[Step]], outcomes: Sequence[Outcome], lanes: int) -> dict[str, Whole]:
    """Return what the law takes of each step: lines added, sums kept and the last of them, sums read."""
    lines = [[len(step.queries) * -(-step.queries.shape[1] // lanes) for step in script] for script in scripts]
    last = [[int(step.kept[-1]) if len(step.kept) else 0 for step in script] for script in scripts]
    return {
        **ragged("op", [[OPS.index(step.op) for step in script] for script in scripts]),
        **ragged("lines", lines),
        **ragged("kept", [[len(step.kept) for step in script] for script in scripts]),
        **ragged("last", last),
        **ragged("items", [outcome.alive for outcome in outcomes]),
    }


def padded(scores: Sequence[Whole], lanes: int) -> Whole:
    """Return the scores of several READs, one after the other, with zeros in the lanes beyond the last sum."""
    whole = [np.pad(one, (0, -len(one) % lanes)) for one in scores]
    return np.concatenate([np.zeros(0, np.int64), *whole])
