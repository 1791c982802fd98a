"""How many keys the policies of other accelerators look at, query by query: counted on real attention, or assumed."""

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.workloads.container import read_arrays, write_arrays
from tokensieve.workloads.decisions import Decisions

Counts = npt.NDArray[np.int64]

COUNTS = ("a3_candidates", "a3_used", "a3_aggressive_candidates", "a3_aggressive_used", "mnnfast_used")
"""Counts of a file, each of shape ``(layers, heads, queries)``: keys that A3 computes exact scores for, keys that it
uses after that, both for either setting of its knobs, and values that MNNFast multiplies."""

VERSION = 1
_META = ("version", "model", "text_sha256", "licence", "knobs")
_SHIPPED = "minilm-pairs.npz"


@dataclass(frozen=True)
class Pairs:
    """Counts of one un-pruned prefill."""

    meta: dict[str, Any]
    """Model, SHA-256 and licence of the text, and the policies' knobs."""

    counts: dict[str, npt.NDArray[np.uint16]]
    """By the names of `COUNTS`."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Layers, heads and queries; a query may take as many keys as there are queries."""
        return self.counts[COUNTS[0]].shape

    def share(self, name: str) -> float:
        """Return the mean of a count as a share of the keys.

        >>> round(shipped_pairs().share("a3_candidates"), 3)
        0.284
        """
        return float(self.counts[name].mean() / self.shape[2])


@dataclass(frozen=True)
class Taken:
    """Counts for the queries of a workload, and where they are from."""

    counts: Counts
    """One for every query, row after row."""

    assumed: str | None
    """What was assumed, in a sentence; None where the counts are those of this very text and model."""


def taken(pairs: Pairs, name: str, decisions: Decisions, keys: Counts) -> Taken:
    """Return the counts `name` for the un-pruned queries of `decisions`, which see `keys` keys each.

    Where `pairs` were counted on the same text with the same model they are taken as they are, else as shares.
    """
    if fits(pairs, decisions) and len(keys) == pairs.counts[name].size:
        return Taken(pairs.counts[name].reshape(-1).astype(np.int64), None)
    share = pairs.share(name)
    told = f"{name.rpartition('_')[2]}: {share:.1%} of the keys, as on {pairs.meta['model'].partition(' (')[0]}"
    return Taken(np.maximum(np.rint(share * keys), 1).astype(np.int64), told)


def fits(pairs: Pairs, decisions: Decisions) -> bool:
    """Return whether `pairs` were counted on the text and the model of `decisions`."""
    meta = decisions.meta
    return (
        decisions.phase == "prefill"
        and pairs.shape[:2] == (decisions.layers, decisions.heads)
        and (pairs.meta["model"], pairs.meta["text_sha256"]) == (meta["model"], meta["text_sha256"])
    )


def read_pairs(path: Path | str) -> Pairs:
    """Return the counts in the file at `path`, or raise `WorkloadError` with what is wrong with it."""
    arrays = read_arrays(Path(path), ("meta", *COUNTS), "a file of the keys that other accelerators look at")
    if missing := [name for name in ("meta", *COUNTS) if name not in arrays]:
        raise WorkloadError(f"{path}: array {missing[0]!r} is missing")
    pairs = Pairs(_meta(path, arrays.pop("meta")), {name: arrays[name] for name in COUNTS})
    shape = pairs.shape
    for name, counts in pairs.counts.items():
        if counts.dtype != np.uint16 or counts.ndim != 3 or counts.shape != shape or counts.size == 0:
            raise WorkloadError(f"{path}: {name} must be uint16 of shape {shape}, got {counts.dtype} of {counts.shape}")
        if counts.min() < 1 or counts.max() > shape[2]:
            raise WorkloadError(f"{path}: {name} must be in 1..{shape[2]}, got {counts.min()} to {counts.max()}")
    return pairs


def _meta(path: Path | str, content: npt.NDArray[Any]) -> dict[str, Any]:
    try:
        meta = json.loads(content.tobytes().decode())
    except (ValueError, RecursionError):
        raise WorkloadError(f"{path}: meta is not JSON") from None
    if (
        not isinstance(meta, dict)
        or sorted(meta) != sorted(_META)
        or type(meta["version"]) is not int
        or meta["version"] != VERSION
    ):
        raise WorkloadError(f"{path}: meta must hold {', '.join(_META)}, with version {VERSION}")
    if not all(isinstance(meta[name], str) for name in ("model", "text_sha256", "licence")):
        raise WorkloadError(f"{path}: model, text_sha256 and licence of meta must be texts")
    return meta


def write_pairs(path: Path, pairs: Pairs) -> None:
    """Write `pairs`; the same counts give the same bytes."""
    content = json.dumps(pairs.meta, sort_keys=True).encode()
    write_arrays(path, {"meta": np.frombuffer(content, np.uint8), **pairs.counts})


@lru_cache
def shipped_pairs() -> Pairs:
    """Return the counts on the text and the model of the trace that ships with the package."""
    return read_pairs(Path(str(resources.files("tokensieve.workloads") / "data" / _SHIPPED)))
