"""Small random decisions on many machines, for property tests of the cycle level."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from tokensieve.arch import Arch, load_arch
from tokensieve.sim.cycle.run import CycleRun, run_cycles
from tokensieve.sim.work import row_work
from tokensieve.workloads.complete import Counts, complete
from tokensieve.workloads.decisions import Decisions

_SMALL = ("topk.max_tokens=64", "softmax.fifo_lines=64")
_SETS = {
    "spatten": (),
    "radix": ("topk.engine=radix", "topk.lanes=4"),
    "bit-serial": ("topk.engine=bitserial", "topk.count_stages=2"),
    "bitonic": ("topk.engine=bitonic", *_SMALL),
    "one comparator": ("topk.lanes=1", "topk.queue_lines=1"),
    "little memory": ("key_sram.kib=2", "value_sram.kib=2", "topk.max_tokens=64", "softmax.fifo_lines=8"),
    "short queues": ("requant.queue_rows=1", "topk.queue_lines=2", "topk.max_tokens=64", "softmax.fifo_lines=8"),
    "slow softmax": ("softmax.lanes=1", *_SMALL),
    "streamed": ("softmax.scan=streamed", "topk.round_cycles=3", "control.barrier=none"),
    "streamed, full buffers": ("softmax.scan=streamed", "softmax.fifo_lines=8", "topk.max_tokens=64"),
    "streamed, few multipliers": ("softmax.scan=streamed", "qk.multipliers=64", *_SMALL),
    "narrow search": ("topk.lanes=8", "topk.comparators=1"),
    "wide search": ("topk.engine=radix", "topk.lanes=2", "topk.comparators=16"),
    "wide softmax": ("softmax.lanes=64", "topk.lanes=64", "importance.lanes=8"),
    "slow memory": ("dram.channels=1", "dram.window=1", "fetcher.ports=2", "fetcher.fifo_depth=4"),
    "half clock": ("clock.mhz=500", "dram.refresh=false", "fetcher.request_stages=0"),
    "ranking barrier": ("control.barrier=ranking", "requant.queue_rows=2"),
    "no barrier": ("control.barrier=none", "key_sram.kib=4", "value_sram.kib=4"),
    "few multipliers": ("qk.multipliers=64", "pv.multipliers=128", *_SMALL),
}
ARCHES: dict[str, Arch] = {name: load_arch("spatten", sets) for name, sets in _SETS.items()}
ARCHES["spatten-eighth"] = load_arch("spatten-eighth")

LONGEST = 56
"""Longest context: it fits the smallest `topk.max_tokens` of the machines above."""

BITS = (4, 6, 8, 10, 12)


@dataclass(frozen=True)
class Case:
    """Decisions, and the machine that runs them."""

    arch: Arch
    decisions: Decisions
    name: str

    def __repr__(self) -> str:
        d = self.decisions
        kept = [f"{i.tolist()}:{k}/{c}" for i, k, c in zip(d.row_index, d.keys_kept, d.context, strict=True)]
        own = {name: d.meta[name] for name in ("D", "bits", "threshold", "charge_io", "pair_shares_values")}
        return (
            f"Case({self.name!r}, {d.phase}, rows {kept}, values {d.values_kept.tolist()}, "
            f"lsb {d.lsb_refetch.tolist()}, token {d.topk_token_count.tolist()}, {own})"
        )


def simulated(case: Case, events: int = 0, un_pruned: bool = False) -> CycleRun:
    """Return the raw run of a case."""
    return run_cycles(case.arch, row_work(case.arch, case.decisions, un_pruned), events)


@st.composite
def cases(draw: st.DrawFn, arches: tuple[str, ...] = tuple(ARCHES), refetch: bool = True) -> Case:
    """Draw a case: both phases, any kept sets, widths, second passes, pairs and live heads."""
    name = draw(st.sampled_from(arches))
    counts = draw(_counts(refetch))
    return Case(ARCHES[name], complete(counts, ARCHES[name].topk, draw(st.integers(0, 99))), name)


@st.composite
def _counts(draw: st.DrawFn, refetch: bool) -> Counts:
    prefill = draw(st.booleans())
    steps = 1 if prefill else draw(st.integers(1, 3))
    layers, heads = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    context = [draw(st.integers(1, 20 if prefill else LONGEST - steps)) + step for step in range(steps)]
    keys = [_falling(draw, layers, context[s], all_at_first=prefill) for s in range(steps)]
    live = [_live(draw, layers, heads) for _ in range(steps)]
    index = [(s, y, h) for s in range(steps) for y in range(layers) for h in sorted(live[s][y])]
    rows = np.array([keys[s][y] for s, y, _ in index], np.int32)
    bits = {name: draw(st.sampled_from(BITS)) for name in ("key", "value")}
    bits["lsb"] = draw(st.sampled_from([0, 2, 4])) if refetch else 0
    shares = not prefill and bits["key"] == bits["value"] == 6 and draw(st.booleans())
    return Counts(
        phase="prefill" if prefill else "decode",
        model="random",
        head_dim=draw(st.sampled_from([32, 64])),
        heads=heads,
        layers=layers,
        steps=steps,
        row_index=np.array(index, np.int32),
        context=np.array([context[s] for s, _, _ in index], np.int32),
        keys=rows,
        values=_values(draw, index, rows, shares),
        lsb_refetch=_lsb(draw, rows, prefill, bits),
        bits={"query": 12, **bits},
        token_topk=_selections(draw, keys, context),
        head_topk=_selections(draw, [[len(a) for a in one] for one in live], [heads] * steps),
        threshold=0.1 if bits["lsb"] else None,
        charge_io=draw(st.booleans()),
        pair_shares_values=shares,
    )


def _falling(draw: st.DrawFn, layers: int, most: int, all_at_first: bool) -> list[int]:
    kept = sorted((draw(st.integers(1, most)) for _ in range(layers)), reverse=True)
    return [most, *kept[1:]] if all_at_first or draw(st.booleans()) else kept


def _live(draw: st.DrawFn, layers: int, heads: int) -> list[set[int]]:
    alive, result = set(range(heads)), []
    for _ in range(layers):
        gone = draw(st.sets(st.integers(0, heads - 1), max_size=2))
        alive = alive - gone or alive
        result.append(alive)
    return result


def _values(draw: st.DrawFn, index: list[tuple[int, int, int]], keys: np.ndarray, shares: bool) -> np.ndarray:
    """Draw the values of each row, the same for all heads of a layer where pairs share them."""
    shared: dict[tuple[int, int], int] = {}
    values = []
    for (step, layer, _), most in zip(index, keys.tolist(), strict=True):
        own = most if draw(st.booleans()) else draw(st.integers(0, most))
        values.append(shared.setdefault((step, layer), own) if shares else own)
    return np.array(values, np.int32)


def _lsb(draw: st.DrawFn, keys: np.ndarray, prefill: bool, bits: dict[str, int]) -> np.ndarray:
    """Draw what each query does about the LSBs; rows that are forced to two passes are not 6-bit pairs."""
    forced = bits["lsb"] > 0 and bits["key"] != 6 and draw(st.integers(0, 4)) == 0
    queries = int(keys.sum()) if prefill else len(keys)
    if forced or not bits["lsb"]:
        return np.full(queries, 2 if forced else 0, np.uint8)
    return np.array([draw(st.integers(0, 3)) == 0 for _ in range(queries)], np.uint8)


def _selections(draw: st.DrawFn, kept: list[list[int]], most: list[int]) -> np.ndarray:
    """Draw which groups end with a selection; it keeps what the next layer of the step has."""
    result = []
    for sizes, limit in zip(kept, most, strict=True):
        follow = [*sizes[1:], draw(st.integers(1, min(limit, sizes[-1])))]
        result += [size if draw(st.booleans()) else -1 for size in follow]
    return np.array(result, np.int32)
