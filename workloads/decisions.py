"""Decisions, version 1: what was kept, refetched and searched, for every step, layer, head and query.

Written by golden (or completed from counts), read by the simulator, which decides nothing itself.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.workloads.container import Arrays, read_arrays, write_arrays
from tokensieve.workloads.invariants import check
from tokensieve.workloads.layout import ARRAYS, RAGGED
from tokensieve.workloads.meta import VERSION, decode_meta, encode_meta
from tokensieve.workloads.ragged import Int32, Int64, Ragged

UInt8 = npt.NDArray[np.uint8]


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
    """Where they begin, shape (Q + 1,). All zero in prefill."""

    token_ids: Int32
    """Token ids that each group attends to, ascending."""

    token_ptr: Int64
    """Where they begin, shape (G + 1,)."""

    heads_alive: UInt8
    """1 for each live head, shape (S, L, H)."""

    topk_local_radix: Int32
    """Work records of the local value top-k: sizes of the surviving set after each decided digit."""

    topk_local_radix_ptr: Int64
    """Where they begin, shape (Q + 1,)."""

    topk_local_quick: Int32
    """Work records of the local value top-k: sizes of the set that each quick-select round streams."""

    topk_local_quick_ptr: Int64
    """Where they begin, shape (Q + 1,)."""

    topk_token_count: Int32
    """Tokens offered and kept by the selection at the end of each group, (-1, -1) where none runs; shape (G, 2)."""

    topk_token_radix: Int32
    topk_token_radix_ptr: Int64
    topk_token_quick: Int32
    topk_token_quick_ptr: Int64
    """Work records of the token selections, one list per group."""

    topk_head_count: Int32
    """Heads offered and kept, as `topk_token_count`."""

    topk_head_radix: Int32
    topk_head_radix_ptr: Int64
    topk_head_quick: Int32
    topk_head_quick_ptr: Int64
    """Work records of the head selections, one list per group."""

    token_text: tuple[str, ...] | None = None
    """Text of each token, where known."""

    def __post_init__(self) -> None:
        for name in ARRAYS:
            array = np.asarray(getattr(self, name)).view()
            array.flags.writeable = False
            object.__setattr__(self, name, array)

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
        """Whether the row is the second of a fused pair: two consecutive 6-bit rows of a group."""
        six = self.key_bits == 6
        same = np.zeros(len(six), bool)
        same[1:] = six[1:] & six[:-1] & (self.row_group[1:] == self.row_group[:-1])
        position = np.arange(len(six))
        start = np.maximum.accumulate(np.where(same, 0, position))
        second: npt.NDArray[np.bool_] = six & ((position - start) % 2 == 1)
        return second

    def ragged(self, name: str) -> Ragged:
        """Return the lists of the array called `name`, for example ``value_ids`` or ``topk_local_quick``."""
        return Ragged(getattr(self, name), getattr(self, RAGGED[name]))

    def validate(self) -> Self:
        """Return these decisions, or raise `WorkloadError` naming the array and the rule that it breaks."""
        check(self)
        return self

    def arrays(self) -> Arrays:
        """Return what a file of these decisions holds."""
        arrays: Arrays = {name: getattr(self, name) for name in ARRAYS}
        arrays["meta"] = np.frombuffer(encode_meta(self.meta), np.uint8)
        if self.token_text is not None:
            arrays["token_text"] = np.frombuffer("\0".join(self.token_text).encode(), np.uint8)
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
        arrays = read_arrays(Path(path), {*ARRAYS, "meta", "token_text"})
        meta, text = arrays.pop("meta", None), arrays.pop("token_text", None)
        if meta is None:
            raise WorkloadError(f"{path}: is no decisions file: it has no array called 'meta'")
        head = decode_meta(_bytes(meta, "meta", path), str(path))
        if head.get("version") != VERSION:
            raise WorkloadError(f"{path}: decisions of version {VERSION} are read, got {head.get('version')!r}")
        missing = [name for name in ARRAYS if name not in arrays]
        if missing:
            raise WorkloadError(f"{path}: the array {missing[0]!r} is missing")
        try:
            words = None if text is None else tuple(_bytes(text, "token_text", path).decode().split("\0"))
            return cls(meta=head, token_text=words, **arrays).validate()
        except UnicodeDecodeError:
            raise WorkloadError(f"{path}: token_text is not UTF-8") from None
        except WorkloadError as problem:
            raise WorkloadError(f"{path}: {problem}") from None


def _bytes(array: npt.NDArray[Any], name: str, path: Path | str) -> bytes:
    if array.dtype != np.uint8 or array.ndim != 1:
        raise WorkloadError(f"{path}: {name} must be a list of bytes, got {array.dtype} of shape {array.shape}")
    return array.tobytes()
