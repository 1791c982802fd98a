"""Whether a stored point can be computed anew, from what, and whether the same comes out."""

import json
from collections.abc import Mapping
from math import isclose
from typing import Any

from tokensieve.arch.base import build
from tokensieve.arch.errors import ArchError, CheckError, StoreError
from tokensieve.arch.machine import Arch
from tokensieve.arch.presets import apply_sets
from tokensieve.explore.columns import totals_of
from tokensieve.explore.store_reader import Reader
from tokensieve.explore.stored import Base, Point
from tokensieve.sim.reference.version import model_version
from tokensieve.sim.result import Result

TOLERANCE = 1e-9
"""Relative distance that sums of energies may have from those of a batch, which adds in another order."""


def check_version(store: Reader, point: Point) -> None:
    """Raise `StoreError` where another version of the cycle model than the one that runs made `point`."""
    made, runs = store.origin_of(point)["model"], model_version()
    if made != runs:
        raise StoreError(
            f"point {point.id} was made by version {made[:12]} of the cycle model, and {str(runs)[:12]} runs: what it "
            "computes is another result; sweep again, or use the version that made it"
        )


def machine_of(base: Base, overrides: Mapping[str, Any]) -> tuple[Arch, list[str]]:
    """Return the machine of a point, and its overrides as `--set` takes them."""
    sets = [f"{path}={value if isinstance(value, str) else json.dumps(value)}" for path, value in overrides.items()]
    return build(Arch, apply_sets(base.arch, sets), ArchError), sets


def check_same(point: Point, result: Result) -> None:
    """Raise `CheckError` where a total of `point` is another one in `result`."""
    fresh = totals_of(result)
    for name, value in (point.totals or {}).items():
        if value is not None and not _same(value, fresh[name]):
            raise CheckError(f"point {point.id}: {name} is {value} in the store, and {fresh[name]} computed anew")


def _same(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, int | float):
        return isclose(a, b, rel_tol=TOLERANCE)
    return a == b
