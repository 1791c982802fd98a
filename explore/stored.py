"""What a store is given and gives back: machines, workloads, points."""

import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tokensieve.arch.errors import StoreError
from tokensieve.arch.machine import Arch
from tokensieve.arch.reading import MOST_BYTES
from tokensieve.arch.technology import load_technology
from tokensieve.explore.columns import Value

Status = Literal["ok", "refused", "failed"]
STATUSES: tuple[Status, ...] = get_args(Status)
"""A point that was priced; one that a rule of the machine or of the work refuses; one that ended in an error."""

KEY_BYTES = 16
"""Length of a key: two of 10^9 points share one with a probability of 10^-21."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A machine that points differ from in a few fields."""

    digest: str
    """SHA-256 of the machine."""

    arch: Mapping[str, Any]
    """Every field, nested, as JSON has it."""

    text: str
    """Preset or file that it was loaded from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What points were priced on."""

    digest: str
    """SHA-256 of what the decisions are made from."""

    name: str
    """Name in tables."""

    data: Mapping[str, Any]
    """How to make it again: `workload` (its fields) or `trace` (SHA-256 of the file), `seed`, `scores`; and its
    `tokens`, which follow from that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One design on one workload at one level of fidelity."""

    key: bytes
    """Digest of all that its figures follow from (`point_key`)."""

    base: int
    """Number of the machine in the store."""

    workload: int
    """Number of the workload in the store."""

    level: str
    """Level of fidelity."""

    sweep: int
    """Number of the sweep that priced it first."""

    overrides: Mapping[str, Any]
    """Fields that differ from the base, by dotted path."""

    status: Status = "ok"
    """Whether it was priced."""

    message: str | None = None
    """Rule that refuses it, or the error that it ended in."""

    totals: Mapping[str, Value] | None = None
    """Columns of `columns.TOTALS`; None where it was not priced."""

    full: bytes | None = None
    """Whole `result.json`, compressed (`packed`): levels `cycle` and `rtl`."""

    id: int | None = None
    """Number in the store; None before it is stored."""

    def __post_init__(self) -> None:
        """Refuse what no store could keep."""
        if len(self.key) != KEY_BYTES:
            raise StoreError(f"key of a point must have {KEY_BYTES} bytes, got {len(self.key)}")
        if self.status not in STATUSES:
            raise StoreError(f"status of a point must be one of {', '.join(STATUSES)}, got {self.status!r}")
        if (self.status == "ok") != (self.totals is not None):
            raise StoreError(f"a point has totals if it was priced, and a message if not; got status {self.status!r}")


def point_key(
    arch: Arch, workload: str, level: str, *, model: str, reference: str = "none", seed: int = 0, scores: str = ""
) -> bytes:
    """Return the key of a point: `KEY_BYTES` of SHA-256 over all that its figures follow from.

    `workload` is the digest of the work, `model` the version of the cycle model (`sim.reference.version`), `reference`
    the kind of the un-pruned run beside it, `scores` the distribution that records are drawn from, with `seed`.
    """
    return key_of(arch.digest, load_technology(arch.technology).digest, workload, level, model, reference, seed, scores)


def key_of(
    arch: str, technology: str, workload: str, level: str, model: str, reference: str, seed: int, scores: str
) -> bytes:
    """Return the key of a point by digests, for callers that have those of many machines at hand."""
    return next(keys_of([arch], technology, workload, level, model, reference, seed, scores))


def keys_of(
    archs: Iterable[str], technology: str, workload: str, level: str, model: str, reference: str, seed: int, scores: str
) -> Iterator[bytes]:
    """Yield `key_of` of many machines that all else is the same for."""
    rest = json.dumps([technology, workload, level, model, reference, seed, scores], separators=(",", ":"))[1:]
    for arch in archs:
        yield hashlib.sha256(f'["{arch}",{rest}'.encode()).digest()[:KEY_BYTES]


def packed(text: str) -> bytes:
    """Return the text of a result as it is stored."""
    return zlib.compress(text.encode(), 6)


def unpacked(data: bytes) -> str:
    """Return the text that `packed` was given. Raises `ValueError` for bytes that are no packed text of a result."""
    opener = zlib.decompressobj()
    try:
        text = opener.decompress(data, MOST_BYTES)
    except zlib.error as problem:
        raise ValueError(str(problem)) from None
    if not opener.eof:
        raise ValueError(f"they end early, or unpack to more than {MOST_BYTES:,} bytes")
    return text.decode()
