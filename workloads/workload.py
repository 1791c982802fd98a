"""A workload: a model, a phase, lengths and a schedule, and the counts that follow from them."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from tokensieve.arch.base import ArchModel, Name, build, placed
from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.library import check_kind, check_no_trace
from tokensieve.arch.limits import MAX_TOKENS
from tokensieve.arch.yamlio import Lines, load_yaml
from tokensieve.workloads.complete import Counts
from tokensieve.workloads.models import ModelShape, model_shape
from tokensieve.workloads.ragged import Int32
from tokensieve.workloads.schedule import Schedule, Share
from tokensieve.workloads.size import Size, decode_size, prefill_size

Number = Annotated[int | None, Field(ge=1, le=MAX_TOKENS)]
Grid = npt.NDArray[np.int64]

LSB_RULE = (
    "the rows that need the LSBs are spread over the layers by largest remainder, front layers first, then evenly"
)
LIVE_HEADS_RULE = "of the heads, the first ones stay alive"


class Workload(ArchModel):
    """What is asked of the machine."""

    name: Name = "workload"
    """Name printed in reports."""

    model: ModelShape
    """Shape of the model, or in a file the name of one."""

    layers: Annotated[int | None, Field(ge=1, le=1024)] = None
    """Layers that are run, if not all of the model's."""

    phase: Literal["prefill", "decode"]
    """All tokens at once, or one token per step."""

    context: Number = None
    """Tokens of the text (prefill)."""

    prompt: Number = None
    """Tokens before the first step (decode); step s attends to prompt + s + 1 tokens."""

    steps: Number = None
    """Generated tokens (decode)."""

    schedule: Schedule = Schedule()
    """What is pruned."""

    lsb_fraction: Share = Fraction(0)
    """Share of the queries that fetch the LSBs."""

    published: list[str] = Field(default_factory=list)
    """What is known, with its source."""

    assumed: list[str] = Field(default_factory=list)
    """What is assumed."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        prefill = self.phase == "prefill"
        if self.layer_count > self.model.layers:
            raise ValueError(f"layers must be at most the {self.model.layers} of the model, got {self.layers}")
        for field, wanted in (("context", prefill), ("prompt", not prefill), ("steps", not prefill)):
            if (getattr(self, field) is not None) != wanted:
                rule = "is required" if wanted else "has no meaning"
                raise ValueError(f"{field} {rule} with phase {self.phase}")
        if self.lsb_fraction and not (getattr(self.schedule.progressive, self.phase) and self.schedule.bits.lsb):
            raise ValueError(
                f"lsb_fraction must be 0 where schedule.progressive.{self.phase} is false or bits.lsb is 0"
            )
        if self.lsb_fraction and self.schedule.threshold is None:
            raise ValueError(
                "schedule.threshold is required with an lsb_fraction above 0: without one no query asks for its LSBs"
            )
        if prefill and self.schedule.start_step:
            raise ValueError(
                f"schedule.start_step must be 0 with phase prefill, which is one step, got {self.schedule.start_step}"
            )
        if not prefill and 0 < (self.steps or 0) <= self.schedule.start_step:
            raise ValueError(
                f"schedule.start_step must be below steps = {self.steps}, or no step prunes a token, "
                f"got {self.schedule.start_step}"
            )
        return self

    @property
    def layer_count(self) -> int:
        """Layers that are run."""
        return self.layers or self.model.layers

    @property
    def contexts(self) -> list[int]:
        """Tokens that each step could attend to."""
        if self.context is not None:
            return [self.context]
        return [(self.prompt or 0) + step + 1 for step in range(self.steps or 0)]

    @property
    def longest(self) -> int:
        """Longest context of a step, in tokens."""
        return self.context or (self.prompt or 0) + (self.steps or 0)

    @property
    def size(self) -> Size:
        """Upper bound of the work."""
        rows = self.layer_count * self.model.heads
        if self.context is not None:
            return prefill_size(rows, self.context)
        return decode_size(rows, self.prompt or 0, self.steps or 0)

    def counts(self) -> Counts:
        """Return what is kept, row by row."""
        layers, contexts = self.layer_count, self.contexts
        keys = np.array([self.schedule.keys_kept(c, s, layers) for s, c in self._steps()], np.int64)
        values = np.array([self.schedule.values_kept(c, s, layers, self.phase) for s, c in self._steps()], np.int64)
        heads = np.array([self.schedule.heads_kept(self.model.heads, layers)] * len(contexts), np.int64)
        if self.phase == "prefill" and keys[0, 0] < contexts[0]:
            raise WorkloadError(
                f"schedule.token must keep all tokens in layer 0 of a prefill, as none has a score yet, "
                f"got {keys[0, 0]} of {contexts[0]}"
            )
        index = np.argwhere(np.arange(self.model.heads) < heads[..., None]).astype(np.int32)
        group = (index[:, 0], index[:, 1])
        rows_keys = keys[group].astype(np.int32)
        queries = rows_keys if self.phase == "prefill" else np.ones_like(rows_keys)
        lsb = self._lsb(np.repeat(index[:, 1], queries))
        return Counts(
            phase=self.phase,
            model=self.model.name,
            head_dim=self.model.head_dim,
            heads=self.model.heads,
            layers=layers,
            steps=len(contexts),
            row_index=index,
            context=np.array(contexts, np.int32)[index[:, 0]],
            keys=rows_keys,
            values=values[group].astype(np.int32),
            lsb_refetch=lsb,
            bits=self.schedule.bits.model_dump(),
            token_topk=_token_topk(keys, contexts),
            head_topk=_falls(heads),
            schedule=self.schedule.as_json(),
            threshold=None if self.schedule.threshold is None else float(self.schedule.threshold),
            licence="Apache-2.0",
            assumed=(*self.assumed, *self._rules(bool(lsb.any()), len(index) < heads.size * self.model.heads)),
        )

    def _steps(self) -> list[tuple[int, int]]:
        """Return (step, context) pairs."""
        return list(enumerate(self.contexts))

    def _lsb(self, layer: Int32) -> npt.NDArray[np.uint8]:
        """Return which queries fetch the LSBs, given the layer of each."""
        result = np.zeros(len(layer), np.uint8)
        per_layer = np.bincount(layer, minlength=self.layer_count)
        for number, share in enumerate(largest_remainder(self.lsb_fraction or Fraction(0), per_layer.tolist())):
            places = np.flatnonzero(layer == number)
            result[places[np.arange(share) * len(places) // max(share, 1)]] = 1
        return result

    @staticmethod
    def _rules(lsb: bool, fewer_heads: bool) -> list[str]:
        return [LSB_RULE] * lsb + [LIVE_HEADS_RULE] * fewer_heads


def largest_remainder(share: Fraction, sizes: list[int]) -> list[int]:
    """Return whole parts of `sizes` that add up to `share` of their sum, rounded; ties go to the first.

    >>> largest_remainder(Fraction(1, 4), [5, 5, 4])
    [2, 1, 1]
    """
    parts = [(share * size).__floor__() for size in sizes]
    missing = (share * sum(sizes) + Fraction(1, 2)).__floor__() - sum(parts)
    order = sorted(range(len(sizes)), key=lambda i: (parts[i] - share * sizes[i], i))
    for i in order[:missing]:
        parts[i] += 1
    return parts


def _token_topk(keys: Grid, contexts: list[int]) -> Int32:
    """Return the tokens kept by the selection at the end of each (step, layer), -1 where none runs.

    After the last layer the tokens of the next step's first layer are chosen, if that layer does not keep all.
    """
    kept = _falls(keys).reshape(keys.shape)
    prunes = keys[1:, 0] < np.array(contexts[1:])
    kept[:-1, -1][prunes] = keys[1:, 0][prunes]
    return kept.reshape(-1)


def _falls(grid: Grid) -> Int32:
    """Return the number of the next layer where it is below this layer's, else -1."""
    kept = np.full(grid.shape, -1, np.int32)
    falls = grid[:, 1:] < grid[:, :-1]
    kept[:, :-1][falls] = grid[:, 1:][falls]
    return kept.reshape(-1)


def read_workload(path: Path | str) -> Workload:
    """Return the workload in the YAML file at `path`."""
    path = Path(path)
    check_no_trace(path, "a workload", WorkloadError)
    data, lines = load_yaml(path, WorkloadError)
    check_kind(path, data, "a workload", WorkloadError)
    return workload_from({"name": path.stem, **data}, lines, str(path))


def placed_problem(name: str, problem: WorkloadError) -> WorkloadError:
    """Return `problem` with the workload called `name` before it; if that is a file, with the line of the field."""
    lines = load_yaml(Path(name), WorkloadError)[1] if Path(name).is_file() else {}
    return WorkloadError(placed(str(problem), lines, name))


def workload_from(data: Mapping[str, Any], lines: Lines | None = None, source: str = "") -> Workload:
    """Return the workload that `data` describes; its model may be the name of one."""
    model = data.get("model")
    if isinstance(model, str):
        try:
            data = {**data, "model": model_shape(model).model_dump()}
        except WorkloadError as problem:
            line = (lines or {}).get(("model",))
            raise WorkloadError(f"{source}, line {line}: {problem}" if line else str(problem)) from None
    return build(Workload, data, WorkloadError, lines, source)


def workload_schema() -> dict[str, Any]:
    """Return the JSON Schema of a workload file."""
    schema = Workload.model_json_schema()
    schema["properties"]["model"] = {"anyOf": [{"type": "string"}, schema["properties"]["model"]]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
