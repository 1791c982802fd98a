"""Texts of 16 k and 128 k tokens, each with its machine, and the error of records that are sampled."""

from dataclasses import dataclass
from typing import Any

from tokensieve.arch.machine import Arch
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.analytic.summary import Summary
from tokensieve.workloads.complete import Counts, complete
from tokensieve.workloads.workload import workload_from

_HALF = {"token": 1, "head": 1, "value": 0.5, "interpolation": "spatten"}
_PRUNED = {"token": [1, 0.5], "head": 1, "value": 0.5, "interpolation": "spatten"}


@dataclass(frozen=True)
class LongText:
    """A workload, as its file holds it, and what its machine has otherwise than `spatten`."""

    name: str
    workload: dict[str, Any]
    sets: tuple[str, ...]

    def counts(self) -> Counts:
        """Return what the workload keeps."""
        return workload_from(self.workload, source=self.name).counts()


def prefill(tokens: int, heads: int) -> dict[str, Any]:
    """Return one layer of so many heads of 64 elements that keeps all of its tokens, and half of the values."""
    width = 64 * heads
    model = {"name": "one layer", "layers": 1, "heads": heads, "head_dim": 64, "hidden": width, "ffn": 4 * width}
    return {"name": "prefill", "model": model, "phase": "prefill", "context": tokens, "schedule": _HALF}


def decode(tokens: int, layers: int, heads: int, steps: int) -> dict[str, Any]:
    """Return steps whose last attends to `tokens`, with heads of 128 elements, pruned down to half of the tokens."""
    model = {"name": "llama", "layers": layers, "heads": heads, "head_dim": 128, "hidden": 128 * heads, "ffn": 11008}
    return {"name": "decode", "model": model, "phase": "decode", "prompt": tokens - steps, "steps": steps,
            "schedule": _PRUNED}  # fmt: skip


def _room(tokens: int, *more: str) -> tuple[str, ...]:
    """Return the fields of a machine for so many tokens, whose softmax holds four packets of scores."""
    return (f"topk.max_tokens={tokens}", f"softmax.fifo_lines={tokens // 2}", *more)


_WIDE = ("gather.max_row_bytes=192", "dram.rows=1048576")
"""For heads of 128 elements; and DRAM that holds K and V of 32 such heads and layers for 128 k tokens."""

LONG = (
    LongText("prefill of one layer, 8 heads, 131,072 tokens", prefill(1 << 17, 8), _room(1 << 17)),
    LongText("decode, 32 layers of 32 heads, 131,072 tokens, 4 steps", decode(1 << 17, 32, 32, 4),
             _room(1 << 17, *_WIDE)),
)  # fmt: skip
"""Must take at most 5 CPU seconds each."""

CONFIRMED = (
    LongText("prefill of one layer, 1 head, 16,384 tokens, K and V on chip", prefill(1 << 14, 1),
             _room(1 << 14, "key_sram.kib=4096", "value_sram.kib=4096")),
    LongText("prefill of one layer, 1 head, 16,384 tokens, 512 blocks", prefill(1 << 14, 1),
             ("topk.max_tokens=16384", "softmax.fifo_lines=65536")),
    LongText("decode, 4 layers of 8 heads, 16,384 tokens, 2 steps", decode(1 << 14, 4, 8, 2),
             _room(1 << 14, *_WIDE)),
)  # fmt: skip
"""Are confirmed by level `cycle`, within 10 %."""

ERROR_AT = (1024, 4096)
"""Tokens at which sampled records are compared with those of all queries."""

_HEADS = 4


def sample_error(arch: Arch, tokens: int, scores: str, seed: int = 0) -> tuple[float, float]:
    """Return how far sampled records are from those of all queries: cycles of the searches, and of the run.

    Of one layer of four heads, on `arch` with room for its tokens, both at level `analytic`.
    """
    topk = arch.topk.model_copy(update={"max_tokens": tokens})
    softmax = arch.softmax.model_copy(update={"fifo_lines": tokens // 2})
    arch = arch.model_copy(update={"topk": topk, "softmax": softmax})
    counts = workload_from(prefill(tokens, _HEADS), source="prefill").counts()
    searches, cycles = [], []
    for every in (False, True):
        decisions = complete(counts, topk, seed, scores, every)
        searches.append(float(Summary(decisions).searches(topk)[0].sum()))
        cycles.append(analytic_result(arch, decisions).cycles["total"])
    return searches[0] / searches[1] - 1, cycles[0] / cycles[1] - 1
