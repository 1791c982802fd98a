"""How close un-pruned golden attention is to float64 attention, on the Q, K and V of a real model's layers.

``python -m tokensieve.golden.capture.fidelity minilm FILE`` prints the figures.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from tokensieve.arch import Arch, load_arch
from tokensieve.golden.attention import Precision
from tokensieve.golden.capture.attach import attending, load_model
from tokensieve.golden.capture.runs import EncoderRuns
from tokensieve.golden.capture.source import ModelFolder, read_tokens
from tokensieve.golden.cascade import Cascade
from tokensieve.golden.layer import LayerInput, LayerPlan
from tokensieve.golden.model import run_prefill
from tokensieve.golden.reference import Closeness, closeness, concatenated, dense_attention


def encoder_inputs(model: str, text: Path) -> list[LayerInput]:
    """Return the Q, K and V of every layer of an un-pruned encoder that reads `text`."""
    folder, seen = ModelFolder.of(model), list[LayerInput]()

    def look(x: LayerInput) -> Tensor:
        seen.append(x)
        return dense_attention(x.query, x.key, x.value)

    network = load_model(folder)
    tokens = read_tokens(text, folder, None)
    with attending(network, look, folder.name):
        EncoderRuns(network, tokens.ids, folder.name).hidden()
    return seen


def layer_closeness(layers: Sequence[LayerInput], arch: Arch, precision: Precision) -> list[Closeness]:
    """Return how close each layer's concatenated attention output is to float64 attention, nothing pruned."""
    heads, tokens, _ = layers[0].query.shape
    plan = LayerPlan(tokens, heads, tokens, precision)
    outputs = run_prefill(layers, Cascade(arch, heads, tokens), [plan] * len(layers))
    dense = [dense_attention(x.query, x.key, x.value) for x in layers]
    return [closeness(concatenated(o), concatenated(d)) for o, d in zip(outputs, dense, strict=True)]


def table(layers: Sequence[LayerInput], arch: Arch, precisions: Sequence[Precision]) -> str:
    """Return the figures of every layer and precision as text."""
    lines = [f"{'Q K V bits':<12}{'layer':>6}{'cosine':>11}{'worst row':>11}{'largest error / row maximum':>29}"]
    for p in precisions:
        for i, near in enumerate(layer_closeness(layers, arch, p)):
            bits = f"{p.query_bits} {p.key_bits} {p.value_bits}"
            lines.append(f"{bits:<12}{i:>6}{near.cosine:>11.6f}{near.worst_row_cosine:>11.6f}{near.error:>28.2%}")
    return "\n".join(lines)


if __name__ == "__main__":
    inputs = encoder_inputs(sys.argv[1], Path(sys.argv[2]))
    print(table(inputs, load_arch("spatten", sys.argv[3:]), [Precision(12, 8, 8), Precision(12, 12, 12)]))
