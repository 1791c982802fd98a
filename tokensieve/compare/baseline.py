"""Measures PyTorch's attention on this host: the shapes of a workload, un-pruned, in 32-bit floating point.

Every layer has tensors of its own, so that what a decode step reads comes from memory as it would in a model. A decode
step appends its key and value to a cache that was allocated before. Scores, softmax and weighted sum are timed, and
nothing around them: no projections, no sampling. Two kernels run, and the faster one counts.
"""

import platform
import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tokensieve.arch.errors import ToolError
from tokensieve.compare.measured import Baseline, Shape, Times
from tokensieve.workloads.decisions import Decisions

if TYPE_CHECKING:
    from torch import Tensor

Device = Literal["cpu", "cuda"]
HINT = "pip install -e '.[golden]'"

STEPS = 4
"""Decode steps of a repetition, where the whole is not asked for."""

OPERATIONS = 2_000_000_000
"""Operations of a repetition above which layers are left out, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to measure."""

    device: Device = "cpu"
    threads: int | None = None
    """Threads of PyTorch; None leaves its own choice."""

    warmup: int = 3
    repeats: int = 20
    whole: bool = False
    """Run every step and layer in each repetition."""

    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Sample:
    """What a repetition runs."""

    contexts: tuple[int, ...]
    layers: int
    factor: float
    """What its time is multiplied with to stand for the whole."""

    told: str | None


def measure(decisions: Decisions, settings: Settings) -> Baseline:
    """Return what this host takes for the un-pruned attention of `decisions`.

    Raises `ToolError` where PyTorch, or the device asked for, is missing.
    """
    torch = require_torch(settings.device)
    shape = Shape.of(decisions)
    sample = _sample(shape, settings.whole)
    with _threads(torch, settings.threads), torch.inference_mode():
        layers = _tensors(torch, shape, sample, settings)
        kernels = {
            name: _times(_repetition(torch, shape, sample, layers, kernel), torch, sample, settings)
            for name, kernel in (
                ("sdpa", torch.nn.functional.scaled_dot_product_attention),
                ("matmul", _explicit(torch)),
            )
        }
        threads = torch.get_num_threads()
    best = min(kernels, key=lambda name: kernels[name].median)
    return Baseline(
        workload=str(decisions.meta["model"]),
        phase=shape.phase,
        layers=shape.layers,
        heads=shape.heads,
        head_dim=shape.head_dim,
        contexts=list(shape.contexts),
        operations=shape.operations,
        device=settings.device,
        processor=processor(torch, settings.device),
        torch=str(torch.__version__),
        threads=threads,
        warmup=settings.warmup,
        repeats=settings.repeats,
        steps_run=len(sample.contexts),
        layers_run=sample.layers,
        extrapolated=sample.told,
        kernel=best,
        seconds=kernels[best],
        kernels=kernels,
    )


def require_torch(device: Device) -> Any:
    """Return PyTorch, or raise `ToolError` where it or the device is missing."""
    try:
        import torch
    except ModuleNotFoundError:
        raise ToolError(f"baseline needs torch: {HINT}") from None
    if device == "cuda" and not torch.cuda.is_available():
        raise ToolError(
            f"--device cuda: PyTorch {torch.__version__} finds no CUDA device; --device cpu is always there"
        )
    return torch


def processor(torch: Any, device: Device) -> str:
    """Return the name of the CPU or GPU."""
    if device == "cuda":
        return str(torch.cuda.get_device_name())
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _sample(shape: Shape, whole: bool) -> _Sample:
    """Return the steps, evenly spaced, and the layers of a repetition."""
    steps, layers = len(shape.contexts), shape.layers
    taken = steps if whole else min(steps, STEPS)
    contexts = tuple(shape.contexts[(2 * i + 1) * steps // (2 * taken)] for i in range(taken))
    own = Shape(shape.phase, 1, shape.heads, shape.head_dim, contexts).operations
    some = layers if whole else max(1, min(layers, OPERATIONS // own))
    factor = shape.operations / (own * some)
    told = [f"{taken} of {steps} steps"] * (taken < steps) + [f"{some} of {layers} layers"] * (some < layers)
    return _Sample(contexts, some, factor, f"extrapolated from {' and '.join(told)}" if told else None)


@contextmanager
def _threads(torch: Any, wanted: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    if wanted is not None:
        torch.set_num_threads(wanted)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _tensors(torch: Any, shape: Shape, sample: _Sample, settings: Settings) -> "list[tuple[Tensor, Tensor, Tensor]]":
    """Return Q, K and V of each layer, ``(1, heads, tokens, D)``, K and V with room for the longest step."""
    lot = torch.Generator(device=settings.device).manual_seed(settings.seed)
    longest = max(sample.contexts)

    def draw(tokens: int) -> "Tensor":
        size = (1, shape.heads, tokens, shape.head_dim)
        drawn: Tensor = torch.randn(size, generator=lot, device=settings.device, dtype=torch.float32)
        return drawn

    return [(draw(shape.queries(longest)), draw(longest), draw(longest)) for _ in range(sample.layers)]


def _explicit(torch: Any) -> "Callable[[Tensor, Tensor, Tensor], Tensor]":
    def attention(query: "Tensor", key: "Tensor", value: "Tensor") -> "Tensor":
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        output: Tensor = torch.softmax(scores, dim=-1) @ value
        return output

    return attention


def _repetition(
    torch: Any, shape: Shape, sample: _Sample, layers: "list[tuple[Tensor, Tensor, Tensor]]", kernel: Any
) -> Callable[[], None]:
    """Return a function that runs the sampled steps once; a decode step writes its key and value to the cache first."""
    decode = shape.phase == "decode"

    def run() -> None:
        for context in sample.contexts:
            for query, key, value in layers:
                if decode:
                    key[:, :, context - 1 : context] = query
                    value[:, :, context - 1 : context] = query
                kernel(query[:, :, :context], key[:, :, :context], value[:, :, :context])

    return run


def _times(run: Callable[[], None], torch: Any, sample: _Sample, settings: Settings) -> Times:
    """Return median and quartiles of the repetitions, scaled to the whole workload."""
    wait = torch.cuda.synchronize if settings.device == "cuda" else lambda: None
    seconds = []
    for _ in range(settings.warmup + settings.repeats):
        wait()
        began = time.perf_counter()
        run()
        wait()
        seconds.append((time.perf_counter() - began) * sample.factor)
    return quartiles(seconds[settings.warmup :])


def quartiles(seconds: list[float]) -> Times:
    """Return the median and the quartiles of at least one time."""
    if len(seconds) == 1:
        return Times(median=seconds[0], first_quartile=seconds[0], third_quartile=seconds[0])
    first, median, third = statistics.quantiles(seconds, n=4, method="inclusive")
    return Times(median=median, first_quartile=first, third_quartile=third)
