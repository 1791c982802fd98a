"""Decisions: what was kept, refetched and searched, for every step, layer, head and query.

Written by golden (or completed from counts), read by the simulator, which decides nothing itself.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.records import KINDS
from tokensieve.workloads.container import Arrays, bytes_of, read_arrays, write_arrays
from tokensieve.workloads.fused import second_of_pair
from tokensieve.workloads.invariants import check
from tokensieve.workloads.layout import ARRAYS, RAGGED, SITES, VALUE_LIST, record_names
from tokensieve.workloads.meta import READ_VERSIONS, check_meta, decode_meta, encode_meta, upgraded
from tokensieve.workloads.ragged import Int32, Int64, Ragged, read_only
from tokensieve.workloads.tokentext import decode_texts, encode_texts

UInt8 = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False, kw_only=True)
class WorkRecords:
    """Work records of one kind: a list of set sizes for every command, empty where nothing is searched."""

    local: Ragged
    """Of the local value top-k, one list per query."""

    token: Ragged
    """Of the token selections, one list per group."""

    head: Ragged
    """Of the head selections, one list per group."""

    def __post_init__(self) -> None:
        for site in SITES:
            lists: Ragged = getattr(self, site)
            object.__setattr__(self, site, Ragged(read_only(lists.flat), read_only(lists.ptr)))

    @classmethod
    def of_arrays(cls, kind: str, arrays: Arrays) -> Self:
        """Return the records of `kind` in the arrays of a file."""
        return cls(**{site: Ragged(*(arrays[name] for name in record_names(kind, site))) for site in SITES})

    def arrays(self, kind: str) -> Arrays:
        """Return the arrays of a file that hold these records of `kind`."""
        arrays: Arrays = {}
        for site in SITES:
            lists: Ragged = getattr(self, site)
            arrays |= zip(record_names(kind, site), (lists.flat, lists.ptr), strict=True)
        return arrays


@dataclass(frozen=True, eq=False, kw_only=True)
class Decisions:
    """The pruning decisions of one run.

    A *row* is one live head of one layer of one step; rows are sorted by step, layer and head. A row has one query in
    decode and one per kept token in prefill; queries are numbered through in row order (the *running query number*). A
    *group* is one (step, layer), numbered ``step * layers + layer``.

    R rows, Q queries, S steps, L layers, H heads, G = S L groups. The arrays are read-only.
    """

    meta: Mapping[str, Any]
    """See `tokensieve.workloads.meta.Meta`."""

    row_index: Int32
    """Step, layer and original head id of each row, shape (R, 3)."""

    context: Int32
    """Tokens that the row could attend to before any was pruned, shape (R,)."""

    keys_kept: Int32
    """Keys that the row attends to, shape (R,)."""

    queries: Int32
    """Queries of the row, shape (R,)."""

    query_ptr: Int64
    """Where the queries of each row begin, shape (R + 1,)."""

    values_kept: Int32
    """Values that the query fetches after local value pruning, shape (Q,)."""

    lsb_refetch: UInt8
    """0 no second pass; 1 the low bits were fetched by the decision; 2 a second pass that the source's format forces,
    not counted as an LSB row. Shape (Q,)."""

    value_ids: Int32
    """Token ids of the kept values of each query, ascending. Empty in prefill."""

    value_ptr: Int64
    """Where they begin, shape (Q + 1,). All zero in prefill. Of lists that queries share: one place for each list."""

    token_ids: Int32
    """Token ids that each group attends to, ascending."""

    token_ptr: Int64
    """Where they begin, shape (G + 1,)."""

    heads_alive: UInt8
    """1 for each live head, shape (S, L, H)."""

    topk_token_count: Int32
    """Tokens offered and kept by the selection at the end of each group, (-1, -1) where none runs; shape (G, 2)."""

    topk_head_count: Int32
    """Heads offered and kept, as `topk_token_count`."""

    records: Mapping[str, WorkRecords] = field(default_factory=dict)
    """Work records of the top-k engines by kind (`tokensieve.arch.records`); `meta` says by which rules."""

    token_text: tuple[str, ...] | None = None
    """Text of each token, where known."""

    value_list: Int32 | None = None
    """Which list of `value_ids` each query uses, shape (Q,), where queries of a layer share one; None: its own."""

    def __post_init__(self) -> None:
        for name in (*ARRAYS, *([] if self.value_list is None else [VALUE_LIST])):
            object.__setattr__(self, name, read_only(getattr(self, name)))

    @property
    def phase(self) -> str:
        """Phase: `prefill` or `decode`."""
        return str(self.meta["phase"])

    @property
    def head_dim(self) -> int:
        """Width of one head, D."""
        return int(self.meta["D"])

    @property
    def heads(self) -> int:
        """Heads of a layer before any is pruned."""
        return int(self.meta["heads"])

    @property
    def layers(self) -> int:
        """Layers."""
        return int(self.meta["layers"])

    @property
    def steps(self) -> int:
        """Steps."""
        return int(self.meta["steps"])

    @cached_property
    def row_group(self) -> Int64:
        """Group of each row, ``step * layers + layer``."""
        return self.row_index[:, 0].astype(np.int64) * self.layers + self.row_index[:, 1]

    @cached_property
    def query_row(self) -> Int64:
        """Row of each query."""
        return np.repeat(np.arange(len(self.queries)), self.queries)

    @property
    def list_of_query(self) -> Int64:
        """List of `value_ids` that each query uses, shape (Q,)."""
        own = np.arange(len(self.values_kept)) if self.value_list is None else self.value_list
        return own.astype(np.int64)

    def bits(self, tensor: str) -> Int32:
        """Return the width of `tensor` (query, key, value or lsb) in DRAM for each row."""
        return np.broadcast_to(np.asarray(self.meta["bits"][tensor], np.int32), (len(self.queries),))

    @property
    def key_bits(self) -> Int32:
        """Width of a K element of each row in DRAM (its MSB plane), shape (R,)."""
        return self.bits("key")

    @property
    def value_bits(self) -> Int32:
        """Width of a V element of each row in DRAM, shape (R,)."""
        return self.bits("value")

    @cached_property
    def pair_second(self) -> npt.NDArray[np.bool_]:
        """Whether the row's K is the second of a fused pair."""
        return second_of_pair(self.key_bits, self.row_group)

    @cached_property
    def searches(self) -> npt.NDArray[np.bool_]:
        """Whether the local top-k of each query searches, shape (Q,).

        It does where some of the keys are kept, but not all, and where the query has a work record: the second head of
        a fused pair has none if it uses the choice of the first.
        """
        some: npt.NDArray[np.bool_] = (self.values_kept > 0) & (self.values_kept < self.keys_kept[self.query_row])
        first = next(iter(self.records.values()), None)  # every kind has a record of the same queries
        if first is not None:
            return some & (first.local.lengths > 0)
        return some & ~self.pair_second[self.query_row] if self.meta["pair_shares_values"] else some

    def ragged(self, name: str) -> Ragged:
        """Return the lists of the array called `name`, ``value_ids`` or ``token_ids``."""
        return Ragged(getattr(self, name), getattr(self, RAGGED[name]))

    def validate(self) -> Self:
        """Return these decisions, or raise `WorkloadError` naming the array and the rule that it breaks."""
        check(self)
        return self

    def number_arrays(self) -> Arrays:
        """Return the arrays of numbers by the names that they have in a file."""
        arrays: Arrays = {name: getattr(self, name) for name in ARRAYS}
        if self.value_list is not None:
            arrays[VALUE_LIST] = self.value_list
        for kind, records in self.records.items():
            arrays |= records.arrays(kind)
        return arrays

    def arrays(self) -> Arrays:
        """Return what a file of these decisions holds."""
        arrays = self.number_arrays()
        arrays["meta"] = np.frombuffer(encode_meta(self.meta), np.uint8)
        if self.token_text is not None:
            arrays["token_text"] = encode_texts(self.token_text)
        return arrays

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical content."""
        digest = hashlib.sha256()
        for name, array in sorted(self.arrays().items()):
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def save(self, path: Path | str) -> None:
        """Write these decisions to the `.npz` file at `path`; the same decisions give the same bytes."""
        write_arrays(Path(path), self.validate().arrays())

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Return the decisions in the file at `path`, validated."""
        known = {*ARRAYS, *_record_names(KINDS), VALUE_LIST, "meta", "token_text"}
        arrays = read_arrays(Path(path), known, "a trace of decisions")
        meta, text, shared = (arrays.pop(name, None) for name in ("meta", "token_text", VALUE_LIST))
        if meta is None:
            raise WorkloadError(f"{path}: is no decisions file: it has no array called 'meta'")
        head = decode_meta(bytes_of(meta, f"{path}: meta"), str(path))
        if type(head.get("version")) is not int or head["version"] not in READ_VERSIONS:
            versions = " and ".join(map(str, READ_VERSIONS))
            raise WorkloadError(f"{path}: decisions of versions {versions} are read, got {head.get('version')!r}")
        kinds = _kinds(head, path)
        names = [*ARRAYS, *_record_names(kinds)]
        if missing := [name for name in names if name not in arrays]:
            raise WorkloadError(f"{path}: the array {missing[0]!r} is missing")
        if surplus := [name for name in arrays if name not in names]:
            raise WorkloadError(f"{path}: the array {surplus[0]!r} is of a kind that meta.records does not name")
        try:
            words = None if text is None else decode_texts(text, arrays["context"])
            head = upgraded(head) if head["version"] == 1 else head
            records = {kind: WorkRecords.of_arrays(kind, arrays) for kind in kinds}
            own = {name: arrays[name] for name in ARRAYS}
            return cls(meta=head, token_text=words, value_list=shared, records=records, **own).validate()
        except WorkloadError as problem:
            raise WorkloadError(f"{path}: {problem}") from None


def _kinds(head: Mapping[str, Any], path: Path | str) -> list[str]:
    """Return the kinds of work records that a file with this meta data holds."""
    if head["version"] == 1:
        return ["radix", "quick"]
    kinds = head.get("records")
    if not isinstance(kinds, dict) or not kinds.keys() <= KINDS.keys():
        try:
            check_meta(head)
        except WorkloadError as problem:
            raise WorkloadError(f"{path}: {problem}") from None
    assert isinstance(kinds, dict), "check_meta refuses meta data without records"
    return list(kinds)


def _record_names(kinds: Iterable[str]) -> list[str]:
    """Return the names of the arrays of work records of these kinds."""
    return [name for kind in kinds for site in SITES for name in record_names(kind, site)]
