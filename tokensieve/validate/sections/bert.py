"""Check 11: the release's behavioural model of BERT, restated; our pipeline beside it on the same layer."""

from tokensieve.arch import load_arch
from tokensieve.validate.row import Row, exactly
from tokensieve.validate.section import Data, Section
from tokensieve.workloads.complete import complete
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
    parallel = multipliers // HEAD_DIM
    batches = -(-tokens // parallel)
    granules = batches * parallel * HEAD_DIM * bits // 8 // 32
    fetch = HEADS * 2 * -(-granules // channels)
    fill = HEADS * tokens * batches
    drain = 11 + (87 + batches) + 1 + 1 + 3  # Q x K; softmax; decision; top-k; Prob x V
    return fetch + fill + drain


def _ours(tokens: int) -> int:
    from tokensieve.sim.cycle.level import cycle_result

    schedule = {"token": 1, "value": 1, "bits": {"query": 8, "key": 8, "value": 8, "lsb": 0}}
    layer = {"model": "bert-base", "layers": 1, "phase": "prefill", "context": tokens, "schedule": schedule}
    arch = load_arch("spatten")
    decisions = complete(workload_from(layer, source="validate").counts(), arch.topk, seed=0)
    return cycle_result(arch, decisions).cycles["total"]
