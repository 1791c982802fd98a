"""Selections on a top-k engine in Amaranth's simulator, and what golden and the law say of them."""

from dataclasses import dataclass

import numpy as np
import torch

from tokensieve.arch import Arch
from tokensieve.arch.topklaw import TopkWork
from tokensieve.golden.topk import top_k
from tokensieve.golden.vectors import ragged
from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import case
from tokensieve.rtl.flow.harness.topk import TopkHarness
from tokensieve.workloads.vectors import Vectors


@dataclass(frozen=True)
class Selection:
    """One command's outcome."""

    kept: list[int]
    threshold: int
    ties: int
    select: int
    total: int | None
    whole: bool = True
    """Whether all has come of the run that it was part of, and no beat on offer was withdrawn or changed, and no
    sizes were reported."""


def alone(topk, commands):
    """Return the outcomes of `commands`, pairs of scores and k, each run from reset."""
    return [outcome for outcomes in _runs(topk, commands, [[n] for n in range(len(commands))]) for outcome in outcomes]


def back_to_back(topk, commands):
    """Return the outcomes of `commands` without a pause between them.

    `total` is left out: a short command waits for the drain of a long one before it.
    """
    (outcomes,) = _runs(topk, commands, [list(range(len(commands)))])
    return [Selection(o.kept, o.threshold, o.ties, o.select, None, o.whole) for o in outcomes]


def expected(topk, commands, total=True):
    """Return the outcomes of `commands` by golden and by the law."""
    works = [TopkWork(items=len(scores), kept=k, sizes=()) for scores, k in commands]
    return [
        Selection(*_golden(topk, *command), topk.law.select(work), topk.law.cycles(work) if total else None)
        for command, work in zip(commands, works, strict=True)
    ]


def _golden(topk, scores, k):
    """Return what must be kept, and the threshold and ties that a search, or a command without one, reports."""
    found = top_k(torch.tensor([scores]), k)
    verdict = int(found.threshold[0]), int(found.ties[0])
    if k == 0:
        verdict = (1 << topk.score_bits) - 1, 0
    elif k >= len(scores):
        verdict = 0, len(scores)
    return found.kept[0].tolist(), *verdict


def _runs(topk, commands, groups):
    """Return the outcomes of each group of commands, which runs from reset."""
    arch, harness, vectors = Arch.model_construct(topk=topk), TopkHarness(), _vectors(topk, commands)
    limit = 100 + sum(topk.law.cycles(TopkWork(items=len(scores), kept=k, sizes=())) for scores, k in commands)
    cases = [case(harness.stimulus(arch, vectors, group), limit=limit) for group in groups]
    records = run(harness.component(arch), cases)

    return [_outcomes(harness, arch, vectors, group, record) for group, record in zip(groups, records, strict=True)]


def _outcomes(harness, arch, vectors, group, record):
    whole = record.complete and not record.broken and not record.events["round"]
    seen = harness.observed(arch, vectors, group, record)
    cycles = harness.cycles(arch, vectors, group, record)
    return [
        Selection(one["kept"].tolist(), int(one["threshold"]), int(one["ties"]), **took, whole=whole)
        for one, took in zip(seen, cycles, strict=True)
    ]


def _vectors(topk, commands):
    """Return the commands as the harness reads them."""
    return Vectors(
        unit="topk",
        arch=topk.model_dump(mode="json"),
        seed=0,
        inputs={
            "n": np.array([len(scores) for scores, _ in commands]),
            "k": np.array([k for _, k in commands]),
            "seed": np.ones(len(commands), np.int64),
            **ragged("scores", [scores for scores, _ in commands]),
        },
        expected=ragged("kept", [top_k(torch.tensor([scores]), k).kept[0] for scores, k in commands]),
        work={},
    )
