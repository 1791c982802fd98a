"""From a model's folder and a text to `Decisions`, and how much the pruning changed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tokensieve.arch.machine import Arch
from tokensieve.golden.capture.attach import load_config, load_model
from tokensieve.golden.capture.foreign import foreign
from tokensieve.golden.capture.guard import check_vocabulary, check_whole_attention, shape_of, whole_shape
from tokensieve.golden.capture.runs import CausalRuns, EncoderRuns, Fidelity
from tokensieve.golden.capture.source import (
    ModelFolder,
    Tokens,
    check_room,
    check_start_step,
    printable,
    read_tokens,
    window,
)
from tokensieve.golden.cascade import Cascade, RandomCascade
from tokensieve.golden.model import Plans
from tokensieve.golden.plan import Shape, decisions_meta, layer_plans, require_bits
from tokensieve.golden.recorder import Recorder
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.schedule import Schedule, schedule_from

DEFAULT: Mapping[str, Any] = {
    "token": ["0.9", "0.5"],
    "head": ["0.95", "0.75"],
    "value": ["0.5"],
    "local_values": "decode",
}
"""Schedule where none is given: half of the tokens and three quarters of the heads are left in the last layer."""

DEFAULT_THRESHOLD = "0.1"
"""Threshold of progressive quantization in decode (paper V-A), likewise."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to capture."""

    model: str
    """`minilm`, or the folder of a model."""

    text: Path
    """UTF-8 file."""

    arch: Arch
    """Machine whose number formats and top-k engines decide."""

    schedule: Schedule | None = None
    """What is kept; None takes `DEFAULT`."""

    tokens: int | None = None
    """Cut the text after so many tokens."""

    steps: int | None = None
    """Tokens to generate, causal models only."""

    seed: int = 0
    """Of the random baseline."""

    licence: str = "not stated"
    """Licence of the text and the model."""


@dataclass(frozen=True, kw_only=True)
class Capture:
    """What came of it."""

    decisions: Decisions
    pruned: Fidelity
    """How close the pruned output is to the dense one."""

    random: Fidelity
    """The same with as many tokens and heads kept, but drawn by lot."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Run the block on one core.

    Golden's tensors are small: on cores that others use too, waiting for one another takes several times what threads
    save. It also takes the number of cores out of the model's own rounding.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def capture(request: Request) -> Capture:
    """Run the model dense, under golden pruning and with as much pruned by lot; return the decisions of the second."""
    folder = ModelFolder.of(request.model)
    steps = folder.steps(request.steps)
    if request.schedule is not None:
        check_start_step(request.schedule, steps)
    tokens = read_tokens(request.text, folder, request.tokens)
    config = load_config(folder)
    shape_of(folder.name, config)
    check_room(request.text, len(tokens.ids), steps, {
        "topk.max_tokens": request.arch.topk.max_tokens, f"the window of {folder.name}": _window(config),
    })  # fmt: skip
    check_whole_attention(folder.name, config, len(tokens.ids) + steps, folder.causal)
    model = load_model(folder)
    check_vocabulary(folder.name, model, tokens.ids)
    run = _causal if folder.causal else _encoder
    return run(request, _Subject(folder, model, tokens, steps))


def _window(config: Any) -> int:
    positions = getattr(config, "max_position_embeddings", None)
    return window(positions, config.model_type, getattr(config, "pad_token_id", None))


@dataclass(frozen=True)
class _Subject:
    """What is run: model, text and number of steps."""

    folder: ModelFolder
    model: Any
    tokens: Tokens
    steps: int

    @property
    def shape(self) -> Shape:
        heads, layers, width = shape_of(self.folder.name, self.model.config)
        if self.folder.causal:
            return Shape(heads, layers, width, self.steps, "decode")
        return Shape(heads, layers, width)

    def cascade(self, arch: Arch) -> Cascade:
        return Cascade(arch, self.shape.heads, len(self.tokens.ids))

    def random_cascade(self, arch: Arch, seed: int) -> Cascade:
        return RandomCascade(arch, self.shape.heads, len(self.tokens.ids), seed)

    def recorder(self, request: Request, schedule: Schedule, generated: tuple[str, ...] = ()) -> Recorder:
        meta = decisions_meta(
            request.arch,
            schedule,
            self.shape,
            f"{self.folder.name} (sha256 {self.folder.weights_sha256[:12]})",
            self.tokens.sha256,
            request.licence,
            whole=whole_shape(self.folder.name, self.model.config, self.folder.causal),
        )
        return Recorder(request.arch.topk, meta, self.tokens.words + generated)


def _schedule(request: Request, shape: Shape) -> tuple[Schedule, Plans]:
    threshold = DEFAULT_THRESHOLD if shape.phase == "decode" else None
    schedule = request.schedule or schedule_from({**DEFAULT, "threshold": threshold})
    require_bits(schedule, request.arch)
    return schedule, lambda step, context: layer_plans(schedule, shape, context, step)


def _encoder(request: Request, subject: _Subject) -> Capture:
    schedule, plans = _schedule(request, subject.shape)
    runs, recorder = (
        EncoderRuns(subject.model, subject.tokens.ids, subject.folder.name),
        subject.recorder(request, schedule),
    )
    ours, lot = subject.cascade(request.arch), subject.random_cascade(request.arch, request.seed)
    plans(0, len(subject.tokens.ids))  # refuse a schedule that does not fit before the long part
    dense = runs.dense()
    pruned = runs.fidelity(dense, runs.pruned(ours, plans, recorder), ours)
    random = runs.fidelity(dense, runs.pruned(lot, plans), lot)
    return Capture(decisions=recorder.decisions(), pruned=pruned, random=random)


def _causal(request: Request, subject: _Subject) -> Capture:
    schedule, plans = _schedule(request, subject.shape)
    runs = CausalRuns(subject.model, subject.tokens.ids, subject.steps, subject.folder.name)
    plans(0, len(subject.tokens.ids) + 1)
    dense, generated = runs.dense()
    spell = subject.folder.tokenizer()
    with foreign(subject.folder.name):
        words = tuple(printable(spell.decode([t], skip_special_tokens=False)) for t in generated)
    recorder = subject.recorder(request, schedule, words)
    ours, lot = subject.cascade(request.arch), subject.random_cascade(request.arch, request.seed)
    pruned = runs.fidelity(dense, runs.pruned(generated, ours, plans, recorder))
    random = runs.fidelity(dense, runs.pruned(generated, lot, plans))
    return Capture(decisions=recorder.decisions(), pruned=pruned, random=random)
