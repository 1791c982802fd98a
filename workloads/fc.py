"""The fully connected layers around attention: what each layer of each step multiplies (paper V, SpAtten-e2e).

Four matrices a layer: query, key and value projections side by side, output projection, and the two of the feed-forward
network. Embedding, vocabulary projection, bias, normalization and activation functions are not part of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.base import build
from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.library import check_kind
from tokensieve.arch.yamlio import load_yaml
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.models import ModelShape, model_names, model_shape

I64 = npt.NDArray[np.int64]

MATRICES = ("qkv", "output", "ffn_in", "ffn_out")
"""Kinds of matrices, in the order in which a layer uses them; attention stands between the first two."""

_PUBLISHED_AS = {"all-MiniLM-L6-v2": "minilm"}
"""Shapes of models that captures know under their published names."""

_SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, eq=False, kw_only=True)
class FcWork:
    """Fully connected work by group (one layer of one step), G groups in order; all arrays have shape (G,)."""

    shape: ModelShape
    """Shape of the model."""

    layers: int
    """Layers of a step."""

    tokens: I64
    """Tokens that go through the layer: those alive in prefill, one in decode."""

    heads: I64
    """Heads alive: those pruned take their columns of Q, K and V and their rows of the output projection along."""

    stored_bits: I64
    """Bits that attention expects in DRAM of the Q, K and V of one token, all heads."""

    attended_bits: I64
    """Bits that attention leaves in DRAM of its output for one token, all heads."""

    def size(self, kind: str, group: int) -> tuple[int, int]:
        """Return inputs and outputs of a matrix of `MATRICES`."""
        width = int(self.heads[group]) * self.shape.head_dim
        hidden, ffn = self.shape.hidden, self.shape.ffn
        sizes = {"qkv": (hidden, 3 * width), "output": (width, hidden), "ffn_in": (hidden, ffn)}
        return sizes.get(kind, (ffn, hidden))

    @property
    def weights(self) -> I64:
        """Weights of each group."""
        projections = 4 * self.shape.hidden * self.heads * self.shape.head_dim
        return projections + 2 * self.shape.hidden * self.shape.ffn

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all groups."""
        return int((self.tokens * self.weights).sum())


def fc_work(decisions: Decisions, shape: ModelShape) -> FcWork:
    """Return the fully connected work of `decisions` on a model of `shape`, or raise `WorkloadError` if they differ.

    A token that a layer's selection drops still goes through the rest of that layer. Bits are those of the schedule:
    K with its plane of low bits; query and output where they cross DRAM.
    """
    d = decisions
    _check_shape(d, shape)
    first = np.searchsorted(d.row_group, np.arange(d.steps * d.layers))
    tokens = d.queries[first].astype(np.int64)
    crossing = d.bits("query").astype(np.int64) * bool(d.meta["charge_io"])
    stored = d.key_bits + d.bits("lsb") + d.value_bits + crossing

    def per_token(bits: I64) -> I64:
        return d.head_dim * np.bincount(d.row_group, bits, len(first)).astype(np.int64)

    return FcWork(
        shape=shape,
        layers=d.layers,
        tokens=tokens,
        heads=np.bincount(d.row_group, minlength=len(first)).astype(np.int64),
        stored_bits=per_token(stored),
        attended_bits=per_token(crossing),
    )


def _check_shape(d: Decisions, shape: ModelShape) -> None:
    """Raise `WorkloadError` naming both values where decisions cannot come from a model of `shape`."""
    for name, recorded, limit, fits in (
        ("D", d.head_dim, shape.head_dim, d.head_dim == shape.head_dim),
        ("heads", d.heads, shape.heads, d.heads <= shape.heads),
        ("layers", d.layers, shape.layers, d.layers <= shape.layers),
    ):
        if not fits:
            raise WorkloadError(f"{name} of the decisions is {recorded}, that of the model {shape.name} is {limit}")


def find_shape(meta: Mapping[str, Any], model: str | None = None) -> ModelShape:
    """Return the shape called `model` (or in the YAML file `model`), or else that which `meta` holds or names."""
    if model is not None:
        return read_shape(Path(model)) if model.endswith(_SUFFIXES) else model_shape(model)
    if meta.get("shape") is not None:
        return build(ModelShape, meta["shape"], WorkloadError, source="decisions: meta.shape")
    told = str(meta["model"])
    name = _PUBLISHED_AS.get(told.partition(" ")[0], told)
    if name not in model_names():
        known = ", ".join(model_names())
        raise WorkloadError(
            f"the model {told!r} has no known shape: --model must name one, {known} or a YAML file of its shape"
        )
    return model_shape(name)


def read_shape(path: Path) -> ModelShape:
    """Return the shape in the YAML file at `path`."""
    data, lines = load_yaml(path, WorkloadError)
    check_kind(path, data, "a model's shape", WorkloadError)
    return build(ModelShape, {"name": path.stem, **data}, WorkloadError, lines, str(path))
