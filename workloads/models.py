"""Shapes of transformers, and the multiply-accumulates that a layer takes."""

from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import Field

from tokensieve.arch.base import ArchModel, build
from tokensieve.arch.errors import WorkloadError, nearest
from tokensieve.arch.yamlio import parse_yaml

Size = Annotated[int, Field(ge=1, le=1 << 20)]


class Macs(ArchModel):
    """Multiply-accumulates of one layer."""

    qk: int
    """Queries times keys."""

    pv: int
    """Probabilities times values."""

    projections: int
    """Query, key, value and output projections."""

    ffn: int
    """The two matrices of the feed-forward network."""

    @property
    def attention(self) -> int:
        """Q x K and Prob x V."""
        return self.qk + self.pv

    @property
    def total(self) -> int:
        """Everything together."""
        return self.attention + self.projections + self.ffn


class ModelShape(ArchModel):
    """Shape of a transformer."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    """Name printed in reports."""

    layers: Annotated[int, Field(ge=1, le=1024)]
    """Layers."""

    heads: Annotated[int, Field(ge=1, le=1024)]
    """Heads of a layer."""

    head_dim: Annotated[int, Field(ge=1, le=1024)]
    """Width of one head, D."""

    hidden: Size
    """Width of a token between layers."""

    ffn: Size
    """Inner width of the feed-forward network."""

    vocab: Annotated[int | None, Field(ge=1, le=1 << 20)] = None
    """Entries of the vocabulary, where it matters."""

    causal: bool = False
    """Whether a token attends to earlier ones only."""

    def prefill_macs(self, tokens: int, heads: int | None = None, values: int | None = None) -> Macs:
        """Return the work of a layer with all `tokens` as queries, all of them alive.

        `heads` and `values` are those left alive (default: all). Causal models are counted with the full square, as the
        accelerator computes it.
        """
        alive = self.heads if heads is None else heads
        return self._macs(tokens, tokens, tokens if values is None else values, alive)

    def decode_macs(self, keys: int, heads: int | None = None, values: int | None = None) -> Macs:
        """Return the work of a layer with one query against `keys` tokens."""
        alive = self.heads if heads is None else heads
        return self._macs(1, keys, keys if values is None else values, alive)

    def _macs(self, queries: int, keys: int, values: int, heads: int) -> Macs:
        width = heads * self.head_dim
        return Macs(
            qk=queries * keys * width,
            pv=queries * values * width,
            projections=4 * queries * self.hidden * width,
            ffn=2 * queries * self.hidden * self.ffn,
        )


@cache
def _shipped() -> dict[str, ModelShape]:
    source = "models.yaml"
    text = (resources.files("tokensieve.workloads") / "data" / source).read_text(encoding="utf-8")
    data, _ = parse_yaml(text, source, WorkloadError)
    return {name: build(ModelShape, {"name": name, **shape}, WorkloadError) for name, shape in data.items()}


def model_names() -> list[str]:
    """Return the names of the models that ship with the package."""
    return list(_shipped())


def model_shape(name: str) -> ModelShape:
    """Return the shape of the model called `name`."""
    try:
        return _shipped()[name]
    except KeyError:
        known = model_names()
        raise WorkloadError(f"model must be one of {', '.join(known)}, got {name!r}{nearest(name, known)}") from None
