"""Which top-k engine finds the threshold soonest: all engines on all distributions.

``python -m tokensieve.pages.engines`` prints the table of ``docs/reference/units/engines.md``. Cycles are those of the
laws, to which ``tokensieve cosim topk`` holds the hardware; work records are those of the scores themselves.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.arch.datapath import Topk
from tokensieve.arch.topklaw import TopkWork
from tokensieve.report.markdown import table
from tokensieve.workloads.distributions import most_scores, scores
from tokensieve.workloads.ragged import Ragged
from tokensieve.workloads.records import RECORDERS

DISTRIBUTIONS = (
    "uniform", "softmax", "softmax-sigma3", "softmax-max", "softmax-max-sigma3", "narrow", "importance", "minilm",
)  # fmt: skip

ENGINES = ("quickselect", "radix linear", "radix log", "bitserial", "bitonic")

BITS = (12, 16, 24)

_LONGEST = 1024


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One engine on one distribution."""

    mean: float
    most: int


def engine(name: str, n: int, bits: int, lanes: int) -> Topk:
    """Return the engine called `name`, as small as `n` scores allow, with the zero eliminators of `sieve`."""
    kind, _, first = name.partition(" ")
    return Topk.model_validate(
        {
            "engine": kind,
            "lanes": lanes,
            "max_tokens": n,
            "score_bits": bits,
            "first_digit": first or "log",
            "compactor": "balanced",
        }
    )


def select_cycles(topk: Topk, rows: npt.NDArray[np.int64], k: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return `select` of each of `rows`, shape ``(rows, n)``, of which `k` are kept; row i is running query i."""
    count, n = rows.shape
    records = Ragged.empty(count)
    if topk.record is not None:
        records = RECORDERS[topk.record](rows, k, np.arange(count), topk)
    work = TopkWork(items=np.full(count, n), kept=k, sizes=records.padded())
    return np.asarray(topk.law.select(work))


def figures(names: Sequence[str], vectors: int, seed: int, lanes: int) -> Iterator[tuple[str, int, int, str, Cell]]:
    """Yield distribution, number of scores, score width, engine and its cycles.

    Every second packet keeps a half of its scores, the others a fifth.
    """
    for name in names:
        n = min(_LONGEST, most_scores(name))
        k = np.where(np.arange(vectors) % 2 == 0, n // 2, n // 5)
        for bits in BITS:
            rows = np.stack([scores(name, n, bits, seed + i) for i in range(vectors)]).astype(np.int64)
            for one in ENGINES:
                cycles = select_cycles(engine(one, n, bits, lanes), rows, k)
                yield name, n, bits, one, Cell(mean=float(cycles.mean()), most=int(cycles.max()))


def markdown(names: Sequence[str], vectors: int, seed: int, lanes: int) -> str:
    """Return the table of the distributions `names`; the best mean of a line is bold."""
    rows: list[list[str]] = []
    cells: list[Cell] = []
    for name, n, bits, one, cell in figures(names, vectors, seed, lanes):
        cells.append(cell)
        if one == ENGINES[-1]:
            rows.append([name, str(n), str(bits), *_shown(cells)])
            cells = []
    return table(["scores", "N", "W", *ENGINES], rows)


def _shown(cells: Sequence[Cell]) -> list[str]:
    best = min(cell.mean for cell in cells)
    return [
        f"**{cell.mean:.0f}** / {cell.most}" if cell.mean == best else f"{cell.mean:.0f} / {cell.most}"
        for cell in cells
    ]


def main() -> None:
    """Print the table of all engines on all distributions."""
    parser = argparse.ArgumentParser(prog="python -m tokensieve.pages.engines", description=main.__doc__)
    parser.add_argument("--vectors", type=int, default=1000, help="packets of each distribution and width")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=16)
    told = parser.parse_args()
    print(markdown(DISTRIBUTIONS, told.vectors, told.seed, told.lanes))


if __name__ == "__main__":
    main()
