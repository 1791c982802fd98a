"""Checks 9 and 10: what a quick-select costs, by the release's model, by our records and by our law."""

import numpy as np
import numpy.typing as npt

from tokensieve.arch import load_arch
from tokensieve.arch.topklaw import TopkLaw, TopkWork
from tokensieve.validate.row import Row, within
from tokensieve.validate.section import Data, Section
from tokensieve.workloads.javarandom import JavaRandom
from tokensieve.workloads.ragged import Ragged
from tokensieve.workloads.records import quick_records_of_ranks
from tokensieve.workloads.released import SEED as RELEASE_SEED
from tokensieve.workloads.released import topk_rounds

TRIALS = 10_000
RECORDS = 2_000
SEED = 9
LANES = (1, 4, 8, 16, 32)

MEANS = {
    (1024, 512): (3465, 911, 476, 258, 151),
    (1024, 128): (2810, 731, 388, 216, 129),
    (1024, 64): (2556, 664, 348, 198, 117),
    (1024, 32): (2340, 615, 322, 181, 109),
    (993, 204): (3014, 786, 414, 230, 136),
    (993, 307): (3223, 844, 440, 241, 144),
    (921, 184): (2769, 713, 383, 213, 128),
    (716, 143): (2161, 575, 307, 172, 108),
    (614, 184): (1962, 528, 285, 161, 102),
    (307, 92): (985, 276, 154, 95, 66),
    (204, 40): (610, 174, 105, 68, 50),
    (102, 20): (307, 95, 61, 45, 36),
    (512, 64): (1415, 379, 209, 123, 80),
    (64, 32): (217, 73, 49, 37, 31),
}
"""Mean cycles by lanes of (scores, 0-based rank): 2,000 runs of the release's TopKLatencyModel.scala, each mean with a
standard error of about 0.7 %."""

SOURCE = "check 9: release, TopKLatencyModel.scala, 2,000 runs"
OVERHEAD = 3
"""Cycles of a round beyond ceil(n / lanes), in the same file."""

EARLIER = "our engine stops as soon as the set above the pivot has k scores; the release's goes on to the k-th one"
REGISTERS = "a round of our RTL takes 6 cycles beyond streaming, measured; the release's model assumes 3"
SORTER_COMPARES = 2 * 16
SORTER = "the sorter's comparators are not published: as many a cycle as the engine has are taken, 2 x 16"
SORTER_POWER = "comparisons alone; what a sorter moves and holds between its layers is not published either"
SORTER_LARGER = "a sorter with more comparators; 1.4x and 258 cycles would need 67 a cycle"


def section(data: Data) -> Section:
    """Return mean cycles of the release's loop, drawn anew, of our records and of our law."""
    law = load_arch("spatten").topk.law
    rows: list[Row] = []
    for (n, rank), means in MEANS.items():
        rows += [
            Row(
                name=f"release: n {n}, rank {rank}, P {lanes}",
                expected=mean,
                modelled=cycles,
                unit="cycles",
                source=SOURCE,
                band=within(mean, 0.03),
            )
            for lanes, mean, cycles in zip(LANES, means, release_means(n, rank), strict=True)
        ]
        rows += _ours(n, rank, means[LANES.index(16)], law)
    loop = tuple(row for row in rows if row.band)
    return Section(rows=(*rows, *_sorter()), notes=_NOTES, scatter={"release's loop": loop})


def release_means(n: int, rank: int) -> list[float]:
    """Return the mean cycles of what `run --rules test-bench` draws for the release's top-k, by `LANES`."""
    sizes = _drawn_sizes(n, rank)
    return [float((-(-sizes // lanes) + OVERHEAD).sum()) / TRIALS for lanes in LANES]


def _drawn_sizes(n: int, rank: int) -> npt.NDArray[np.int64]:
    """Return the sizes of all rounds of `TRIALS` searches."""
    draw = JavaRandom(RELEASE_SEED)
    return np.array([size for _ in range(TRIALS) for size in topk_rounds(draw, n, rank)], np.int64)


def _ours(n: int, rank: int, mean: float, law: TopkLaw) -> tuple[Row, Row]:
    """Return the same search at 16 lanes by our records: with the release's price of a round, and with our law's."""
    records = _records(n, rank + 1)
    sizes = np.zeros((RECORDS, int(records.lengths.max())), np.int64)
    sizes[np.arange(sizes.shape[1]) < records.lengths[:, None]] = records.flat
    priced = np.where(sizes > 0, -(-sizes // 16) + OVERHEAD, 0).sum(axis=1)
    searched = law.search(TopkWork(items=np.full(RECORDS, n), kept=np.full(RECORDS, rank + 1), sizes=sizes))
    name = f"n {n}, rank {rank}, P 16"
    return (
        Row(
            name=f"our rounds: {name}",
            expected=mean,
            modelled=float(np.mean(priced)),
            unit="cycles",
            source=SOURCE,
            causes=(EARLIER,),
        ),
        Row(
            name=f"our law: {name}",
            expected=mean,
            modelled=float(np.mean(searched)),
            unit="cycles",
            source=SOURCE,
            causes=(REGISTERS,),
        ),
    )


def _records(n: int, kept: int) -> Ragged:
    """Return our engine's records of random permutations."""
    rng = np.random.Generator(np.random.PCG64([SEED, n, kept]))
    ranks = rng.permuted(np.tile(np.arange(n), (RECORDS, 1)), axis=1)
    return quick_records_of_ranks(ranks, kept, np.arange(RECORDS))


def sorter_comparators(n: int) -> int:
    """Return the comparators of Batcher's odd-even merge sort of `n` items, a power of two (Knuth, volume 3, 5.3.4).

    >>> sorter_comparators(4), sorter_comparators(16)
    (5, 63)
    """
    p = n.bit_length() - 1
    return (p * p - p + 4) * n // 4 - 1


def _sorter() -> tuple[Row, Row]:
    """Return the sorter's cycles, and its comparisons a cycle, over quick-select's for the median of 1,024 scores."""
    cycles = release_means(1024, 512)[LANES.index(16)]
    compared = 2 * float(_drawn_sizes(1024, 512).sum()) / TRIALS  # with the pivot, in both arrays of comparators
    return (
        Row(
            name="throughput over a Batcher sorter, median of 1,024",
            expected=1.4,
            modelled=sorter_comparators(1024) / SORTER_COMPARES / cycles,
            unit="x",
            source="check 10: paper IV-C",
            band=within(1.4, 0.2),
            assumptions=(SORTER,),
            causes=(SORTER_LARGER,),
        ),
        Row(
            name="power of that sorter over ours, by comparisons a cycle",
            expected=3.5,
            modelled=SORTER_COMPARES * cycles / compared,
            unit="x",
            source="check 10: paper IV-C",
            assumptions=(SORTER,),
            causes=(SORTER_POWER,),
        ),
    )


_NOTES = (
    "The release prices a quick-select of n scores for a 0-based rank at P lanes by a loop of its own. *Release* is "
    "that loop as `run --rules test-bench` draws from it, and has to give the means again. *Our rounds* are those of "
    "our engine at the same price of a round. *Our law* is what the simulator charges and our RTL takes.",
)
