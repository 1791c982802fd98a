"""Which designs of a space are tried: each as a place on every dimension, made for any range of numbers at once.

A range of designs is the same however the sweep is cut into ranges. Nothing is held for all designs, except in a Latin
hypercube, which is one permutation a dimension.
"""

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import SweepError, ToolError
from tokensieve.explore.spec import MOST_POINTS, Sampler

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

MOST_SOBOL = 21201
"""Dimensions for which scipy has direction numbers."""

MOST_HYPERCUBE = 1_000_000
"""Designs times dimensions of a Latin hypercube that are held at once: 8 MB."""


class Draws(Protocol):
    """Designs, numbered from 0."""

    def __len__(self) -> int: ...

    def places(self, low: int, high: int) -> list[I64 | F64]:
        """Return where the designs from `low` to before `high` lie on each dimension.

        That is the number of a value, or, on a dimension without values, a share in [0, 1).
        """
        ...


def draws(sampler: Sampler, sizes: Sequence[int]) -> Draws:
    """Return the designs that `sampler` tries, of dimensions with so many values each; 0 stands for a continuum."""
    if sampler.kind == "grid":
        return Grid(sizes)
    assert sampler.points is not None
    kinds: dict[str, Callable[[int, int, Sequence[int]], Draws]] = {
        "random": Random, "lhs": Hypercube, "sobol": Sobol,
    }  # fmt: skip
    return kinds[sampler.kind](sampler.points, sampler.seed, sizes)


class Grid:
    """Every combination; the last dimension changes fastest."""

    def __init__(self, sizes: Sequence[int]) -> None:
        """Raise `SweepError` for a continuum, and where there are more combinations than anybody would wait for."""
        self._sizes = tuple(sizes)
        self._count = math.prod(sizes)
        if self._count > MOST_POINTS:
            raise SweepError(
                f"the grid has {self._count:,} designs, above the limit of {MOST_POINTS:,}; draw some of them "
                "instead, for example with sampler: {kind: sobol, points: 4096}, or look for the best ones with "
                "`tokensieve search`"
            )

    def __len__(self) -> int:
        return self._count

    def places(self, low: int, high: int) -> list[I64 | F64]:
        """Return the number of the value on each dimension."""
        if not self._sizes:
            return []
        return list(np.unravel_index(np.arange(low, high), self._sizes))


class _Drawn(ABC):
    """Points in the unit cube, cut into the values of each dimension."""

    def __init__(self, points: int, seed: int, sizes: Sequence[int]) -> None:
        self._points, self._seed, self._sizes = points, seed, tuple(sizes)

    def __len__(self) -> int:
        return self._points

    def places(self, low: int, high: int) -> list[I64 | F64]:
        """Return the number of the value on each dimension, or the share of a continuum."""
        cube = self._cube(low, high)
        return [
            np.minimum((column * size).astype(np.int64), size - 1) if size else column
            for column, size in zip(cube.T, self._sizes, strict=True)
        ]

    @abstractmethod
    def _cube(self, low: int, high: int) -> F64:
        """Return the points from `low` to before `high`, shape (points, dimensions), each coordinate in [0, 1)."""


class Random(_Drawn):
    """Each dimension drawn on its own."""

    def _cube(self, low: int, high: int) -> F64:
        wide = len(self._sizes)
        bits = np.random.PCG64(self._seed)
        bits.advance(low * wide)  # one number of the generator for each double
        return np.random.Generator(bits).random((high - low, wide))


class Sobol(_Drawn):
    """A scrambled Sobol sequence."""

    def _cube(self, low: int, high: int) -> F64:
        wide = len(self._sizes)
        if not wide:
            return np.zeros((high - low, 0))
        qmc = _qmc("sobol")
        if wide > MOST_SOBOL:
            raise SweepError(f"a Sobol sequence has at most {MOST_SOBOL} dimensions, got {wide}")
        engine = qmc.Sobol(wide, scramble=True, seed=self._seed)
        if low:
            engine.fast_forward(low)
        cube: F64 = engine.random(high - low)
        return cube


class Hypercube(_Drawn):
    """A Latin hypercube."""

    def _cube(self, low: int, high: int) -> F64:
        return self._whole[low:high]

    @cached_property
    def _whole(self) -> F64:
        wide = len(self._sizes)
        if self._points * wide > MOST_HYPERCUBE:
            raise SweepError(
                f"a Latin hypercube is held whole, up to {MOST_HYPERCUBE:,} designs x dimensions, got "
                f"{self._points:,} x {wide}; sampler kind sobol is not"
            )
        if not wide:
            return np.zeros((self._points, 0))
        cube: F64 = _qmc("lhs").LatinHypercube(wide, seed=self._seed).random(self._points)
        return cube


def _qmc(kind: str) -> Any:
    try:
        from scipy.stats import qmc
    except ModuleNotFoundError:
        raise ToolError(
            f"scipy is missing, which sampler kind {kind} needs: pip install -e '.[explore]'; kind random needs nothing"
        ) from None
    warnings.filterwarnings("ignore", message="The balance properties of Sobol", category=UserWarning)
    return qmc
