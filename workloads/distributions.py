"""Rows of scores by the names that tests, benchmarks and documents use for their distributions."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError, nearest

Scores = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Make = Callable[[np.random.Generator, int, int], Counts]

_NARROW = 63
_SIGMA = 1.5
_IMPORTANCE_ROWS = 144
_OUTLIERS = 4


def scores(name: str, n: int, score_bits: int, seed: int, sigma: float | None = None) -> Scores:
    """Return a row of `n` unsigned scores of `score_bits` bits from the distribution called `name`.

    `uniform`; `softmax` (probabilities of normal logits as fractions of 2^bits, saturated; `sigma` is 1.5 unless given,
    3 is the other usual one); `softmax-max` (the same, scaled to the row's maximum); `narrow` (0..63); `importance`
    (sum of 144 softmax rows, sigma 3, scaled to the maximum); `outlier` (narrow, but for a few near the top); `equal`;
    `sorted` and `reversed` (uniform, in ascending and descending order).
    """
    if name not in _MAKERS:
        known = distribution_names()
        raise WorkloadError(f"score distribution must be one of {', '.join(known)}, got {name!r}{nearest(name, known)}")
    if n < 1 or not 1 <= score_bits <= 32:
        raise WorkloadError(f"n must be at least 1 and score_bits in 1..32, got {n} and {score_bits}")
    rng, top = np.random.Generator(np.random.PCG64([seed, n])), (1 << score_bits) - 1
    make = _MAKERS[name] if sigma is None else _with_sigma(name, sigma)
    return make(rng, n, top).astype(np.uint32)


def _with_sigma(name: str, sigma: float) -> Make:
    if name not in _SOFTMAX or not 0 < sigma < 100:
        raise WorkloadError(f"sigma belongs to {' and '.join(_SOFTMAX)} and lies in 0..100, got {sigma} for {name}")
    return _SOFTMAX[name](sigma)


def distribution_names() -> list[str]:
    """Return the names of the score distributions."""
    return list(_MAKERS)


def _uniform(rng: np.random.Generator, n: int, top: int) -> Counts:
    return rng.integers(0, top, n, endpoint=True)


def _narrow(rng: np.random.Generator, n: int, top: int) -> Counts:
    return rng.integers(0, min(_NARROW, top), n, endpoint=True)


def _outlier(rng: np.random.Generator, n: int, top: int) -> Counts:
    row = _narrow(rng, n, top)
    row[rng.choice(n, min(_OUTLIERS, n), replace=False)] = top - rng.integers(0, max(top >> 4, 1), min(_OUTLIERS, n))
    return row


def _probabilities(rng: np.random.Generator, shape: tuple[int, ...], sigma: float) -> Floats:
    logits = rng.normal(0.0, sigma, shape)
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    probabilities: Floats = weights / weights.sum(axis=-1, keepdims=True)
    return probabilities


def _absolute(sigma: float) -> Make:
    def make(rng: np.random.Generator, n: int, top: int) -> Counts:
        return np.minimum(np.rint(_probabilities(rng, (n,), sigma) * (top + 1)), top).astype(np.int64)

    return make


def _relative(sigma: float, rows: int = 1) -> Make:
    def make(rng: np.random.Generator, n: int, top: int) -> Counts:
        total = _probabilities(rng, (rows, n), sigma).sum(axis=0)
        scaled: Counts = np.rint(total / total.max() * top).astype(np.int64)
        return scaled

    return make


_SOFTMAX: dict[str, Callable[[float], Make]] = {"softmax": _absolute, "softmax-max": _relative}
_MAKERS: dict[str, Make] = {
    "uniform": _uniform,
    "softmax": _absolute(_SIGMA),
    "softmax-max": _relative(_SIGMA),
    "narrow": _narrow,
    "importance": _relative(3.0, _IMPORTANCE_ROWS),
    "outlier": _outlier,
    "equal": lambda rng, n, top: np.full(n, rng.integers(0, top, endpoint=True), np.int64),
    "sorted": lambda rng, n, top: np.sort(_uniform(rng, n, top)),
    "reversed": lambda rng, n, top: np.sort(_uniform(rng, n, top))[::-1].copy(),
}
