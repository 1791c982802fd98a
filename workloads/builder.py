"""Builds `Decisions` row by row."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.workloads.decisions import Decisions, WorkRecords
from tokensieve.workloads.layout import SELECTIONS, record_names
from tokensieve.workloads.ragged import Int32, Ragged

Lists = Ragged | Iterable[npt.ArrayLike] | None
"""One list of whole numbers per query, in any of three forms; None stands for empty lists."""

Sizes = Mapping[str, npt.ArrayLike]
"""Work record of one selection by kind; a kind that is left out has an empty one."""

_NONE = np.full(2, -1, np.int32)


class DecisionsBuilder:
    """Collects rows, token sets and selections, and makes `Decisions` of them.

    Rows come in ascending order of step, layer and head. Every (step, layer) needs its token set; a selection that is
    not named did not run.

    >>> from tokensieve.arch.datapath import Topk
    >>> from tokensieve.workloads.meta import make_meta
    >>> meta = make_meta(phase="decode", model="toy", D=64, heads=1, layers=1, steps=1, topk=Topk())
    >>> builder = DecisionsBuilder(meta)
    >>> builder.set_tokens(0, 0, [0, 1, 3])
    >>> records = {"radix": [[1]], "quick": [[3, 1]]}
    >>> builder.add_row(0, 0, 0, context=4, values_kept=[1], value_ids=[[3]], records=records)
    >>> builder.build().keys_kept.tolist()
    [3]
    """

    def __init__(self, meta: Mapping[str, Any], token_text: tuple[str, ...] | None = None) -> None:
        self._meta, self._text = dict(meta), token_text
        self._groups = int(meta["steps"]) * int(meta["layers"])
        self._index: list[tuple[int, int, int]] = []
        self._context: list[int] = []
        self._per_query: dict[str, list[npt.NDArray[Any]]] = {"values_kept": [], "lsb_refetch": []}
        self._values: list[Ragged] = []
        self._local: dict[str, list[Ragged]] = {kind: [] for kind in meta["records"]}
        self._tokens: dict[int, Int32] = {}
        self._selections: dict[tuple[str, int], tuple[Int32, Sizes]] = {}

    def set_tokens(self, step: int, layer: int, ids: npt.ArrayLike) -> None:
        """Set the token ids that all heads of a (step, layer) attend to."""
        self._tokens[self._group(step, layer)] = np.asarray(ids, np.int32)

    def add_row(
        self,
        step: int,
        layer: int,
        head: int,
        *,
        context: int,
        values_kept: npt.ArrayLike,
        lsb_refetch: npt.ArrayLike = 0,
        value_ids: Lists = None,
        records: Mapping[str, Lists] | None = None,
    ) -> None:
        """Add one live head; `values_kept` has an entry per query, and so has whatever else is per query.

        `records` holds the work records of the local top-k by kind.
        """
        values = np.asarray(values_kept, np.int32).reshape(-1)
        self._index.append((step, layer, head))
        self._context.append(context)
        self._per_query["values_kept"].append(values)
        self._per_query["lsb_refetch"].append(np.broadcast_to(np.asarray(lsb_refetch, np.uint8), values.shape))
        self._values.append(_ragged("value_ids", value_ids, len(values)))
        given = records or {}
        assert given.keys() <= self._local.keys(), f"records of kinds {list(given)}, meta has {list(self._local)}"
        for kind, parts in self._local.items():
            parts.append(_ragged(record_names(kind, "local")[0], given.get(kind), len(values)))

    def set_token_topk(self, step: int, layer: int, n: int, k: int, records: Sizes) -> None:
        """Set the token selection that runs at the end of a (step, layer): offered, kept and work records."""
        self._selections["token", self._group(step, layer)] = np.array([n, k], np.int32), records

    def set_head_topk(self, step: int, layer: int, n: int, k: int, records: Sizes) -> None:
        """Set the head selection that runs at the end of a (step, layer)."""
        self._selections["head", self._group(step, layer)] = np.array([n, k], np.int32), records

    def _group(self, step: int, layer: int) -> int:
        return step * int(self._meta["layers"]) + layer

    def build(self) -> Decisions:
        """Return the validated decisions."""
        index = np.array(self._index, np.int32).reshape(-1, 3)
        missing = next((g for g in range(self._groups) if g not in self._tokens), None)
        if missing is not None:
            step, layer = divmod(missing, int(self._meta["layers"]))
            raise WorkloadError(f"decisions: token_ids of step {step}, layer {layer} were never set")
        arrays: dict[str, Any] = {"row_index": index, "context": np.array(self._context, np.int32)}
        arrays |= {name: _concatenate(parts) for name, parts in self._per_query.items()}
        arrays |= self._rows(index) | self._ragged_arrays()
        arrays |= {f"topk_{site}_count": self._counts(site) for site in SELECTIONS}
        records = {kind: self._records(kind) for kind in self._local}
        return Decisions(meta=self._meta, token_text=self._text, records=records, **arrays).validate()

    def _rows(self, index: Int32) -> dict[str, Any]:
        shape = tuple(int(self._meta[name]) for name in ("steps", "layers", "heads"))
        if len(index) and ((index < 0).any() or (index >= shape).any()):
            raise WorkloadError(f"decisions: row_index must lie within steps, layers, heads = {shape}")
        alive = np.zeros(shape, np.uint8)
        alive[tuple(index.T)] = 1
        groups = index[:, 0].astype(np.int64) * shape[1] + index[:, 1]
        kept = np.array([len(self._tokens[g]) for g in range(self._groups)], np.int32)[groups]
        queries = np.array([len(v) for v in self._per_query["values_kept"]], np.int32)
        ptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(queries, dtype=np.int64)])
        return {"heads_alive": alive, "keys_kept": kept, "queries": queries, "query_ptr": ptr}

    def _ragged_arrays(self) -> dict[str, Any]:
        tokens, values = Ragged.of(self._tokens[g] for g in range(self._groups)), Ragged.join(self._values)
        return {"token_ids": tokens.flat, "token_ptr": tokens.ptr, "value_ids": values.flat, "value_ptr": values.ptr}

    def _counts(self, site: str) -> Int32:
        """Return offered and kept of every group's selection."""
        chosen = [self._selections.get((site, g)) for g in range(self._groups)]
        return np.stack([_NONE if one is None else one[0] for one in chosen])

    def _records(self, kind: str) -> WorkRecords:
        """Return the work records of one kind."""
        selections = {site: Ragged.of(self._sizes(kind, site)) for site in SELECTIONS}
        return WorkRecords(local=Ragged.join(self._local[kind]), **selections)

    def _sizes(self, kind: str, site: str) -> Iterator[npt.ArrayLike]:
        """Yield the work record of every group's selection."""
        for group in range(self._groups):
            _, records = self._selections.get((site, group), (_NONE, {}))
            yield records.get(kind, ())


def _ragged(name: str, lists: Lists, queries: int) -> Ragged:
    result = Ragged.empty(queries) if lists is None else lists if isinstance(lists, Ragged) else Ragged.of(lists)
    if len(result) != queries:
        raise WorkloadError(f"decisions: {name} must have one list per query, {queries}, got {len(result)}")
    return result


def _concatenate(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)
