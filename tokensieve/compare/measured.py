"""A measured baseline as a file: what a processor took for the un-pruned attention of a workload."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, cast

from pydantic import Field

from tokensieve.arch.base import ArchModel, build
from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.reading import read_text
from tokensieve.sim.comparators.base import Cost
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.schedule import Phase


@dataclass(frozen=True, slots=True)
class Shape:
    """Shape of the un-pruned attention of a workload: what decides how long a processor takes for it."""

    phase: Phase
    layers: int
    heads: int
    head_dim: int
    contexts: tuple[int, ...]
    """Tokens that each step attends to; one step in prefill."""

    @classmethod
    def of(cls, decisions: Decisions) -> Self:
        """Return the shape of the work that `decisions` are of."""
        first = [int((decisions.row_index[:, 0] == step).argmax()) for step in range(decisions.steps)]
        contexts = tuple(int(decisions.context[row]) for row in first)
        return cls(cast(Phase, decisions.phase), decisions.layers, decisions.heads, decisions.head_dim, contexts)

    def queries(self, context: int) -> int:
        """Return the queries of a step that attends to `context` tokens."""
        return context if self.phase == "prefill" else 1

    @property
    def operations(self) -> int:
        """Operations of Q x K and Prob x V, two per multiply-accumulate."""
        pairs = sum(self.queries(c) * c for c in self.contexts)
        return 4 * self.head_dim * self.heads * self.layers * pairs


class Times(ArchModel):
    """Seconds that the whole workload takes: the middle of the repetitions, and the middle of either half."""

    median: Annotated[float, Field(gt=0)]
    first_quartile: Annotated[float, Field(gt=0)]
    third_quartile: Annotated[float, Field(gt=0)]


class Baseline(ArchModel):
    """What `tokensieve baseline` measured."""

    schema_version: Literal[1] = 1
    label: Literal["measured"] = "measured"
    workload: str
    """Model of the decisions."""

    phase: Phase
    layers: Annotated[int, Field(ge=1)]
    heads: Annotated[int, Field(ge=1)]
    head_dim: Annotated[int, Field(ge=1)]
    contexts: Annotated[list[int], Field(min_length=1)]
    """Tokens that each step attends to."""

    operations: Annotated[int, Field(ge=1)]
    """Of the whole workload, un-pruned, two per multiply-accumulate."""

    device: Literal["cpu", "cuda"]
    processor: Annotated[str, Field(min_length=1)]
    """Name of the CPU or GPU."""

    torch: str
    """Version of PyTorch."""

    dtype: Literal["float32"] = "float32"
    threads: Annotated[int, Field(ge=1)]
    warmup: Annotated[int, Field(ge=0)]
    repeats: Annotated[int, Field(ge=1)]
    steps_run: Annotated[int, Field(ge=1)]
    """Steps that a repetition ran, evenly spaced."""

    layers_run: Annotated[int, Field(ge=1)]
    """Layers that a repetition ran of each step."""

    extrapolated: str | None
    """What was scaled up to the whole workload; None where all of it ran."""

    kernel: str
    """The faster kernel, whose times are `seconds`."""

    seconds: Times
    kernels: dict[str, Times]
    """Times of each kernel: `sdpa` is scaled_dot_product_attention, `matmul` two products and a softmax."""

    @property
    def shape(self) -> Shape:
        """Shape of the attention that was measured."""
        return Shape(self.phase, self.layers, self.heads, self.head_dim, tuple(self.contexts))

    def cost(self, decisions: Decisions) -> Cost:
        """Return the measured cost, after making sure that `decisions` are of the work that was measured."""
        wanted = Shape.of(decisions)
        if wanted != self.shape:
            raise WorkloadError(f"the baseline was measured for {_told(self.shape)}, not for {_told(wanted)}")
        return Cost(
            name=f"{self.device}, PyTorch",
            seconds=self.seconds.median,
            operations=self.operations,
            dram_bytes=None,
            label="measured",
            notes=(self.note,),
        )

    @property
    def note(self) -> str:
        """What was measured, in a sentence."""
        told = (
            f"{self.processor}, PyTorch {self.torch}, {_some(self.threads, 'thread')}, {self.dtype}, {self.kernel}: "
            f"median of {_some(self.repeats, 'repetition')} after {self.warmup}"
        )
        return f"{told}; {self.extrapolated}" if self.extrapolated else told


def _some(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _told(shape: Shape) -> str:
    fields: Mapping[str, Any] = asdict(shape)
    contexts = fields["contexts"]
    span = str(contexts[0]) if len(contexts) == 1 else f"{len(contexts)} steps at {contexts[0]} to {contexts[-1]}"
    return f"{shape.phase} of {span} tokens, {shape.layers} layers of {shape.heads} heads, D = {shape.head_dim}"


def read_baseline(path: Path | str) -> Baseline:
    """Return the baseline in the file at `path`, or raise `WorkloadError` with what is wrong with it."""
    try:
        data = json.loads(read_text(Path(path), WorkloadError))
    except (ValueError, RecursionError) as problem:
        raise WorkloadError(f"{path}: not valid JSON: {problem}") from None
    if not isinstance(data, dict):
        raise WorkloadError(f"{path}: a JSON object is expected, got {type(data).__name__}")
    return build(Baseline, {k: v for k, v in data.items() if k != "modelled"}, WorkloadError, source=str(path))
