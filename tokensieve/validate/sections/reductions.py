"""Check 21: by what factors the named workloads are reduced, from their counts alone."""

from dataclasses import dataclass
from statistics import fmean

from tokensieve.validate.benchmarks import BERT, GPT2
from tokensieve.validate.row import Row, within
from tokensieve.validate.section import Data, Section
from tokensieve.workloads.benchmarks import find_workload
from tokensieve.workloads.complete import Counts

FP32 = 32
"""Width of Q, K and V that the paper's factors are against: 32 / 5.1 = 6.3 bits, near 6 + 0.059 x 4."""

CIRCULAR = "ratios are ours, and were set so that this mean comes out, which therefore shows nothing"
RATIOS = "ratios, widths and lengths of all but one of the 30 workloads are ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reductions:
    """Factors by which one workload is reduced."""

    tokens: float
    """Keys and values of all tokens over those that are fetched by the heads that are left."""

    heads: float
    width: float
    """32 bits over the mean width of what is fetched."""

    compute: float
    """Operations of Q x K and Prob x V."""

    dram: float
    """Bits of K and V."""


def section(data: Data) -> Section:
    """Return the means over the workloads."""
    found = {name: reductions(find_workload(name).counts()) for name in (*BERT, *GPT2)}
    every, gpt2 = list(found.values()), [found[name] for name in GPT2]
    rows = (
        _row("tokens and values, all 30", 1.9, fmean(r.tokens for r in every), None, CIRCULAR),
        _row("tokens and values, 8 GPT-2", 3.8, fmean(r.tokens for r in gpt2), None, CIRCULAR),
        _row("heads, all 30", 1.1, fmean(r.heads for r in every), None, CIRCULAR),
        _row("width against 32 bits, 8 GPT-2", 5.1, fmean(r.width for r in gpt2), 0.15, RATIOS),
        _row("computation, all 30", 2.1, fmean(r.compute for r in every), 0.15, RATIOS),
        _row("DRAM traffic against 32 bits, all 30", 10.0, fmean(r.dram for r in every), 0.15, RATIOS),
    )
    return Section(rows=rows, notes=_NOTES)


def _row(name: str, expected: float, modelled: float, share: float | None, assumption: str) -> Row:
    return Row(
        name=name,
        expected=expected,
        modelled=modelled,
        unit="x",
        source="check 21: paper V-B, means of factors",
        band=None if share is None else within(expected, share),
        assumptions=(assumption,),
    )


def reductions(c: Counts) -> Reductions:
    """Return the factors of one workload of constant widths, whose K has its low bits fetched by whole queries."""
    queries = c.keys if c.phase == "prefill" else c.keys * 0 + 1
    everything = 2 * int(c.context.sum()) * c.heads * c.layers * c.steps / len(c.keys)
    fetched = int(c.keys.sum() + c.values.sum())
    low = int((c.keys * c.lsb_refetch).sum()) if c.phase == "decode" else 0
    bits = int(c.keys.sum()) * c.bits["key"] + int(c.values.sum()) * c.bits["value"] + low * c.bits["lsb"]
    dense_queries = c.context if c.phase == "prefill" else queries
    dense_work = 2 * float((c.context * dense_queries).sum()) * c.heads * c.layers * c.steps / len(c.keys)
    return Reductions(
        tokens=2 * int(c.context.sum()) / fetched,
        heads=c.heads * c.layers * c.steps / len(c.keys),
        width=FP32 * fetched / bits,
        compute=dense_work / float(((c.keys + c.values) * queries).sum()),
        dram=FP32 * everything / bits,
    )


_NOTES = (
    "Only the workloads that are named after the paper's benchmarks are counted here; the authors' trace has its own "
    "rows above (its K and V are reduced 6.04 times).",
)
