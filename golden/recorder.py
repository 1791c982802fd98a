"""Writes down what the golden model decides, row by row, as `Decisions`."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from tokensieve.arch.datapath import Topk
from tokensieve.golden.attention import Head
from tokensieve.golden.cascade import Cascade, Chosen
from tokensieve.golden.records import SEARCHES
from tokensieve.workloads.builder import DecisionsBuilder
from tokensieve.workloads.decisions import Decisions


class Recorder:
    """Collects the decisions of one run. Queries are numbered through in the order in which they are recorded."""

    def __init__(self, arch: Topk, meta: Mapping[str, Any], token_text: tuple[str, ...] | None = None) -> None:
        self._arch, self._builder = arch, DecisionsBuilder(meta, token_text)
        self._layers, self._with_ids, self._queries = int(meta["layers"]), meta["phase"] == "decode", 0

    def number(self, step: int, layer: int) -> int:
        """Return the running number of the selection at the end of (step, layer), which seeds its pivots."""
        return step * self._layers + layer

    def layer(self, step: int, layer: int, cascade: Cascade) -> None:
        """Record the tokens that a layer works on."""
        self._builder.set_tokens(step, layer, cascade.tokens.numpy())

    def head(self, step: int, layer: int, head: int, cascade: Cascade, result: Head) -> None:
        """Record one head of a layer: what each query kept and fetched again, and the work of its local value top-k."""
        queries, kept = result.values.shape
        number = torch.arange(self._queries, self._queries + queries)
        self._queries += queries
        self._builder.add_row(
            step,
            layer,
            head,
            context=cascade.context,
            values_kept=torch.full((queries,), kept).numpy(),
            lsb_refetch=result.refetch.numpy(),
            value_ids=_lists(cascade.tokens[result.values]) if self._with_ids else None,
            records={
                kind: search(result.probabilities, kept, number, self._arch).sizes for kind, search in SEARCHES.items()
            },
        )

    def token_choice(self, step: int, layer: int, chosen: Chosen) -> None:
        """Record the token selection that ran at the end of a layer."""
        self._builder.set_token_topk(step, layer, chosen.offered, len(chosen.kept), chosen.records)

    def head_choice(self, step: int, layer: int, chosen: Chosen) -> None:
        """Record the head selection that ran at the end of a layer."""
        self._builder.set_head_topk(step, layer, chosen.offered, len(chosen.kept), chosen.records)

    def decisions(self) -> Decisions:
        """Return everything recorded, validated."""
        return self._builder.build()


def _lists(rows: Tensor) -> list[list[int]]:
    result: list[list[int]] = rows.tolist()
    return result
