"""The units that are co-simulated, by name. A unit is one line here and one module beside."""

from importlib import import_module
from typing import cast

from tokensieve.arch.errors import TokensieveError, nearest
from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import Unit

__all__ = ["UNITS", "Unit", "every_engine", "find_engine", "find_unit"]

UNITS: dict[str, str] = {
    "zero-eliminator": "zero_eliminator:ZeroEliminatorUnit",
    "topk": "topk:TopkUnit",
    "local-value-pruner": "local_value_pruner:LocalValuePrunerUnit",
    "cascade-pruner": "cascade_pruner:CascadePrunerUnit",
    "fixed-length-pruner": "fixed_length_pruner:FixedLengthPrunerUnit",
    "token-gather": "token_gather:TokenGatherUnit",
    "axi-topk": "axi:AxiTopk",
    "axi-zero-eliminator": "axi:AxiZeroEliminator",
    "axi-token-gather": "axi:AxiTokenGather",
    "axi-cascade-pruner": "axi:AxiCascadePruner",
    "importance-accumulator": "accumulators:ImportanceAccumulatorUnit",
    "head-accumulator": "accumulators:HeadAccumulatorUnit",
    "requant-decision": "requant_decision:RequantDecisionUnit",
    "bitwidth-converter": "bitwidth_converter:BitwidthConverterUnit",
}
"""Name -> ``module:class``. A module is imported when its unit is asked for."""


def find_unit(name: str) -> Unit:
    """Return the unit called `name`."""
    if name not in UNITS:
        raise TokensieveError(f"unit must be one of {', '.join(UNITS)}, got {name!r}{nearest(name, UNITS)}")
    module, _, kind = UNITS[name].partition(":")
    return cast(Unit, getattr(import_module(f"tokensieve.verify.units.{module}"), kind)())


def every_engine(unit: Unit) -> tuple[str, ...]:
    """Return the engines with which ``all`` has a unit: every one. A wrapper is the same for all, and has one."""
    return unit.engines()[:1] if unit.name.startswith("axi-") else unit.engines()


def find_engine(unit: Unit, name: str | None, arch: Arch) -> str:
    """Return the engine called `name`; unless one is named, that of `arch`, where `unit` has engines at all."""
    engines = unit.engines()
    if name is None:
        return arch.topk.engine if arch.topk.engine in engines else engines[0]
    if name not in engines or not name:
        choice = f"must be one of {', '.join(engines)}" if all(engines) else f"cannot be given, {unit.name} has none"
        raise TokensieveError(f"engine {choice}, got {name!r}{nearest(name, filter(None, engines))}")
    return name
