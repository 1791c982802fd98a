"""What a top-k engine takes of an ECP5 and how fast it is there, from its parameters: a fit to recorded runs.

Registers, block memories and multipliers are counted (`arch.fpga_structure`); LUTs are sums of at most five terms a
block, and the longest path is a sum of at most five terms of the engine. What a term takes, the sizes that were
recorded, and how far off the model is of runs that it was not fitted to stand in ``fpga/ecp5.json``, which
``python -m tokensieve.pages.fpga_model`` writes. All that is returned is *modelled*.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from tokensieve.arch.datapath import Topk
from tokensieve.arch.errors import TokensieveError
from tokensieve.arch.fpga_structure import brams, dsps, path_terms, registers, terms

DEVICES = ("ecp5-85k", "ecp5-45k", "ecp5-25k")
"""Devices that the model is of: they are made of the same cells. It is fitted to runs on the first one."""

UNIT = "topk"
"""The unit that the model is of."""

FIELDS: Mapping[str, Sequence[str]] = {
    "quickselect": (),
    "radix": ("digit_bits", "first_digit"),
    "bitserial": ("count_stages",),
    "bitonic": (),
}
"""Fields that the hardware of an engine has beside those of `COMMON`."""

COMMON = ("lanes", "max_tokens", "score_bits", "compactor")
"""Fields that the hardware of every engine has."""

Weights = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coefficients:
    """What the terms of `arch.fpga_structure` take."""

    lut: Mapping[str, Weights]
    """LUTs of a term, by block."""

    ff: Mapping[str, Weights]
    """Flip-flops of a block: for each of its `registers`, and of the shell for each `engine`."""

    path_ns: Mapping[str, Weights]
    """Nanoseconds of a term of the longest path, by engine."""

    recorded: Mapping[str, Mapping[str, Sequence[Any]]]
    """By engine and field: lowest and highest number, or all words, of the recorded runs."""

    placed: Mapping[str, Mapping[str, Sequence[Any]]]
    """The same of those that were placed, which Fmax is fitted to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FpgaEstimate:
    """What one top-k engine takes of an ECP5; *modelled*."""

    lut: int
    """LUTs of the device: those of logic, carry chains and distributed memories."""

    ff: int
    """Flip-flops."""

    bram: int
    """Block memories (DP16KD)."""

    dsp: int
    """Multipliers (MULT18X18D)."""

    fmax_mhz: float
    """Highest clock, as nextpnr would report it for the engine out of context."""

    extrapolated: tuple[str, ...] = ()
    """Fields that are outside of what was recorded, each with its value and what was recorded."""

    fmax_extrapolated: tuple[str, ...] = ()
    """Fields that are outside of what was placed, of which Fmax is extrapolated."""


def estimate(topk: Topk, known: Coefficients | None = None) -> FpgaEstimate:
    """Return what an engine takes. Raises `ArchError` for one that there is no RTL of.

    `known` are the coefficients; those that ship unless given.
    """
    topk.require_rtl()
    known = known or coefficients()
    made, grown = registers(topk), terms(topk)
    path_ns = _weighed(known.path_ns[topk.engine], path_terms(topk))
    return FpgaEstimate(
        lut=round(sum(_weighed(known.lut[block], own) for block, own in grown.items())),
        ff=round(sum(_weighed(known.ff[block], {"registers": own, "engine": 1}) for block, own in made.items())),
        bram=brams(topk),
        dsp=dsps(topk),
        fmax_mhz=round(1e3 / path_ns, 1),
        extrapolated=tuple(_outside(topk, known.recorded[topk.engine])),
        fmax_extrapolated=tuple(_outside(topk, known.placed[topk.engine])),
    )


def least(figure: str, value: float) -> int:
    """Return how small a modelled `lut` or `ff` may be in truth, by the worst error of runs not fitted to."""
    return int(value / (1 + told()["errors"][figure]["worst"]))


def most(figure: str, value: float) -> int:
    """Return how large a modelled `lut` or `ff` may be in truth, by the same error."""
    return int(value * (1 + told()["errors"][figure]["worst"]))


def _weighed(weights: Weights, counts: Mapping[str, float]) -> float:
    return sum(weight * counts[name] for name, weight in weights.items())


def _outside(topk: Topk, recorded: Mapping[str, Sequence[Any]]) -> list[str]:
    """Return the fields of `topk` that are outside of what was recorded."""
    found = []
    for field in (*COMMON, *FIELDS[topk.engine]):
        value, seen = getattr(topk, field), recorded[field]
        if isinstance(value, str):
            if value not in seen:
                found.append(f"topk.{field} = {value} (recorded: {', '.join(seen)})")
        elif not seen[0] <= value <= seen[-1]:
            found.append(f"topk.{field} = {value} (recorded: {seen[0]}..{seen[-1]})")
    return found


def require_modelled(unit: str, device: str) -> None:
    """Raise `TokensieveError` where no runs were recorded of a unit, or of the family of a device."""
    if unit != UNIT:
        raise TokensieveError(
            f"unit must be {UNIT} or fixed-length-pruner for an estimate, as runs of no other unit are recorded, "
            f"got {unit!r}"
        )
    if device not in DEVICES:
        raise TokensieveError(
            f"--device must be one of {', '.join(DEVICES)} for an estimate, as runs of no other family are recorded, "
            f"got {device!r}"
        )


@cache
def told() -> Mapping[str, Any]:
    """Return the file of the model: coefficients, recorded sizes, errors, tools."""
    found: Mapping[str, Any] = json.loads(
        (resources.files("tokensieve.arch") / "fpga" / "ecp5.json").read_text(encoding="utf-8")
    )
    return found


@cache
def coefficients() -> Coefficients:
    """Return the coefficients that ship."""
    return Coefficients(**{name: told()[name] for name in ("lut", "ff", "path_ns", "recorded", "placed")})
