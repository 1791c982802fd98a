"""Runs of one model over one text: dense, under golden pruning, and with as much pruned by lot."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from tokensieve.golden.capture.attach import Attention, attending
from tokensieve.golden.capture.foreign import foreign, refusal
from tokensieve.golden.capture.guard import Counted, check_finite
from tokensieve.golden.cascade import Cascade
from tokensieve.golden.layer import LayerInput
from tokensieve.golden.model import Decode, Plans, Prefill
from tokensieve.golden.recorder import Recorder
from tokensieve.golden.reference import cosine, dense_attention

Fidelity = dict[str, float]
"""Measures of how close a pruned run is to the dense one."""

NextToken = Callable[[int, Tensor], int]
"""Returns the token that a step reads, given the step and the logits before it."""

_SAME = 1 - 1e-9


@dataclass(frozen=True)
class EncoderRuns:
    """An encoder and the tokens that it reads at once."""

    model: Any
    ids: tuple[int, ...]
    name: str = "the model"
    """Name in errors."""

    def hidden(self) -> Tensor:
        """Return the last hidden state, ``(tokens, width)``, with the attention that is attached."""
        with torch.no_grad(), foreign(self.name):
            state: Tensor = self.model(input_ids=torch.tensor([self.ids])).last_hidden_state[0]
        return state

    def dense(self) -> Tensor:
        """Return the model's own last hidden state, after checking that its attention is of the kind that we prune."""
        state = self.hidden()
        check_finite(self.name, "hidden states", state)
        plain = Counted(_plain(causal=False))
        with attending(self.model, plain, self.name):
            same = self.hidden()
        plain.require_every_layer(self.name, self.model.config.num_hidden_layers, 1)
        _require_same(self.name, same, state)
        return state

    def pruned(self, cascade: Cascade, plans: Plans, recorder: Recorder | None = None) -> Tensor:
        """Return the last hidden state under pruning; that of pruned tokens means nothing."""
        machine = Prefill(cascade, plans(0, len(self.ids)), recorder)
        with attending(self.model, machine.layer, self.name):
            return self.hidden()

    def fidelity(self, dense: Tensor, pruned: Tensor, cascade: Cascade) -> Fidelity:
        """Return how close the surviving tokens' states are, and their mean to the mean of all."""
        alive = cascade.tokens
        return {
            "embedding_cosine": cosine(pruned[alive].mean(dim=0), dense.mean(dim=0)),
            "hidden_state_cosine": cosine(pruned[alive], dense[alive]),
        }


@dataclass(frozen=True)
class CausalRuns:
    """A causal model, the prompt that fills its cache, and how many tokens it generates."""

    model: Any
    ids: tuple[int, ...]
    steps: int
    name: str = "the model"
    """Name in errors."""

    def logits(self, next_token: NextToken, begin_step: Callable[[], Attention] | None = None) -> Tensor:
        """Return the logits of every step, ``(steps, vocabulary)``.

        `begin_step`, called before each step, gives the attention of that step; without it, it is the model's own.
        """
        with torch.no_grad():
            out = self._call(self.ids)
            found = [out.logits[0, -1]]
            for step in range(self.steps):
                run = partial(self._call, (next_token(step, found[-1]),), self._cache(out))
                if begin_step is None:
                    out = run()
                else:
                    with attending(self.model, begin_step(), self.name):
                        out = run()
                found.append(out.logits[0, -1])
        return torch.stack(found[1:])

    def _call(self, ids: tuple[int, ...], cache: Any = None) -> Any:
        """Return the outcome of the model on tokens that follow those in a cache."""
        given = {} if cache is None else {self._cache_name: cache}
        with foreign(self.name):
            return self.model(input_ids=torch.tensor([ids]), use_cache=True, **given)

    @cached_property
    def _cache_name(self) -> str:
        """Name of the argument that takes the cache: later versions of Transformers call it `cache`."""
        names = signature(self.model.forward).parameters
        found = next((name for name in ("cache", "past_key_values") if name in names), None)
        if found is None:
            raise refusal(self.name, "it keeps no cache of keys and values between steps")
        return found

    def _cache(self, out: Any) -> Any:
        found = next((out[name] for name in ("cache", "past_key_values") if name in out), None)
        if found is None:
            raise refusal(self.name, "it keeps no cache of keys and values between steps")
        return found

    def dense(self) -> tuple[Tensor, list[int]]:
        """Return the model's own logits and the tokens that it generates, each the likeliest."""
        tokens: list[int] = []

        def likeliest(step: int, logits: Tensor) -> int:
            tokens.append(int(logits.argmax()))
            return tokens[-1]

        assert self._cache_name
        logits = self.logits(likeliest)
        check_finite(self.name, "logits", logits)
        plain = Counted(_plain(causal=True))
        with attending(self.model, plain, self.name):
            same = self.logits(lambda step, _: tokens[step])
        plain.require_every_layer(self.name, self.model.config.num_hidden_layers, self.steps + 1)
        _require_same(self.name, same, logits)
        return logits, tokens

    def pruned(self, tokens: list[int], cascade: Cascade, plans: Plans, recorder: Recorder | None = None) -> Tensor:
        """Return the logits under pruning, where the steps read the tokens that the dense model generated."""
        machine = Decode(cascade, plans, self.steps, recorder)

        def begin_step() -> Attention:
            machine.begin_step()
            return machine.layer

        with attending(self.model, machine.prompt, self.name):
            return self.logits(lambda step, _: tokens[step], begin_step)

    @staticmethod
    def fidelity(dense: Tensor, pruned: Tensor) -> Fidelity:
        """Return how close the logits are, and in how many steps both prefer the same token."""
        same = dense.argmax(dim=-1) == pruned.argmax(dim=-1)
        rows = torch.cosine_similarity(dense, pruned, dim=-1)
        return {"logits_cosine": float(rows.mean()), "top1_agreement": float(same.double().mean())}


def _plain(causal: bool) -> Attention:
    def attention(x: LayerInput) -> Tensor:
        return dense_attention(x.query, x.key, x.value, causal)

    return attention


def _require_same(name: str, ours: Tensor, theirs: Tensor) -> None:
    if not cosine(ours, theirs) >= _SAME:
        raise refusal(
            name,
            "its attention is not softmax(Q K^T / sqrt(D)) V over all tokens (or all earlier ones): "
            f"with that in its place the output's cosine to its own is {cosine(ours, theirs):.6f}",
        )
