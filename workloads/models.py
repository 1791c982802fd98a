"""Shapes of transformers."""

from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import Field

from tokensieve.arch.base import ArchModel, Name, build
from tokensieve.arch.errors import WorkloadError, nearest
from tokensieve.arch.yamlio import parse_yaml

Size = Annotated[int, Field(ge=1, le=1 << 20)]


class ModelShape(ArchModel):
    """Shape of a transformer."""

    name: Name
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
