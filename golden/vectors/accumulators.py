"""Scripts of commands to an accumulator of importance, and what must come of them. For tokens and heads alike."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tokensieve.arch.status import Status
from tokensieve.golden.topk import ranking_scores, top_k
from tokensieve.golden.vectors import ragged

Whole = npt.NDArray[np.int64]
Op = Literal["clear", "grow", "add", "keep", "read", "unknown"]

OPS: tuple[Op, ...] = ("clear", "grow", "add", "keep", "read", "unknown")
"""Commands by their numbers in the vectors; the last is none of the unit's."""

_UNKNOWN = OPS.index("unknown")


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

    status: list[int]
    """Code of each step that is illegal, 0 of the others."""


class Sums(ABC):
    """Saturating sums of the alive, in order, up to `capacity`. Tokens and heads differ in what is added."""

    def __init__(self, bits: int, score_bits: int, capacity: int) -> None:
        self.most, self.score_bits, self.capacity = (1 << bits) - 1, score_bits, capacity
        self.sums = torch.zeros(0, dtype=torch.int64)

    @abstractmethod
    def add(self, step: Step) -> None:
        """Add a step's queries."""

    @abstractmethod
    def refuse(self, step: Step) -> int:
        """Return the code of an illegal ADD, 0 of others."""

    def judge(self, step: Step) -> int:
        """Return the code of an illegal step, 0 of others."""
        match step.op:
            case "clear" if step.n > self.capacity:
                return Status.TOO_MANY
            case "grow" if len(self.sums) + step.n > self.capacity:
                return Status.GROW
            case "add":
                return self.refuse(step)
            case "unknown":
                return Status.UNKNOWN
        return 0

    def obey(self, step: Step) -> Whole | None:
        """Do what a step says; return the scores of a READ. An illegal one does nothing."""
        match step.op:
            case _ if self.judge(step):
                pass
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
        scores, alive, status = [], [], []
        for step in script:
            alive.append(len(self.sums))
            status.append(self.judge(step))
            read = self.obey(step)
            if read is not None:
                scores.append(read)
        return Outcome(scores, alive, status)


class TokenSums(Sums):
    """Element i of a query is added to sum i."""

    def add(self, step: Step) -> None:
        """Add each query in turn."""
        for query in torch.from_numpy(step.queries):
            self.sums[: len(query)] = (self.sums[: len(query)] + query).clamp(max=self.most)

    def refuse(self, step: Step) -> int:
        """There must be queries, and tokens that they are about."""
        return Status.NONE_OFFERED if not step.n else 0 if len(self.sums) else Status.EMPTY_SET


class HeadSums(Sums):
    """The magnitudes of all elements are added to sum `n`."""

    begun = 0
    """Heads that were added to: the first so many."""

    def obey(self, step: Step) -> Whole | None:
        """Do what a step says, and count the heads that were added to."""
        legal, read = not self.judge(step), super().obey(step)
        if legal and step.op in ("clear", "keep"):
            self.begun = len(step.kept)
        if legal and step.op == "add":
            self.begun = max(self.begun, step.n + 1)
        return read

    def refuse(self, step: Step) -> int:
        """The head must be alive, and none before it may never have been added to."""
        return 0 if step.n < len(self.sums) and step.n <= self.begun else Status.TOO_MANY

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
    """Return what the law takes of each step: lines added, sums kept and the last of them, sums read, or illegal.

    An unknown operation takes what an illegal CLEAR takes.
    """
    lines = [[len(step.queries) * -(-step.queries.shape[1] // lanes) for step in script] for script in scripts]
    last = [[int(step.kept[-1]) if len(step.kept) else 0 for step in script] for script in scripts]
    return {
        **ragged("op", [[OPS.index(step.op) % _UNKNOWN for step in script] for script in scripts]),
        **ragged("lines", lines),
        **ragged("kept", [[len(step.kept) for step in script] for script in scripts]),
        **ragged("last", last),
        **ragged("items", [outcome.alive for outcome in outcomes]),
        **ragged("illegal", [[int(code > 0) for code in outcome.status] for outcome in outcomes]),
    }


def padded(scores: Sequence[Whole], lanes: int) -> Whole:
    """Return the scores of several READs, one after the other, with zeros in the lanes beyond the last sum."""
    whole = [np.pad(one, (0, -len(one) % lanes)) for one in scores]
    return np.concatenate([np.zeros(0, np.int64), *whole])
