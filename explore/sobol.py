"""Sobol indices: which share of an objective's variance each field makes, alone and with all others (SALib)."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import SweepError
from tokensieve.explore.frame import needed
from tokensieve.explore.sensitivity import Sampled

F64 = npt.NDArray[np.float64]

LEAST_BLOCKS = 32
"""Blocks of the sample that must be valid: below, the indices are noise."""

MOST_SAMPLES = 1 << 20


@dataclass(frozen=True)
class Indices:
    """Of one objective, shape (fields,) each."""

    first: F64
    """Share of the variance that the field makes alone."""

    total: F64
    """The same with all its interactions."""

    first_error: F64
    total_error: F64
    """Half of a 95 % interval each, by bootstrap."""


@dataclass(frozen=True)
class SobolIndices:
    """Indices of all fields of a sweep."""

    names: tuple[str, ...]
    objectives: tuple[str, ...]
    indices: tuple[Indices, ...]
    """By objective."""

    blocks: int
    """Blocks of the sample that were used: those in which every design is valid."""

    drawn: int
    """Blocks that were drawn."""

    designs: int
    """Designs that were priced."""


def sobol_indices(sampled: Sampled, samples: int = 512, seed: int = 0) -> SobolIndices:
    """Return the Sobol indices of all axes of a sweep with more than one value, values taken as equally likely.

    The sample is Saltelli's on a scrambled Sobol sequence: `samples` blocks, a power of two, of a design for each field
    and two more, priced at level `analytic`. A block with a design that is refused is left out. Raises `SweepError`
    where too few blocks are left, `ToolError` without SALib.
    """
    if samples & (samples - 1) or not LEAST_BLOCKS <= samples <= MOST_SAMPLES:
        raise SweepError(f"--samples must be a power of two in {LEAST_BLOCKS}..{MOST_SAMPLES}, got {samples}")
    sizes = [len(one[0].values) for one in sampled.dimensions]
    moved = [i for i, size in enumerate(sizes) if size != 1]
    names = tuple(", ".join(axis.name for axis in sampled.dimensions[i]) for i in moved)
    if len(names) < 2:
        raise SweepError("Sobol indices need two axes or more with more than one value")
    sample, analyze = needed("SALib.sample.sobol"), needed("SALib.analyze.sobol")
    problem = {"num_vars": len(names), "names": list(names), "bounds": [[0.0, 1.0]] * len(names)}
    cube = sample.sample(problem, samples, calc_second_order=False, seed=seed)
    columns = _places(cube, sizes, moved)
    wanted, why = sampled.prices(columns, len(cube))
    blocks = wanted.reshape(len(wanted), samples, len(names) + 2)
    good = np.isfinite(blocks).all(axis=(0, 2))
    if good.sum() < LEAST_BLOCKS:
        told = f": {why[0]}" if why else ""
        raise SweepError(
            f"{good.sum()} of {samples} blocks of the sample hold valid designs alone, {LEAST_BLOCKS} are needed{told}"
        )
    found = tuple(_indices(analyze, problem, rows[good].ravel(), seed) for rows in blocks)
    texts = tuple(f"max {one.text}" if one.largest else one.text for one in sampled.objectives)
    return SobolIndices(names, texts, found, int(good.sum()), samples, len(cube))


def _places(cube: F64, sizes: list[int], moved: list[int]) -> list[Any]:
    """Return where the designs lie on each dimension; `cube` has the shape (designs, dimensions that move)."""
    columns: list[Any] = [np.zeros(len(cube), np.int64) for _ in sizes]
    for column, i in zip(cube.T, moved, strict=True):
        columns[i] = np.minimum((column * sizes[i]).astype(np.int64), sizes[i] - 1) if sizes[i] else column
    return columns


def _indices(analyze: Any, problem: dict[str, Any], figures: F64, seed: int) -> Indices:
    if np.ptp(figures) == 0:
        nothing = np.zeros(problem["num_vars"])
        return Indices(nothing, nothing, nothing, nothing)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = analyze.analyze(problem, figures, calc_second_order=False, seed=seed)
    return Indices(*(np.asarray(told[name], np.float64) for name in ("S1", "ST", "S1_conf", "ST_conf")))
