"""From a schedule to what each layer keeps, and to the head of a `Decisions` file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.machine import Arch
from tokensieve.golden.attention import Precision
from tokensieve.golden.layer import LayerPlan
from tokensieve.workloads.meta import make_meta
from tokensieve.workloads.models import ModelShape
from tokensieve.workloads.schedule import Phase, Schedule

OUR_CHOICES = (
    "the number formats are this project's: the paper's softmax is floating point",
    "values cut to fewer bits are taken at the middle of what the cut leaves open",
    "probabilities are not renormalised after local value pruning",
    "importance is ranked after a right shift that makes the largest alive sum fit score_bits",
    "the model was not fine-tuned for pruning",
)
DECODE_CHOICES = (
    "the prompt runs un-pruned at full on-chip width, and fixes the scales of K and V",
    "the newest token stays alive through its own step",
    "the tokens of a step's first layer are the most important of the whole context",
)


@dataclass(frozen=True)
class Shape:
    """Shape of the attention of a run."""

    heads: int
    layers: int
    head_dim: int
    steps: int = 1
    phase: Phase = "prefill"


def layer_plans(schedule: Schedule, shape: Shape, context: int, step: int = 0) -> list[LayerPlan]:
    """Return what each layer of a step keeps of `context` tokens."""
    counts = (
        schedule.keys_kept(context, step, shape.layers),
        schedule.heads_kept(shape.heads, shape.layers),
        schedule.values_kept(context, step, shape.layers, shape.phase),
    )
    for kind, kept, most in (("token", counts[0][0], context), ("head", counts[1][0], shape.heads)):
        if shape.phase == "prefill" and kept != most:
            raise WorkloadError(
                f"schedule.{kind} must keep all {kind}s in layer 0 of a prefill, as nothing has been ranked yet, "
                f"got {kept} of {most}"
            )
    how = precision(schedule, shape.phase)
    return [LayerPlan(tokens, heads, values, how) for tokens, heads, values in zip(*counts, strict=True)]


def precision(schedule: Schedule, phase: Phase) -> Precision:
    """Return the widths that a schedule fetches, and its threshold where progressive quantization is on."""
    bits, on = schedule.bits, getattr(schedule.progressive, phase)
    return Precision(bits.query, bits.key, bits.value, bits.lsb, schedule.threshold if on else None)


def require_bits(schedule: Schedule, arch: Arch) -> None:
    """Raise `WorkloadError` unless the widths of `schedule` fit the machine's number formats."""
    bits, most = schedule.bits, arch.number.onchip_bits
    limits = [(name, "onchip_bits", most) for name in ("query", "key", "value")]
    for name, limit, bound in [*limits, ("lsb", "lsb_bits", arch.number.lsb_bits)]:
        came = getattr(bits, name)
        if came > bound:
            raise WorkloadError(f"schedule.bits.{name} must be at most number.{limit} = {bound}, got {came}")


def decisions_meta(
    arch: Arch,
    schedule: Schedule,
    shape: Shape,
    model: str = "random tensors",
    text_sha256: str | None = None,
    licence: str = "none needed",
    assumed: Sequence[str] = (),
    whole: ModelShape | None = None,
) -> dict[str, Any]:
    """Return the meta data of the decisions of a run; `whole` is the shape of its model, where there is one."""
    bits = schedule.bits.model_dump()
    bits["lsb"] = min(bits["lsb"], arch.number.onchip_bits - bits["key"])
    return make_meta(
        phase=shape.phase,
        model=model,
        D=shape.head_dim,
        heads=shape.heads,
        layers=shape.layers,
        steps=shape.steps,
        topk=arch.topk,
        shape=whole,
        bits=bits,
        schedule=schedule.as_json(),
        threshold=None if schedule.threshold is None else float(schedule.threshold),
        text_sha256=text_sha256,
        licence=licence,
        assumed=[*assumed, *OUR_CHOICES, *(DECODE_CHOICES if shape.phase == "decode" else ())],
    )
