"""Checks 12 and 13: throughput of the named workloads, beside the paper's means, as ours and as charged there."""

from collections.abc import Sequence
from statistics import fmean

from tokensieve.validate.authors import tflops
from tokensieve.validate.benchmarks import BERT, GPT2, PAPER, cost
from tokensieve.validate.row import Row, within
from tokensieve.validate.section import Data, Section
from tokensieve.validate.sections.bert import release_tflops
from tokensieve.workloads.benchmarks import find_workload

PRESETS = ("spatten", PAPER)

LENGTHS = "average lengths per task are ours (11 to 96 tokens), as are the ratios; all values are kept"
RATIOS = "ratios of seven of the eight are ours"
WAITS = (
    "every layer waits for the last output of the one before, and spatten-paper for nothing; only at 11 tokens (CoLA) "
    "is the text too short to fill the pipeline"
)
SEARCH = (
    "layers wait for one another, a round of quick-select takes 6 cycles beyond streaming in our RTL and 3 in the "
    "authors' model, and our softmax passes over the scores for their maximum; the section gpt2 takes one trace apart"
)
FORMULA = "bert.cpp's closed form, without its top-k, on the counts of these workloads: one count for Q, K and V"
WHOLE = "T_fill as bert.cpp writes it, whose queries are all tokens of the sentence, pruned or not"


def section(data: Data) -> Section:
    """Return the means on both presets, those of the authors' formula, and each workload's throughput."""
    bert, gpt2 = ("mean of 22 BERT", 1.61, BERT, 0.1, "check 12"), ("mean of 8 GPT-2", 0.43, GPT2, 0.2, "check 13")
    rows = [
        _mean(*bert, "spatten", LENGTHS, WAITS),
        _mean(*bert, PAPER, LENGTHS),
        *_formula(),
        _mean(*gpt2, "spatten", RATIOS, SEARCH),
        _mean(*gpt2, PAPER, RATIOS),
    ]
    for names, mean, assumption in ((BERT, 1.61, LENGTHS), (GPT2, 0.43, RATIOS)):
        rows += [_one(name, preset, mean, assumption) for name in names for preset in PRESETS]
    return Section(rows=tuple(rows), notes=_NOTES)


def _mean(
    name: str,
    expected: float,
    names: Sequence[str],
    share: float,
    check: str,
    preset: str,
    assumption: str,
    *causes: str,
) -> Row:
    return Row(
        name=f"{name}, {preset}",
        expected=expected,
        modelled=fmean(tflops(cost(one, preset)) for one in names),
        unit="TFLOPS",
        source=f"{check}: paper V-B",
        band=within(expected, share),
        assumptions=(assumption,),
        causes=causes,
    )


def _formula() -> list[Row]:
    """Return the mean of the BERT workloads by the authors' own formula, which is printed and judges nothing."""
    counts = [find_workload(name).counts() for name in BERT]
    return [
        Row(
            name=f"mean of 22 BERT, {words}",
            expected=1.61,
            modelled=fmean(release_tflops(one, whole) for one in counts),
            unit="TFLOPS",
            source="check 12: paper V-B",
            assumptions=(LENGTHS, *assumed),
        )
        for words, whole, assumed in (
            ("modelled by the authors' formula", False, (FORMULA,)),
            ("by that formula with the queries of the whole sentence", True, (FORMULA, WHOLE)),
        )
    ]


def _one(name: str, preset: str, mean: float, assumption: str) -> Row:
    """Return one workload beside the mean that it is part of."""
    return Row(
        name=f"{name}, {preset}",
        expected=mean,
        modelled=tflops(cost(name, preset)),
        unit="TFLOPS",
        source="paper V-B, a mean, no figure of this workload",
        assumptions=(assumption,),
    )


_NOTES = (
    "Operations that were done per second, as in the paper; what was pruned does not count. The BERT workloads keep "
    "all values, so they say nothing about local value pruning, and a mean of theirs would validate nothing even if it "
    "met the paper's.",
    "`spatten` takes the cycles of our RTL and lets each layer wait for the one before. `spatten-paper` is the same "
    "machine as the authors' test bench and latency model charge: no layer waits, a round of quick-select takes 3 "
    "cycles beyond streaming, exponentials follow the scores. Nothing else differs, and nothing was fitted.",
)
