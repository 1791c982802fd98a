"""Scores by the names that tests, benchmarks and documents use for their distributions."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from importlib import resources
from itertools import repeat
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError, nearest
from tokensieve.workloads.container import read_arrays, write_arrays
from tokensieve.workloads.tallies import Tallies

Scores = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Make = Callable[[np.random.Generator, int, int], Counts]

_NARROW = 63
_SIGMA, _WIDE_SIGMA = 1.5, 3.0
_IMPORTANCE_TERMS = 144
_OUTLIERS = 4

MOST_ORDERED = 1 << 16
"""Most scores that are drawn from a pool one by one. Of more, it is drawn how often each of the pool's row comes."""

PROBABILITY_BITS = 24
"""Width of the probabilities of `minilm` as they are stored: fractions of 2^24."""

_PROBABILITIES = "minilm-probabilities.npz"


def scores(name: str, n: int, score_bits: int, seed: int) -> Scores:
    """Return `n` unsigned scores of `score_bits` bits from the distribution called `name`.

    `uniform`; `softmax` (probabilities of normal logits of sigma 1.5 as fractions of 2^bits, rounded and saturated);
    `softmax-max` (the same, scaled to their maximum); `softmax-sigma3` and `softmax-max-sigma3` (the same of sigma
    3); `narrow` (0..63); `importance` (sum of 144 softmax outputs, sigma 3, scaled to the maximum); `outlier` (narrow,
    with a few near the top); `equal`; `sorted` and `reversed` (uniform, in ascending and descending order); `minilm`
    (real probabilities of one query, rounded as those of `softmax`); `minilm-resampled` (n of those of one query,
    drawn with replacement and scaled to a sum of 1); `importance-resampled` (n of 512 of `importance`, drawn with
    replacement and scaled to the maximum).

    Consecutive seeds give `minilm` queries of different heads and layers, each with 512 keys; where `n` is less, the
    first `n` are taken as they are.
    """
    _check(name, n, score_bits)
    if name == _MINILM:
        return _real(n, (1 << score_bits) - 1, seed)
    row: Scores = draw(name, n, score_bits, [np.random.Generator(np.random.PCG64([seed, n]))])[0]
    return row


def draw(name: str, n: int, score_bits: int, generators: Iterable[np.random.Generator]) -> Scores:
    """Return `n` scores as `scores` does from each of at least one generator, shape ``(generators, n)``.

    Here a generator also picks the query of `minilm`. It is done with before the next one is taken, so that one object
    may stand for all. Of more than `MOST_ORDERED` scores from a pool, equal ones stand side by side: `tallies` tells.
    """
    _check(name, n, score_bits)
    top = (1 << score_bits) - 1
    if tallied(name, n):
        return tallies(name, n, score_bits, generators).written_out().astype(np.uint32)
    if name in _POOLS:
        pool, scaled = _POOLS[name]
        return scaled(_resampled(pool(), n, generators), None, top).astype(np.uint32)
    return np.stack([_row(name, rng, n, top) for rng in generators])


def tallied(name: str, n: int) -> bool:
    """Return whether `n` scores of the distribution `name` are drawn by how often each value comes."""
    return name in _POOLS and n > MOST_ORDERED


def numbers_held(name: str, n: int) -> int:
    """Return how many numbers stand for `n` scores of the distribution `name` while they are drawn."""
    return _POOLS[name][0]().shape[1] if tallied(name, n) else n


def tallies(name: str, n: int | Counts, score_bits: int, generators: Iterable[np.random.Generator]) -> Tallies:
    """Return what `draw` returns of a distribution that is `tallied`, shape ``(generators, columns of the pool)``.

    `n` may differ from generator to generator.
    """
    pool, scaled = _POOLS[name]
    rows, columns = pool().shape
    even, sizes = np.full(columns, 1 / columns), repeat(n) if isinstance(n, int) else n.tolist()
    pairs = zip(generators, sizes, strict=False)  # one size may repeat without end
    drawn = [(int(rng.random() * rows), rng.multinomial(size, even)) for rng, size in pairs]
    weights, counts = pool()[[row for row, _ in drawn]], np.stack([count for _, count in drawn])
    return Tallies(scaled(weights, counts, (1 << score_bits) - 1).astype(np.int64), counts)


def _check(name: str, n: int, score_bits: int) -> None:
    check_distribution(name)
    if n < 1 or not 1 <= score_bits <= 32:
        raise WorkloadError(f"n must be at least 1 and score_bits in 1..32, got {n} and {score_bits}")
    if n > most_scores(name):
        raise WorkloadError(f"score distribution {name} has rows of at most {most_scores(name)} scores, got n = {n}")


def check_distribution(name: str) -> None:
    """Raise `WorkloadError` unless `name` is that of a distribution."""
    if name not in (known := distribution_names()):
        raise WorkloadError(f"scores must be one of {', '.join(known)}, got {name!r}{nearest(name, known)}")


def most_scores(name: str) -> int:
    """Return the most scores that the distribution `name` can make at once; all but `minilm` make any number."""
    return minilm_probabilities().shape[1] if name == _MINILM else 1 << 31


def distribution_names() -> list[str]:
    """Return the names of the score distributions."""
    return [*packet_names(), *_POOLS]


def packet_names() -> list[str]:
    """Return the names of those that random test vectors take in turn; resampling adds no new kind of packet."""
    return [*_MAKERS, _MINILM]


def _row(name: str, rng: np.random.Generator, n: int, top: int) -> Scores:
    if name == _MINILM:
        return _real(n, top, int(rng.integers(len(minilm_probabilities()))))
    return _MAKERS[name](rng, n, top).astype(np.uint32)


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


@lru_cache
def minilm_probabilities() -> Scores:
    """Return the shipped real probabilities, as fractions of 2^24, shape ``(queries, keys)``."""
    path = Path(str(resources.files("tokensieve.workloads") / "data" / _PROBABILITIES))
    planes = read_arrays(path, ("planes",))["planes"]
    return _joined(planes)


def save_probabilities(path: Path, found: Scores) -> None:
    """Write probabilities as `minilm_probabilities` reads them, in planes of bytes, which pack better."""
    write_arrays(path, {"planes": np.stack([found >> shift & 0xFF for shift in (0, 8, 16)]).astype(np.uint8)})


def _joined(planes: npt.NDArray[np.uint8]) -> Scores:
    rows: Scores = sum((planes[i].astype(np.uint32) << 8 * i for i in range(3)), np.zeros(planes.shape[1:], np.uint32))
    rows.flags.writeable = False
    return rows


def _real(n: int, top: int, seed: int) -> Scores:
    rows = minilm_probabilities()
    probabilities = rows[seed % len(rows), :n] / (1 << PROBABILITY_BITS)
    return np.minimum(np.rint(probabilities * (top + 1)), top).astype(np.uint32)


@lru_cache
def _minilm_pool() -> Floats:
    """Return the probabilities of `minilm`; a 0 counts as 1, the least that is stored, so that sums are positive."""
    return np.maximum(minilm_probabilities(), 1).astype(np.float64)


@lru_cache
def _importance_pool() -> Floats:
    """Return one query's worth of `importance`."""
    return scores(_IMPORTANCE, minilm_probabilities().shape[1], PROBABILITY_BITS, 0).astype(np.float64)[None]


def _resampled(pool: Floats, n: int, generators: Iterable[np.random.Generator]) -> Floats:
    """Return `n` weights for each generator: of one row of `pool`, drawn with replacement."""
    rows, columns = pool.shape
    drawn = np.stack([rng.random(1 + n) for rng in generators])
    drawn[:, :1] *= rows
    drawn[:, 1:] *= columns
    places = drawn.astype(np.intp)
    places[:, 1:] += places[:, :1] * columns
    return pool.take(places[:, 1:])


def _to_sum(weights: Floats, counts: Counts | None, top: int) -> Floats:
    total = weights if counts is None else weights * counts
    weights *= (top + 1) / total.sum(axis=1, keepdims=True)
    return np.minimum(np.rint(weights, out=weights), top, out=weights)


def _to_maximum(weights: Floats, counts: Counts | None, top: int) -> Floats:
    there = weights if counts is None else weights * (counts > 0)
    weights *= top / there.max(axis=1, keepdims=True)
    return np.minimum(np.rint(weights, out=weights), top, out=weights)


_MINILM, _IMPORTANCE = "minilm", "importance"
_MAKERS: dict[str, Make] = {
    "uniform": _uniform,
    "softmax": _absolute(_SIGMA),
    "softmax-sigma3": _absolute(_WIDE_SIGMA),
    "softmax-max": _relative(_SIGMA),
    "softmax-max-sigma3": _relative(_WIDE_SIGMA),
    "narrow": _narrow,
    _IMPORTANCE: _relative(_WIDE_SIGMA, _IMPORTANCE_TERMS),
    "outlier": _outlier,
    "equal": lambda rng, n, top: np.full(n, rng.integers(0, top, endpoint=True), np.int64),
    "sorted": lambda rng, n, top: np.sort(_uniform(rng, n, top)),
    "reversed": lambda rng, n, top: np.sort(_uniform(rng, n, top))[::-1].copy(),
}
_POOLS: dict[str, tuple[Callable[[], Floats], Callable[[Floats, Counts | None, int], Floats]]] = {
    "minilm-resampled": (_minilm_pool, _to_sum),
    "importance-resampled": (_importance_pool, _to_maximum),
}
"""Those that are drawn from a pool of rows: the pool, and how weights become scores: where counts are given, each
weight stands for so many."""
