"""What a `Decisions` file says about itself."""

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from tokensieve.arch.base import ArchModel, build, plain_letters
from tokensieve.arch.datapath import Topk
from tokensieve.arch.errors import WorkloadError, nearest
from tokensieve.arch.records import KINDS, PIVOT_RULE
from tokensieve.workloads.models import ModelShape

VERSION = 2

READ_VERSIONS = (1, 2)
"""Versions that are read. Version 1 always held the work records of quick-select and of radix select, and had a field
for the rule of each."""

PLANE_BITS = (4, 6, 8, 10, 12)
"""Widths that an element of K or V may have in DRAM."""

BIT_CHOICES = {"query": (*PLANE_BITS, 16), "key": PLANE_BITS, "value": PLANE_BITS, "lsb": (0, 1, 2, 3, 4, 5, 6, 7, 8)}
"""Widths that each tensor may have; `lsb` 0 means that there is no plane of low bits."""

Count = Annotated[int, Field(ge=1, le=1 << 20)]


class _Common(ArchModel):
    """What both versions have. Every field is required."""

    phase: Literal["prefill", "decode"]
    """All queries of a text at once, or one query per step against a growing history."""

    model: Annotated[str, AfterValidator(plain_letters)]
    """Name of the model."""

    D: Annotated[int, Field(ge=1, le=1 << 12)]
    """Width of one head."""

    heads: Count
    """Heads of a layer before any is pruned."""

    layers: Count
    """Layers."""

    steps: Count
    """Steps: 1 in prefill, generated tokens in decode."""

    schedule: dict[str, Any] | None
    """Schedule that the decisions follow, where known."""

    bits: dict[str, Any]
    """Widths in DRAM of query, key, value and lsb: one for all rows, or a list with one per row."""

    threshold: Annotated[float | None, Field(ge=0, le=1)]
    """Largest probability below which a row's LSBs are fetched."""

    score_bits: Annotated[int, Field(ge=4, le=32)]
    """Width of the scores that the work records were made from."""

    text_sha256: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")]
    """SHA-256 of the text, where there is one."""

    licence: str
    """Licence of the data."""

    source: Literal["captured", "counts"]
    """Whether the decisions were made on real scores or completed from counts alone."""

    charge_io: bool
    """Whether query and output cross DRAM."""

    pair_shares_values: bool
    """Whether the two heads of a 6-bit pair share one V set and one local top-k, as in the authors' traces."""

    assumed: list[str]
    """What was filled in by rule and not observed, one sentence each."""


class Meta(_Common):
    """The meta data of a `Decisions`, version 2. Every field but `scores` and `shape` is required."""

    version: Literal[2]
    """Version of the format."""

    scores: str | None = None
    """Distribution of scores that the work records were drawn from; left out where there are none, or captured ones."""

    shape: ModelShape | None = None
    """Shape of the whole model, for its fully connected layers; left out where it is not known."""

    records: dict[str, str]
    """Kinds of work records that there are, each with the rule that they were made by (`tokensieve.arch.records`)."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.scores is not None and self.source == "captured":
            raise ValueError(f"scores must be left out where source is captured, got {self.scores!r}")
        return self


class MetaOfVersion1(_Common):
    """The meta data of version 1, which always held the records of both engines that have some."""

    version: Literal[1]
    """Version of the format."""

    digit_rule: str
    """How radix digits are cut: `Topk.digit_rule`."""

    pivot_rule: str
    """How quick-select draws its pivots."""


def make_meta(
    *,
    phase: str,
    model: str,
    D: int,
    heads: int,
    layers: int,
    steps: int,
    topk: Topk,
    bits: Mapping[str, Any] | None = None,
    schedule: dict[str, Any] | None = None,
    threshold: float | None = None,
    source: str = "captured",
    scores: str | None = None,
    shape: ModelShape | None = None,
    text_sha256: str | None = None,
    licence: str = "not stated",
    charge_io: bool = True,
    pair_shares_values: bool = False,
    assumed: Iterable[str] = (),
) -> dict[str, Any]:
    """Return complete meta data; the score width and the rules of the work records are those of `topk`."""
    return {
        "version": VERSION,
        "phase": phase,
        "model": model,
        "D": D,
        "heads": heads,
        "layers": layers,
        "steps": steps,
        "schedule": schedule,
        "bits": dict(bits or {"query": 12, "key": 8, "value": 8, "lsb": 4}),
        "threshold": threshold,
        "score_bits": topk.score_bits,
        "records": {name: kind.rule(topk) for name, kind in KINDS.items()},
        "text_sha256": text_sha256,
        "licence": licence,
        "source": source,
        **({} if scores is None else {"scores": scores}),
        **({} if shape is None else {"shape": shape.model_dump(mode="json", exclude_none=True)}),
        "charge_io": charge_io,
        "pair_shares_values": pair_shares_values,
        "assumed": list(assumed),
    }


def check_meta(meta: Mapping[str, Any]) -> None:
    """Raise `WorkloadError` unless every field of `meta` is there, known and of its type."""
    build(Meta, dict(meta), WorkloadError, source="decisions: meta")
    if unknown := [kind for kind in meta["records"] if kind not in KINDS]:
        choice = f"must be of the kinds {', '.join(KINDS)}, got {unknown[0]!r}{nearest(unknown[0], KINDS)}"
        raise WorkloadError(f"decisions: meta.records {choice}")
    if meta["phase"] == "prefill" and meta["steps"] != 1:
        raise WorkloadError(f"decisions: meta.steps must be 1 in prefill, got {meta['steps']}")
    try:
        encode_meta(meta)
    except (TypeError, ValueError) as problem:
        raise WorkloadError(f"decisions: meta cannot be written as JSON: {problem}") from None


def upgraded(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Return meta data of version 1 as that of today's version, or raise `WorkloadError` where it breaks its rules."""
    build(MetaOfVersion1, dict(meta), WorkloadError, source="decisions: meta")
    if meta["pivot_rule"] != PIVOT_RULE:
        raise WorkloadError(f"decisions: meta.pivot_rule must be {PIVOT_RULE!r}, got {meta['pivot_rule']!r}")
    kept = {name: value for name, value in meta.items() if name not in ("digit_rule", "pivot_rule")}
    return kept | {"version": VERSION, "records": {"radix": meta["digit_rule"], "quick": meta["pivot_rule"]}}


def check_bits(bits: Mapping[str, Any], rows: int) -> None:
    """Raise `WorkloadError` unless `bits` gives every tensor one width, or one width per row."""
    if set(bits) != set(BIT_CHOICES):
        raise WorkloadError(
            f"decisions: meta.bits must have the keys {', '.join(BIT_CHOICES)}, got {', '.join(bits) or 'none'}"
        )
    for name, choices in BIT_CHOICES.items():
        widths = bits[name] if isinstance(bits[name], list) else [bits[name]]
        bad = next((w for w in widths if type(w) is not int or w not in choices), None)
        if bad is not None or (isinstance(bits[name], list) and len(widths) != rows):
            got = repr(bad) if bad is not None else f"{len(widths)} widths for {rows} rows"
            raise WorkloadError(
                f"decisions: meta.bits.{name} must be in {choices}, for all rows or one per row, got {got}"
            )


def encode_meta(meta: Mapping[str, Any]) -> bytes:
    """Return `meta` as canonical JSON."""
    return json.dumps(meta, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def decode_meta(data: bytes, source: str) -> dict[str, Any]:
    """Return the mapping that `data` encodes; `source` names the file in errors."""
    try:
        meta = json.loads(data.decode(), object_pairs_hook=_no_duplicates)
    except (UnicodeDecodeError, ValueError, RecursionError) as problem:
        raise WorkloadError(f"{source}: meta is not valid JSON: {problem}") from None
    if not isinstance(meta, dict):
        raise WorkloadError(f"{source}: meta must be a JSON object, got {type(meta).__name__}")
    return meta


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a key is given twice")
    return dict(pairs)
