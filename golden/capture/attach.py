"""Puts our attention into a Hugging Face model, through the library's own attention interface."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
import transformers
from torch import Tensor

from tokensieve.golden.capture.foreign import Unfit, foreign, ours, refusal
from tokensieve.golden.capture.guard import check_family, unloaded
from tokensieve.golden.capture.source import ModelFolder
from tokensieve.golden.layer import LayerInput

NAME = "tokensieve"
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
        raise Unfit(f"it has {key.shape[1]} key heads for {heads} query heads, one each is expected")
    if scaling is not None and not math.isclose(scaling * math.sqrt(head_dim), 1.0, rel_tol=1e-6):
        raise Unfit(f"it scales scores by {scaling}, 1 / sqrt({head_dim}) is expected")
    if not all(bool(torch.isfinite(x).all()) for x in (query, key, value)):
        raise Unfit("it computes queries, keys or values that are not finite")
    with ours():
        output = _active.get()(LayerInput(query[0], key[0], value[0]))
    return output.transpose(0, 1)[None].contiguous(), None


transformers.AttentionInterface.register(NAME, _attention)


def _quiet() -> None:
    """Keep the library's notes and bars off the terminal: its errors are raised, and told as ours."""
    logging: Any = transformers.utils.logging
    logging.set_verbosity_error()
    logging.disable_progress_bar()


@contextmanager
def attending(model: Any, attention: Attention, name: str = "the model") -> Iterator[None]:
    """Let `model`, called `name` in errors, attend through `attention` inside the block, and as before after it."""
    with foreign(name):
        before = model.config._attn_implementation
        model.set_attn_implementation(NAME)
    token = _active.set(attention)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
        _active.reset(token)


def load_model(folder: ModelFolder) -> Any:
    """Return the model in `folder`, in float64, so that rounding in its own layers hardly ever reaches a decision."""
    _quiet()
    check_family(folder.name, folder.config)
    kind: Any = transformers.AutoModelForCausalLM if folder.causal else transformers.AutoModel
    with foreign(folder.name, unloaded):  # a broken folder raises whatever the library met first
        model, found = kind.from_pretrained(
            str(folder.path),
            local_files_only=True,
            trust_remote_code=False,
            dtype=torch.float64,
            attn_implementation="eager",
            output_loading_info=True,
        )
    if model.config.is_encoder_decoder:
        raise refusal(folder.name, "an encoder or a causal model is expected, this one has both parts")
    missing = sorted(key for key in found["missing_keys"] if "pooler" not in key)
    if missing:
        raise refusal(folder.name, f"{len(missing)} weights are missing, {missing[0]} the first")
    return model.eval()


def load_config(folder: ModelFolder) -> Any:
    """Return the library's own view of config.json, without loading the model."""
    _quiet()
    with foreign(folder.name, unloaded):
        return transformers.AutoConfig.from_pretrained(str(folder.path), local_files_only=True, trust_remote_code=False)
