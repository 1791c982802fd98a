"""Checks 7 and 8: the top-k's and the zero eliminator's answers, against a sort and the paper's example."""

from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from tokensieve.validate.row import Row, exactly
from tokensieve.validate.section import Data, LeftOut, Section

CASES = 100
LENGTHS = (2, 15, 16, 17, 204, 716, 1024)
SEED = 7


def section(data: Data) -> Section:
    """Return how many answers of the reference differ. The RTL is held against the same reference by `cosim`."""
    if find_spec("torch") is None:
        raise LeftOut("torch is missing: pip install -e '.[golden]'")
    pairs = [(n, k) for n in LENGTHS for k in sorted({1, n // 5, n // 2, n - 1} - {0})]
    wrong = sum(_wrong(n, k) for n, k in pairs)
    rows = (
        _none(f"top-k answers that differ from a stable sort, of {CASES * len(pairs)}", wrong, "check 7: paper IV-B"),
        _none("lanes of the zero eliminator's example that differ", _example(), "check 8: paper IV-C, Fig. 10"),
    )
    return Section(rows=rows)


def _none(name: str, wrong: int, source: str) -> Row:
    return Row(name=name, expected=0, modelled=wrong, unit="", source=source, band=exactly(0))


def _wrong(n: int, k: int) -> int:
    """Return on how many rows of `n` scores with many ties quick-select's threshold keeps not the `k` that a sort does.

    With k = n nothing is searched.
    """
    import torch

    from tokensieve.golden.records import quickselect_search

    rng = np.random.Generator(np.random.PCG64([SEED, n, k]))
    scores = rng.integers(0, max(2, n // 4), (CASES, n))
    _, found = quickselect_search(torch.from_numpy(scores), k, torch.arange(CASES))
    threshold, ties = np.array(found).T[:, :, None]
    equal = scores == threshold
    kept = (scores > threshold) | (equal & (np.cumsum(equal, axis=1) <= ties))
    return int((kept != _sorted(scores, k)).any(axis=1).sum())


def _sorted(scores: npt.NDArray[np.int64], wanted: int) -> npt.NDArray[np.bool_]:
    """Return which scores a stable sort, largest first, puts among the first `wanted`."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :wanted]
    kept = np.zeros(scores.shape, bool)
    np.put_along_axis(kept, order, True, axis=1)
    return kept


def _example() -> int:
    """Return how many items of [a 0 b 0 c d 0 e] end elsewhere than the paper's zero counts 0 1 2 2 3 say."""
    from tokensieve.golden.vectors.zero_eliminator import kept_items

    places = kept_items(np.array([1, 0, 1, 0, 1, 1, 0, 1]))
    return int((places - np.arange(5) != np.array([0, 1, 2, 2, 3])).sum())
