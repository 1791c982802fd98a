"""Puts our attention into a Hugging Face model, through the library's own attention interface."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
import transformers
from torch import Tensor

from tokensieve.arch.errors import WorkloadError
from tokensieve.golden.capture.guard import check_family, ours, reason_of
from tokensieve.golden.capture.source import ModelFolder
from tokensieve.golden.layer import LayerInput

NAME = "tokensieve"
UNLIMITED = 1 << 30
"""Window of a model that names none."""

Attention = Callable[[LayerInput], Tensor]
"""Returns the attention output ``(heads, queries, D)`` of the layer whose turn it is."""

_active: ContextVar[Attention] = ContextVar("attention")


def _attention(
    module: torch.nn.Module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **more: Any
) -> tuple[Tensor, None]:
    """Return the active attention's output in the library's shape ``(1, queries, heads, D)``."""
    heads, head_dim = query.shape[1], query.shape[-1]
    scaling = more.get("scaling")
    if key.shape[1] != heads:
        raise WorkloadError(f"the model has {key.shape[1]} key heads for {heads} query heads, one each is expected")
    if scaling is not None and not math.isclose(scaling * math.sqrt(head_dim), 1.0, rel_tol=1e-6):
        raise WorkloadError(f"the model scales scores by {scaling}, 1 / sqrt({head_dim}) is expected")
    if not all(bool(torch.isfinite(x).all()) for x in (query, key, value)):
        raise WorkloadError("the model computes queries, keys or values that are not finite")
    with ours():
        output = _active.get()(LayerInput(query[0], key[0], value[0]))
    return output.transpose(0, 1)[None].contiguous(), None


transformers.AttentionInterface.register(NAME, _attention)


@contextmanager
def attending(model: Any, attention: Attention) -> Iterator[None]:
    """Let `model` attend through `attention` inside the block, and as before after it."""
    before, token = model.config._attn_implementation, _active.set(attention)
    model.set_attn_implementation(NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
        _active.reset(token)


def load_model(folder: ModelFolder) -> Any:
    """Return the model in `folder`, in float64, so that rounding in its own layers hardly ever reaches a decision."""
    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    check_family(folder.name, folder.config)
    kind: Any = transformers.AutoModelForCausalLM if folder.causal else transformers.AutoModel
    try:
        model, found = kind.from_pretrained(
            str(folder.path),
            local_files_only=True,
            dtype=torch.float64,
            attn_implementation="eager",
            output_loading_info=True,
        )
    except Exception as problem:  # a broken folder raises whatever the library met first
        raise WorkloadError(f"{folder.name}: the model cannot be loaded: {reason_of(problem)}") from None
    if model.config.is_encoder_decoder:
        raise WorkloadError(f"{folder.name}: an encoder or a causal model is expected, this one has both parts")
    missing = sorted(key for key in found["missing_keys"] if "pooler" not in key)
    if missing:
        raise WorkloadError(f"{folder.name}: {len(missing)} weights are missing, {missing[0]} the first")
    return model.eval()


def load_config(folder: ModelFolder) -> Any:
    """Return the library's own view of config.json, without loading the model."""
    try:
        return transformers.AutoConfig.from_pretrained(str(folder.path), local_files_only=True)
    except Exception as problem:  # a broken folder raises whatever the library met first
        raise WorkloadError(f"{folder.name}: the model cannot be loaded: {reason_of(problem)}") from None


def window(config: Any) -> int:
    """Return how many tokens the model has positions for; of a model without such a limit, more than any text has."""
    positions = int(getattr(config, "max_position_embeddings", None) or UNLIMITED)
    if positions < 0:
        return UNLIMITED
    begins_after_padding = "roberta" in config.model_type
    return positions - (int(config.pad_token_id) + 1 if begins_after_padding else 0)
