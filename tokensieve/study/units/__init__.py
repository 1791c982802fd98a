"""The units that are co-simulated, by name. A unit is one line here and one module beside."""

from importlib import import_module
from typing import cast

from tokensieve.arch.errors import TokensieveError, nearest
from tokensieve.study.units.base import Unit

__all__ = ["UNITS", "Unit", "find_unit"]

UNITS: dict[str, str] = {}
"""Name -> ``module:class``. A module is imported when its unit is asked for."""


def find_unit(name: str) -> Unit:
    """Return the unit called `name`."""
    if name not in UNITS:
        raise TokensieveError(f"unit must be one of {', '.join(UNITS)}, got {name!r}{nearest(name, UNITS)}")
    module, _, kind = UNITS[name].partition(":")
    return cast(Unit, getattr(import_module(f"tokensieve.study.units.{module}"), kind)())
