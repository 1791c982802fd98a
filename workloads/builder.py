"""Builds `Decisions` row by row."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.layout import SELECTIONS
from tokensieve.workloads.ragged import Int32, Ragged

Lists = Ragged | Iterable[npt.ArrayLike] | None
"""One list of whole numbers per query, in any of three forms; None stands for empty lists."""

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
    >>> builder.add_row(0, 0, 0, context=4, values_kept=[1], value_ids=[[3]], local_radix=[[1]], local_quick=[[3, 1]])
    >>> builder.build().keys_kept.tolist()
    [3]
    """

    def __init__(self, meta: Mapping[str, Any], token_text: tuple[str, ...] | None = None) -> None:
        self._meta, self._text = dict(meta), token_text
        self._groups = int(meta["steps"]) * int(meta["layers"])
        self._index: list[tuple[int, int, int]] = []
        self._context: list[int] = []
        self._per_query: dict[str, list[npt.NDArray[Any]]] = {"values_kept": [], "lsb_refetch": []}
        self._lists: dict[str, list[Ragged]] = {"value_ids": [], "topk_local_radix": [], "topk_local_quick": []}
        self._tokens: dict[int, Int32] = {}
        self._selections: dict[tuple[str, int], tuple[Int32, Int32, Int32]] = {}

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
        local_radix: Lists = None,
        local_quick: Lists = None,
    ) -> None:
        """Add one live head; `values_kept` has an entry per query, and so has whatever else is per query."""
        values = np.asarray(values_kept, np.int32).reshape(-1)
        self._index.append((step, layer, head))
        self._context.append(context)
        self._per_query["values_kept"].append(values)
        self._per_query["lsb_refetch"].append(np.broadcast_to(np.asarray(lsb_refetch, np.uint8), values.shape))
        for name, lists in (
            ("value_ids", value_ids),
            ("topk_local_radix", local_radix),
            ("topk_local_quick", local_quick),
        ):
            self._lists[name].append(_ragged(name, lists, len(values)))

    def set_token_topk(self, step: int, layer: int, n: int, k: int, radix: npt.ArrayLike, quick: npt.ArrayLike) -> None:
        """Set the token selection that runs at the end of a (step, layer): offered, kept and work records."""
        self._select("topk_token", step, layer, n, k, radix, quick)

    def set_head_topk(self, step: int, layer: int, n: int, k: int, radix: npt.ArrayLike, quick: npt.ArrayLike) -> None:
        """Set the head selection that runs at the end of a (step, layer)."""
        self._select("topk_head", step, layer, n, k, radix, quick)

    def _select(
        self, name: str, step: int, layer: int, n: int, k: int, radix: npt.ArrayLike, quick: npt.ArrayLike
    ) -> None:
        count, group = np.array([n, k], np.int32), self._group(step, layer)
        self._selections[name, group] = (count, np.asarray(radix, np.int32), np.asarray(quick, np.int32))

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
        for name in SELECTIONS:
            arrays |= self._selection_arrays(name)
        return Decisions(meta=self._meta, token_text=self._text, **arrays).validate()

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
        lists = {name: Ragged.join(parts) for name, parts in self._lists.items()}
        tokens = Ragged.of(self._tokens[g] for g in range(self._groups))
        values = lists.pop("value_ids")
        result = {"token_ids": tokens.flat, "token_ptr": tokens.ptr, "value_ids": values.flat, "value_ptr": values.ptr}
        return result | {k: v for name, r in lists.items() for k, v in ((name, r.flat), (f"{name}_ptr", r.ptr))}

    def _selection_arrays(self, name: str) -> dict[str, Any]:
        nothing = (_NONE, np.zeros(0, np.int32), np.zeros(0, np.int32))
        chosen = [self._selections.get((name, g), nothing) for g in range(self._groups)]
        radix, quick = Ragged.of(c[1] for c in chosen), Ragged.of(c[2] for c in chosen)
        return {
            f"{name}_count": np.stack([c[0] for c in chosen]),
            f"{name}_radix": radix.flat,
            f"{name}_radix_ptr": radix.ptr,
            f"{name}_quick": quick.flat,
            f"{name}_quick_ptr": quick.ptr,
        }


def _ragged(name: str, lists: Lists, queries: int) -> Ragged:
    result = Ragged.empty(queries) if lists is None else lists if isinstance(lists, Ragged) else Ragged.of(lists)
    if len(result) != queries:
        raise WorkloadError(f"decisions: {name} must have one list per query, {queries}, got {len(result)}")
    return result


def _concatenate(parts: list[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)
