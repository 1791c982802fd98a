"""Checks 12 and 13: throughput of the named workloads, beside the paper's means."""

from collections.abc import Sequence
from statistics import fmean

from tokensieve.validate.authors import tflops
from tokensieve.validate.benchmarks import BERT, GPT2, cost
from tokensieve.validate.row import Row, within
from tokensieve.validate.section import Data, Section

LENGTHS = "average lengths per task are ours (11 to 96 tokens), as are the ratios; all values are kept"
RATIOS = "ratios of seven of the eight are ours"
SHORT = (
    "a short text does not fill the pipeline: 0.26 TFLOPS at 11 tokens, 1.5 at 96; the paper's lengths are not known"
)
LAYERS = "see the section gpt2, which takes one of them apart"


def section(data: Data) -> Section:
    """Return the means, and each workload's throughput."""
    rows = [
        _mean("mean of 22 BERT", 1.61, BERT, 0.1, "check 12: paper V-B", LENGTHS, SHORT),
        _mean("mean of 8 GPT-2", 0.43, GPT2, 0.2, "check 13: paper V-B", RATIOS, LAYERS),
    ]
    rows += [_one(name, 1.61, LENGTHS) for name in BERT] + [_one(name, 0.43, RATIOS) for name in GPT2]
    return Section(rows=tuple(rows), notes=_NOTES)


def _mean(
    name: str, expected: float, names: Sequence[str], share: float, source: str, assumption: str, cause: str
) -> Row:
    return Row(
        name=name,
        expected=expected,
        modelled=fmean(tflops(cost(one)) for one in names),
        unit="TFLOPS",
        source=source,
        band=within(expected, share),
        assumptions=(assumption,),
        causes=(cause,),
    )


def _one(name: str, mean: float, assumption: str) -> Row:
    """Return one workload beside the mean that it is part of."""
    return Row(
        name=name,
        expected=mean,
        modelled=tflops(cost(name)),
        unit="TFLOPS",
        source="paper V-B, a mean, no figure of this workload",
        assumptions=(assumption,),
    )


_NOTES = (
    "Operations that were done per second, as in the paper; what was pruned does not count. The BERT workloads keep "
    "all values, so they say nothing about local value pruning, and a mean of theirs would validate nothing even if it "
    "met the paper's.",
)
