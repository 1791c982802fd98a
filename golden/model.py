"""Whole models under cascade pruning: all layers of a prefill, or prompt and steps of a decode.

A machine is fed one layer at a time, because the next layer's Q, K and V follow from its output; where those of a
prefill are known beforehand, `run_prefill` feeds it.
"""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from tokensieve.arch.errors import WorkloadError
from tokensieve.golden.attention import Precision, causal_mask
from tokensieve.golden.cascade import Cascade, Chosen
from tokensieve.golden.layer import CacheScales, LayerInput, LayerPlan, assembled, run_layer
from tokensieve.golden.recorder import Recorder

Plans = Callable[[int, int], Sequence[LayerPlan]]
"""Returns the plan of every layer of a step, given the step and its context."""


class Machine:
    """What prefill and decode have in common: a cascade, and where its decisions are written."""

    def __init__(self, cascade: Cascade, recorder: Recorder | None, longest: int) -> None:
        if longest > cascade.arch.topk.max_tokens:
            most = cascade.arch.topk.max_tokens
            raise WorkloadError(f"a context of {longest} tokens is above topk.max_tokens = {most}")
        self.cascade, self.recorder = cascade, recorder
        self._step, self._layer, self._newest = 0, 0, -1

    def _run(self, x: LayerInput, plans: Sequence[LayerPlan], rows: Tensor, cache: CacheScales | None = None) -> Tensor:
        """Return the current layer's output, of the shape of its queries; record it, and prune for the next."""
        here = self._layer
        results = run_layer(x, self.cascade, plans[here], cache)
        if self.recorder:
            self.recorder.layer(self._step, here, self.cascade)
            for h, (head, _) in results.items():
                self.recorder.head(self._step, here, h, self.cascade, head)
        if here + 1 < len(plans):
            self._prune(plans[here + 1], self._step * len(plans) + here)
        self._layer += 1
        return assembled(results, x.query.shape, rows)

    def _prune(self, after: LayerPlan, number: int) -> None:
        """Keep what the next layer's plan keeps. Where that is all, no selection runs."""
        newest = self._newest if self._newest >= 0 else None
        if after.tokens < len(self.cascade.tokens):
            self._record_tokens(self.cascade.prune_tokens(after.tokens, number, newest))
        if after.heads < len(self.cascade.heads):
            self._record_heads(self.cascade.prune_heads(after.heads, number))

    def _record_tokens(self, chosen: Chosen) -> None:
        if self.recorder:
            self.recorder.token_choice(self._step, self._layer, chosen)

    def _record_heads(self, chosen: Chosen) -> None:
        if self.recorder:
            self.recorder.head_choice(self._step, self._layer, chosen)


class Prefill(Machine):
    """All tokens of a text at once, bidirectional; the queries are the live tokens."""

    def __init__(self, cascade: Cascade, plans: Sequence[LayerPlan], recorder: Recorder | None = None) -> None:
        super().__init__(cascade, recorder, cascade.context)
        self.plans = plans

    def layer(self, x: LayerInput) -> Tensor:
        """Return the attention output of the next layer, ``(heads, context, D)``, 0 where pruned; then prune."""
        return self._run(x, self.plans, self.cascade.tokens)


class Decode(Machine):
    """A causal model: the prompt un-pruned and at full width, then one token a step under pruning.

    Between two steps the first layer's tokens and heads are chosen anew among all, as the authors' traces show; the
    newest token stays alive through its own step (our choice). What is chosen right after the prompt belongs to the
    prompt and is not recorded.
    """

    def __init__(self, cascade: Cascade, plans: Plans, steps: int, recorder: Recorder | None = None) -> None:
        super().__init__(cascade, None, cascade.context + steps)
        self.plans, self.steps, self._written = plans, steps, recorder
        self._scales: list[CacheScales] = []
        self._step = -1

    def prompt(self, x: LayerInput) -> Tensor:
        """Return the next layer's attention output for the whole prompt, and fix the scales of its K and V."""
        number, n = self.cascade.arch.number, self.cascade.context
        full = Precision(number.onchip_bits, number.onchip_bits, number.onchip_bits)
        plan = LayerPlan(n, len(self.cascade.head_sum), n, full)
        self._scales.append(CacheScales.of(x, number))
        results = run_layer(x, self.cascade, plan, self._scales[-1], causal_mask(n, n))
        return assembled(results, x.query.shape, torch.arange(n))

    def begin_step(self) -> None:
        """Choose what the next step's first layer works on, and add the step's own token."""
        context, layers = self.cascade.context, len(self._scales)
        plan = self.plans(self._step + 1, context + 1)[0]
        number = self._step * layers + layers - 1
        self._layer = layers - 1  # these selections belong to the end of the step before
        if plan.tokens - 1 < context:
            self._record_tokens(self.cascade.restart_tokens(plan.tokens - 1, max(number, 0)))
        else:
            self.cascade.tokens = torch.arange(context)
        if plan.heads < len(self.cascade.head_sum):
            self._record_heads(self.cascade.restart_heads(plan.heads, max(number, 0)))
        else:
            self.cascade.heads = torch.arange(len(self.cascade.head_sum))
        self._step, self._layer, self.recorder = self._step + 1, 0, self._written
        self._newest = self.cascade.append_token()

    def layer(self, x: LayerInput) -> Tensor:
        """Return the attention output of the step's next layer, ``(heads, 1, D)``, 0 where pruned; then prune."""
        plans = self.plans(self._step, self.cascade.context)
        return self._run(x, plans, torch.arange(1), self._scales[self._layer])


def run_prefill(
    layers: Iterable[LayerInput], cascade: Cascade, plans: Sequence[LayerPlan], recorder: Recorder | None = None
) -> list[Tensor]:
    """Return the attention outputs of a prefill whose Q, K and V are all known."""
    machine = Prefill(cascade, plans, recorder)
    return [machine.layer(x) for x in layers]
