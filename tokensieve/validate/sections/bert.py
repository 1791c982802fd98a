"""Check 11: the release's behavioural model of BERT, restated; our pipeline beside it on the same layer.

On pruned counts `release_tflops` has the same formula, for the section throughput.
"""

from tokensieve.arch import load_arch
from tokensieve.validate.row import Row, exactly
from tokensieve.validate.section import Data, Section
from tokensieve.workloads.complete import Counts, complete
from tokensieve.workloads.workload import workload_from

HEADS, HEAD_DIM = 12, 64

TOTALS = {25: 1403, 50: 4478, 64: 6447, 100: 16028, 128: 25079}
"""Cycles of one un-pruned layer of 12 heads in 8 bit, by tokens."""

SOURCE = "check 11: release, bert.cpp (16 channels, 512 multipliers), its formula without top-k"
OVERLAP = (
    "ours loads Q, writes outputs, and takes each query through three softmax passes; bert.cpp pays a latency once"
)


def section(data: Data) -> Section:
    """Return the layer's cycles by the release's formula, and by level `cycle`."""
    rows = []
    for tokens, expected in TOTALS.items():
        own = release_layer(tokens)
        name = f"one layer, L = {tokens}"
        rows.append(
            Row(
                name=f"{name}, formula",
                expected=expected,
                modelled=own,
                unit="cycles",
                source=SOURCE,
                band=exactly(expected),
            )
        )
        rows.append(
            Row(
                name=f"{name}, spatten at level cycle",
                expected=expected,
                modelled=_ours(tokens),
                unit="cycles",
                source=SOURCE,
                causes=(OVERLAP,),
            )
        )
    return Section(rows=tuple(rows), scatter={"spatten at level cycle": tuple(rows[1::2])})


def release_layer(tokens: int, channels: int = 16, multipliers: int = 512, bits: int = 8) -> int:
    """Return the cycles of a layer by bert.cpp: DRAM, fill and drain one after the other, and no top-k.

    >>> release_layer(25)
    1403
    """
    return HEADS * _head(tokens, tokens, channels, multipliers, bits) + _drain(tokens, multipliers)


def release_tflops(counts: Counts, whole: bool = False) -> float:
    """Return the TFLOPS of a pruned prefill by bert.cpp's formula without top-k, at 1 GHz.

    One count serves queries, keys and values: those that are kept. With `whole` the queries of a head are all tokens of
    the sentence, as the formula is written.
    """
    cycles = operations = 0
    for layer in range(counts.layers):
        rows = counts.row_index[:, 1] == layer
        kept = counts.keys[rows].tolist()
        queries = counts.context[rows].tolist() if whole else kept
        cycles += sum(_head(n, q) for n, q in zip(kept, queries, strict=True)) + _drain(kept[-1])
        operations += sum(2 * 2 * HEAD_DIM * n * n for n in kept)
    return operations / cycles * 1e-3


def _head(keys: int, queries: int, channels: int = 16, multipliers: int = 512, bits: int = 8) -> int:
    """Return the cycles of one head: K and V loaded, then a line of K a cycle for each query."""
    parallel = multipliers // HEAD_DIM
    batches = -(-keys // parallel)
    granules = batches * parallel * HEAD_DIM * bits // 8 // 32
    return 2 * -(-granules // channels) + queries * batches


def _drain(keys: int, multipliers: int = 512) -> int:
    """Return what a layer takes after its last line: Q x K; softmax; decision; top-k; Prob x V."""
    return 11 + (87 + -(-keys * HEAD_DIM // multipliers)) + 1 + 1 + 3


def _ours(tokens: int) -> int:
    from tokensieve.sim.cycle.level import cycle_result

    schedule = {"token": 1, "value": 1, "bits": {"query": 8, "key": 8, "value": 8, "lsb": 0}}
    layer = {"model": "bert-base", "layers": 1, "phase": "prefill", "context": tokens, "schedule": schedule}
    arch = load_arch("spatten")
    decisions = complete(workload_from(layer, source="validate").counts(), arch.topk, seed=0)
    return cycle_result(arch, decisions).cycles["total"]
