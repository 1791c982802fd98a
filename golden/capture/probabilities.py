"""Makes the scores of the distribution `minilm`: probabilities of a real model, un-pruned.

They come out of golden's integer attention, with Q and K of 12 bits and a softmax of as many as it can have, so that
the last bits of a machine's floating point do not matter. Run as ``python -m tokensieve.golden.capture.probabilities
TEXT OUT``.
"""

import sys
from pathlib import Path

import torch
from torch import Tensor

from tokensieve.arch.presets import load_arch
from tokensieve.golden.attention import Head
from tokensieve.golden.capture.attach import load_model
from tokensieve.golden.capture.capture import one_thread
from tokensieve.golden.capture.runs import EncoderRuns
from tokensieve.golden.capture.source import MINILM, ModelFolder, read_tokens
from tokensieve.golden.cascade import Cascade
from tokensieve.golden.plan import Shape, layer_plans
from tokensieve.golden.recorder import Recorder
from tokensieve.workloads.distributions import PROBABILITY_BITS, Scores, save_probabilities
from tokensieve.workloads.schedule import schedule_from

QUERIES = 4
"""Queries of each head."""

STEP = 37
"""Queries between those of one head and of the next; odd, so that they spread over the text."""

EXACT = (
    f"softmax.probability_bits={PROBABILITY_BITS}",
    f"topk.score_bits={PROBABILITY_BITS}",
    "softmax.exp_frac_bits=30",
    "softmax.divider_bits=48",
)
"""The widest formats that a machine can have."""

UNPRUNED = {"token": 1, "head": 1, "value": 1, "bits": {"query": 12, "key": 12, "value": 12, "lsb": 0}}


class _Probabilities(Recorder):
    """Keeps the probabilities of some queries in place of decisions."""

    def __init__(self) -> None:
        self.found: dict[tuple[int, int, int], Tensor] = {}

    def layer(self, step: int, layer: int, cascade: Cascade) -> None:
        """Keep nothing."""

    def head(self, step: int, layer: int, head: int, cascade: Cascade, result: Head) -> None:
        """Keep those of `QUERIES` queries, evenly spaced."""
        total = len(result.probabilities)
        for number in range(QUERIES):
            query = (total * number // QUERIES + STEP * (12 * layer + head)) % total
            self.found[number, head, layer] = result.probabilities[query]


@one_thread()
def probabilities(model: str, text: Path) -> Scores:
    """Return probabilities, a query a line, one layer after another, then one head after another."""
    folder, arch = ModelFolder.of(model), load_arch("spatten", EXACT)
    tokens, network = read_tokens(text, folder, None), load_model(folder)
    c = network.config
    shape = Shape(c.num_attention_heads, c.num_hidden_layers, c.hidden_size // c.num_attention_heads)
    recorder, schedule = _Probabilities(), schedule_from(UNPRUNED)
    cascade = Cascade(arch, shape.heads, len(tokens.ids))
    runs = EncoderRuns(network, tokens.ids, folder.name)
    runs.pruned(cascade, lambda step, n: layer_plans(schedule, shape, n, step), recorder)
    kept = recorder.found
    found: Scores = torch.stack([kept[key] for key in sorted(kept)]).numpy().astype("uint32")
    return found


if __name__ == "__main__":
    save_probabilities(Path(sys.argv[2]), probabilities(MINILM, Path(sys.argv[1])))
