"""Pruning schedules: how many tokens, heads and values each layer keeps, and with how many bits they are fetched."""

import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from tokensieve.arch.base import ArchModel, build
from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.limits import MAX_TOKENS
from tokensieve.workloads.meta import BIT_CHOICES

Kind = Literal["token", "head"]
Phase = Literal["prefill", "decode"]

_UNPRUNED = {"token": Fraction(15, 100), "head": Fraction(30, 100)}
"""Share of the first layers that keep everything (paper V-A)."""


_DECIMAL = re.compile(r"[-+]?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})([eE][-+]?\d{1,2})?|\d{1,9}/[1-9]\d{0,8}")
"""What may stand for a ratio in a file: short enough that no number takes long to read."""


def fraction(value: object) -> Fraction:
    """Return the exact fraction that a decimal number in a file stands for.

    >>> fraction(0.7)
    Fraction(7, 10)
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str | Fraction):
        raise PydanticCustomError("ratio", "a decimal number is expected")
    text = str(value)  # a float prints as the shortest decimal that reads back as it: what was typed
    if isinstance(value, Fraction) or _DECIMAL.fullmatch(text):
        return Fraction(text)
    raise PydanticCustomError("ratio", "a decimal number is expected")


def decimal(value: Fraction) -> str:
    """Return `value` as a decimal where it is one, and as numerator/denominator otherwise.

    >>> decimal(Fraction(7, 10)), decimal(Fraction(2, 3))
    ('0.7', '2/3')
    """
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    return format((Decimal(value.numerator) / Decimal(value.denominator)).normalize(), "f")


def _ratio(value: object) -> Fraction:
    ratio = fraction(value)
    if not 0 < ratio <= 1:
        raise PydanticCustomError("ratio", "a keep ratio is above 0 and at most 1")
    return ratio


def _ratios(value: object) -> tuple[Fraction, ...]:
    items = value if isinstance(value, list | tuple) else [value]
    if not items:
        raise PydanticCustomError("ratio", "at least one keep ratio is expected")
    return tuple(_ratio(item) for item in items)


def _share(value: object) -> Fraction | None:
    share = None if value is None else fraction(value)
    if share is not None and not 0 <= share <= 1:
        raise PydanticCustomError("ratio", "a share is in 0..1")
    return share


def _base(value: object) -> str | int:
    if value in ("initial", "current") or (type(value) is int and 1 <= value <= MAX_TOKENS):
        return value
    raise PydanticCustomError("base", f"initial, current or a number of tokens up to {MAX_TOKENS} is expected")


_NUMBER = {"anyOf": [{"type": "number"}, {"type": "string"}]}
Ratios = Annotated[
    tuple[Fraction, ...],
    PlainValidator(_ratios),
    PlainSerializer(lambda ratios: [decimal(r) for r in ratios]),
    WithJsonSchema({"anyOf": [*_NUMBER["anyOf"], {"type": "array", "items": _NUMBER, "minItems": 1}]}),
]
Share = Annotated[
    Fraction | None,
    PlainValidator(_share),
    PlainSerializer(lambda share: None if share is None else decimal(share)),
    WithJsonSchema({"anyOf": [*_NUMBER["anyOf"], {"type": "null"}]}),
]
Base = Annotated[
    Literal["initial", "current"] | int,
    PlainValidator(_base),
    WithJsonSchema(
        {"anyOf": [{"enum": ["initial", "current"]}, {"type": "integer", "minimum": 1, "maximum": MAX_TOKENS}]}
    ),
]
_ALL = (Fraction(1),)


class Bits(ArchModel):
    """Widths of a vector's elements in DRAM."""

    query: int = 12
    """Width of Q."""

    key: int = 8
    """Width of K's MSB plane."""

    value: int = 8
    """Width of V."""

    lsb: int = 4
    """Width of K's LSB plane; 0 where there is none."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        for name, choices in BIT_CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f".{name} must be one of {', '.join(map(str, choices))}, got {getattr(self, name)}")
        return self


class Progressive(ArchModel):
    """Phases in which the LSBs of K are fetched on demand (paper III-D)."""

    prefill: bool = False
    """Off in the paper: recomputing would slow a compute-bound phase."""

    decode: bool = True
    """On in the paper."""


class Schedule(ArchModel):
    """How much is kept, layer by layer. Ratios are exact decimals and say what is kept, not what is dropped."""

    interpolation: Literal["spatten", "ltp", "list"] = "spatten"
    """How ratios are spread over the layers. `spatten`: the first 15 % of the layers (30 % for heads) keep all, then
    linear from the first ratio to the second (paper V-A). `ltp`: at least 3 layers and 15 % keep all, then linear down
    to the ratio. `list`: one ratio per layer, or one for all."""

    token: Ratios = _ALL
    """Tokens kept: of `base`."""

    head: Ratios = _ALL
    """Heads kept: of all heads, or with base `current` of those still alive."""

    value: Ratios = _ALL
    """Values kept by local value pruning, of the layer's tokens: one for all layers, or one per layer."""

    local_values: Literal["decode", "both"] = "both"
    """Phases in which `value` holds. `decode`: a prefill keeps all values, as dropping some saves no DRAM traffic there
    and costs a search per query."""

    rounding: Literal["floor", "round", "ceil"] = "floor"
    """How a count is made whole; `round` takes halves to the even neighbour."""

    base: Base = "initial"
    """What a token ratio is a part of: the context, the tokens still alive, or a fixed number."""

    start_step: Annotated[int, Field(ge=0, le=MAX_TOKENS)] = 0
    """Decode steps before this one keep all keys."""

    bits: Bits = Bits()
    """Widths in DRAM."""

    threshold: Share = None
    """Largest probability below which a row's LSBs are fetched."""

    progressive: Progressive = Progressive()
    """Where progressive quantization is on."""

    @model_validator(mode="after")
    def _cascades(self) -> Self:
        """Refuse shares of all tokens or heads that grow: what a layer has pruned does not come back."""
        for kind, ratios in (("token", self.token), ("head", self.head)):
            grows = next((pair for pair in pairwise(ratios) if pair[1] > pair[0]), None)
            if grows and self.base != "current":
                before, after = map(decimal, grows)
                raise ValueError(
                    f".{kind} must not grow from layer to layer, as pruned {kind}s do not come back, "
                    f"got {before}, then {after}"
                )
        return self

    def ratios(self, kind: Kind, layers: int) -> tuple[Fraction, ...]:
        """Return the keep ratio of each layer for tokens or heads."""
        given: tuple[Fraction, ...] = getattr(self, kind)
        if self.interpolation == "list":
            return _per_layer(kind, given, layers)
        free = min(unpruned_layers(kind, self.interpolation, layers), layers)
        if self.interpolation == "ltp":
            return (Fraction(1),) * free + _ltp(kind, given, free, layers)
        return (Fraction(1),) * free + _spatten(kind, given, layers - free)

    def value_ratios(self, layers: int) -> tuple[Fraction, ...]:
        """Return the share of values that each layer keeps."""
        return _per_layer("value", self.value, layers)

    def keys_kept(self, context: int, step: int, layers: int) -> list[int]:
        """Return the keys that each layer of a step keeps."""
        alive, kept = context, []
        for target in self._targets(context, step, layers):
            alive = min(alive, max(1, self.rounded(target * alive) if self.base == "current" else int(target)))
            kept.append(alive)
        return kept

    def values_kept(self, context: int, step: int, layers: int, phase: Phase = "decode") -> list[int]:
        """Return the values that a query of each layer of a step keeps."""
        keys = self.keys_kept(context, step, layers)
        if self.local_values not in (phase, "both"):
            return keys
        targets = keys if self.base == "current" else self._targets(context, step, layers)
        shares = self.value_ratios(layers)
        return [min(k, max(1, self.rounded(v * t))) for k, v, t in zip(keys, shares, targets, strict=True)]

    def heads_kept(self, heads: int, layers: int) -> list[int]:
        """Return the heads that each layer keeps."""
        alive, kept = heads, []
        for ratio in self.ratios("head", layers):
            alive = min(alive, max(1, self.rounded(ratio * (alive if self.base == "current" else heads))))
            kept.append(alive)
        return kept

    def _targets(self, context: int, step: int, layers: int) -> list[Any]:
        """Return rounding(ratio x base) of each layer, or with base `current` the ratios themselves."""
        ratios = self.ratios("token", layers) if step >= self.start_step else (Fraction(1),) * layers
        if self.base == "current":
            return list(ratios)
        base = context if self.base == "initial" else int(self.base)
        return [self.rounded(ratio * base) for ratio in ratios]

    def rounded(self, value: Fraction) -> int:
        """Return `value` as a whole number, by the rounding of this schedule."""
        if self.rounding == "round":
            return round(value)
        return value.__floor__() if self.rounding == "floor" else value.__ceil__()

    def as_json(self) -> dict[str, Any]:
        """Return this schedule as it is written in files: ratios as decimal strings."""
        return self.model_dump(mode="json")


def unpruned_layers(kind: Kind, interpolation: str, layers: int) -> int:
    """Return how many of the first layers keep everything.

    The paper does not say how a share of the layers is made whole; it is rounded up here, as in LTP's code.

    >>> [unpruned_layers("token", "spatten", 12), unpruned_layers("head", "spatten", 12)]
    [2, 4]
    """
    share = (_UNPRUNED[kind] * layers).__ceil__()
    return max(3, share) if interpolation == "ltp" else share


def _per_layer(name: str, ratios: tuple[Fraction, ...], layers: int) -> tuple[Fraction, ...]:
    if len(ratios) not in {1, layers}:
        raise WorkloadError(f"schedule.{name} must have one ratio, or one per layer ({layers}), got {len(ratios)}")
    return ratios * layers if len(ratios) == 1 else ratios


def _spatten(name: str, ratios: tuple[Fraction, ...], layers: int) -> tuple[Fraction, ...]:
    if len(ratios) > 2:
        raise WorkloadError(
            f"schedule.{name} must have one or two ratios with interpolation spatten, got {len(ratios)}"
        )
    first, last = ratios[0], ratios[-1]
    return tuple(first + (last - first) * Fraction(i, max(layers - 1, 1)) for i in range(layers))


def _ltp(name: str, ratios: tuple[Fraction, ...], free: int, layers: int) -> tuple[Fraction, ...]:
    if len(ratios) != 1:
        raise WorkloadError(f"schedule.{name} must have one ratio with interpolation ltp, got {len(ratios)}")
    return tuple(1 + (ratios[0] - 1) * Fraction(i - free + 1, layers - free) for i in range(free, layers))


def schedule_from(data: Mapping[str, Any]) -> Schedule:
    """Return the schedule that `data` (as of `Schedule.as_json`) holds."""
    return build(Schedule, data, WorkloadError, source="schedule")
