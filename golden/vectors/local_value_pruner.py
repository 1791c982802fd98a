"""Vectors of the local value pruner: the probabilities of a query, and which of its values are fetched."""

import numpy as np
import torch

from tokensieve.arch.machine import Arch
from tokensieve.golden.records import command_seed
from tokensieve.golden.vectors import ragged
from tokensieve.golden.vectors.topk import answer, commands_of, work_of
from tokensieve.workloads.vectors import Vectors


def make(arch: Arch, count: int, seed: int, scores: str | None = None) -> Vectors:
    """Return `count` queries: the corners of the top-k engine, then all distributions, or only that of `scores`."""
    topk, bits = arch.topk, arch.softmax.probability_bits
    commands = commands_of(topk.model_copy(update={"score_bits": bits}), count, seed, scores)
    answers = answer(topk, commands)
    lengths = np.array([len(command.scores) for command in commands], dtype=np.int64)
    ks = np.array([command.k for command in commands], dtype=np.int64)
    seeds = command_seed(torch.tensor([command.number for command in commands])).numpy()
    kept = [found.kept for found in answers]
    return Vectors(
        unit="local-value-pruner",
        arch={"topk": topk.model_dump(mode="json"), "softmax": arch.softmax.model_dump(mode="json")},
        seed=seed,
        inputs={"n": lengths, "k": ks, "seed": seeds, **ragged("probabilities", [c.scores for c in commands])},
        expected={
            **ragged("kept", kept),
            **ragged("kept_probabilities", [c.scores[places] for c, places in zip(commands, kept, strict=True)]),
            **ragged("requested", kept),
            "status": np.array([found.status for found in answers], dtype=np.int64),
        },
        work=work_of(commands, answers),
    )
