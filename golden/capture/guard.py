"""Which models cannot be captured, and what is said of each."""

from collections.abc import Callable
from typing import Any

import torch
import transformers
from pydantic import ValidationError
from torch import Tensor

from tokensieve.golden.capture.foreign import foreign, refusal
from tokensieve.golden.layer import LayerInput
from tokensieve.workloads.models import ModelShape

_GENERATORS: Any = transformers.models.auto.modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
_ENCODERS: Any = transformers.models.auto.modeling_auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES
_INNER = ("intermediate_size", "n_inner", "ffn_dim", "d_inner")
"""What configs call the inner width of the feed-forward network."""

_PARTIAL = ("sliding_attention", "chunked_attention", "local", "linear_attention")
"""Kinds of layers that do not attend to all tokens, as configs name them."""


class Counted:
    """An attention that counts its calls."""

    def __init__(self, attention: Callable[[LayerInput], Tensor]) -> None:
        self.calls, self._attention = 0, attention

    def __call__(self, x: LayerInput) -> Tensor:
        """Return what the attention returns."""
        self.calls += 1
        return self._attention(x)

    def require_every_layer(self, name: str, layers: int, runs: int) -> None:
        """Raise `WorkloadError` unless all `layers` called it in each of so many `runs` of the model."""
        if self.calls != layers * runs:
            each = self.calls / runs
            raise refusal(
                name,
                f"it does not call the attention that can be replaced in every layer: {each:g} calls for {layers} "
                "layers",
            )


def check_family(name: str, config: dict[str, Any]) -> None:
    """Raise `WorkloadError` where config.json names a causal model without the head that generates text."""
    family, named = config.get("model_type"), [str(one) for one in config.get("architectures") or ()]
    generates = family in _GENERATORS and family not in _ENCODERS
    if generates and not any(one.endswith(("ForCausalLM", "LMHeadModel")) for one in named):
        told = f"names {', '.join(named)}" if named else "names no architecture"
        raise refusal(
            name,
            f"config.json {told}; {family} generates text, and a model with its head is expected "
            f"(architectures: [{_GENERATORS[family]!r}])",
        )


def unloaded(problem: BaseException) -> str:
    """Return in one line what a library said of a model that it could not load."""
    if "ignore_mismatched_sizes" in str(problem):  # it refers to a report that it has logged
        return "its weights do not have the sizes that its config.json says"
    said = " ".join(" ".join(str(problem).splitlines()[:2]).split())
    plain = said and isinstance(problem, OSError | RuntimeError | ValueError)
    return f"it cannot be loaded: {said if plain else f'{type(problem).__name__}: {said}'}"


def check_whole_attention(name: str, config: Any, tokens: int, causal: bool) -> None:
    """Raise `WorkloadError` where some layer would not attend to all of so many `tokens`."""
    if not causal and getattr(config, "is_decoder", False):
        raise refusal(
            name,
            "its config.json sets is_decoder, so that no token sees later ones, and names no causal model: "
            "architectures must name one that ends in ForCausalLM or LMHeadModel",
        )
    reach = getattr(config, "sliding_window", None)
    if getattr(config, "use_sliding_window", True) and isinstance(reach, int) and 0 < reach < tokens:
        raise refusal(
            name,
            f"its layers attend to the last {reach} tokens alone (sliding_window), and the text with what is "
            f"generated has {tokens}; at most {reach} can be captured",
        )
    kinds = getattr(config, "layer_types", None) or getattr(config, "attention_layers", None)
    kinds = kinds if isinstance(kinds, list | tuple) else ()
    partial = next((kind for kind in kinds if kind in _PARTIAL), None)
    if partial is not None and not isinstance(reach, int):
        raise refusal(name, f"some of its layers are of kind {partial!r}, attention to all tokens is expected")


def check_vocabulary(name: str, model: Any, ids: tuple[int, ...]) -> None:
    """Raise `WorkloadError` where the tokenizer made ids that the model has no embedding for."""
    with foreign(name):
        most = int(model.get_input_embeddings().num_embeddings)
    if ids and max(ids) >= most:
        raise refusal(
            name,
            f"its tokenizer makes the id {max(ids)}, and the model has embeddings for {most}: "
            "they do not belong together",
        )


def check_finite(name: str, what: str, values: Tensor) -> None:
    """Raise `WorkloadError` where a model computes numbers that are none."""
    if not bool(torch.isfinite(values).all()):
        raise refusal(name, f"it computes {what} that are not finite")


def whole_shape(name: str, config: Any, causal: bool) -> ModelShape | None:
    """Return the shape of a whole model, or None where its config does not tell the width of its layers."""
    heads, layers, width = shape_of(name, config)
    hidden = getattr(config, "hidden_size", None)
    inner = next((n for one in _INNER if isinstance(n := getattr(config, one, None), int)), None)
    vocabulary = getattr(config, "vocab_size", None)
    if not isinstance(hidden, int):
        return None
    try:
        return ModelShape(
            name=name[:80], layers=layers, heads=heads, head_dim=width, hidden=hidden, ffn=inner or 4 * hidden,
            vocab=vocabulary if isinstance(vocabulary, int) else None, causal=causal,
        )  # fmt: skip
    except ValidationError:
        return None


def shape_of(name: str, config: Any) -> tuple[int, int, int]:
    """Return heads, layers and width of a head, or raise `WorkloadError` where a config has none of these."""
    found = {field: getattr(config, field, None) for field in ("num_attention_heads", "num_hidden_layers")}
    for field, value in found.items():
        if not isinstance(value, int) or value < 1:
            raise refusal(name, f"its config has no {field}, so it has no attention heads")
    heads, layers = found.values()
    assert isinstance(heads, int)
    assert isinstance(layers, int)
    width, hidden = getattr(config, "head_dim", None), getattr(config, "hidden_size", None)
    if not width and isinstance(hidden, int):
        width = hidden // heads
    if not isinstance(width, int) or width < 1:
        raise refusal(name, "its config has no head_dim and no hidden_size, so the width of a head is unknown")
    return heads, layers, width
