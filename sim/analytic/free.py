"""What a run would gain if a unit took no time: the closed form without its work and latencies, all else as it is."""

from dataclasses import fields, replace
from typing import TypeVar

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.sim.analytic.batch import F64, Designs
from tokensieve.sim.analytic.closeblocks import followed_blocks
from tokensieve.sim.analytic.closeup import followed
from tokensieve.sim.analytic.memory import Memory
from tokensieve.sim.analytic.pipeline import Pipeline
from tokensieve.sim.analytic.short import Single
from tokensieve.sim.analytic.stages import Stages, stages
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.walk import walk

T = TypeVar("T", Stages, Pipeline, Memory, Single)

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of a unit's time that are taken out; a unit that is free may also be as slow as it likes."""

_NO_LINES = 1e-9
"""Lines of a softmax that takes no time; not 0, as its buffers hold queries by their lines."""


def gain_if_free(summary: Summary, arch: Arch, unit: str) -> float:
    """Return by how many times the run would be faster if `unit`, a name that `Result.bottleneck` takes, were free.

    That is the most that any of `SHARES` gains: where K and V take turns at DRAM, the closed form may call less more.
    Where a closeup finds that K and V are in each other's way, they may no longer be with another unit.
    """
    s = stages(summary, Designs([arch] * len(SHARES)))
    end = walk(_between(s, free(s, unit), np.array(SHARES)), summary.layer, summary.work.layers, causes=False)[0]
    return float(end[0] * max(_in_the_way(summary, arch), 1) / max(end.min(), 1))


def _in_the_way(summary: Summary, arch: Arch) -> float:
    """Return by how much longer a run takes by closeups than by the closed form."""
    batch = Designs([arch])
    s = stages(summary, batch)
    layer, layers = summary.layer, summary.work.layers
    end = walk(s, layer, layers, causes=True)
    seen = followed(summary, batch, s, followed_blocks(summary, batch, s, layer, layers, end))
    return float(seen[0, 0] / max(end[0, 0], 1))


def free(s: Stages, unit: str) -> Stages:
    """Return `s` on a machine whose `unit` takes no time.

    The two top-k engines are alike and go together, and so do DRAM and fetcher; a free softmax takes the accumulators
    of importance along. The softmax's scan is its own: a free
    Q x K still hands it a line of scores a cycle.
    """
    match unit:
        case "qk":
            return _pipe(replace(s, qk=s.soft, key_lines=np.minimum(s.key_lines, s.soft)), "qk_latency")
        case "pv":
            return _pipe(replace(s, pv=0 * s.pv, single=_single(s, "lines_share")), "pv_latency")
        case "softmax":
            first = s.qk - np.maximum(s.key_lines, s.soft) + s.key_lines
            soft = np.full_like(s.soft, _NO_LINES)
            own = replace(s, qk=first, soft=soft, sums=soft, load_cycles=s.load, enter=s.engaged * s.load)
            return _pipe(own, "scan_latency", "exp_latency", "div_latency")
        case "importance":
            load = np.maximum(s.soft, s.load)
            enter = s.engaged * load + (1 - s.engaged) * s.soft
            return replace(s, sums=0 * s.sums, load_cycles=load, enter=enter)
        case "topk" | "ranking":
            ranks = {name: np.minimum(getattr(s, name), 0) for name in ("token_rank", "head_rank")}
            own = replace(s, search=0 * s.search, single=_single(s, "search_share"), **ranks)
            own = replace(own, load=0 * s.load, load_cycles=s.soft, enter=s.soft)
            return _pipe(own, "drain_latency", "turnaround", "rank_latency", "head_latency")
        case "dram" | "fetcher":
            times = ("fetch", "lsb", "value", "output", "dram", "backlog", "lsb_latency", "value_latency")
            waits = {name: 0 * getattr(s.memory, name) for name in ("latency", "write_end")}
            return replace(s, memory=replace(s.memory, **waits), **{name: 0 * getattr(s, name) for name in times})
        case "pipeline":
            return _pipe(s, "qk_latency", "scan_latency", "exp_latency", "div_latency", "verdict", "pv_latency")
        case _:
            raise AssertionError(f"no unit of the closed form is called {unit!r}")


def _single(s: Stages, share: str) -> Single | None:
    """Return the queries of `s` without what `share` is of."""
    one = s.single
    return one and replace(one, **{share: _NO_LINES * getattr(one, share)})


def _pipe(s: Stages, *latencies: str) -> Stages:
    """Return `s` without some latencies of the pipeline."""
    return replace(s, pipe=replace(s.pipe, **{name: 0 * getattr(s.pipe, name) for name in latencies}))


def _between(whole: T, none: T, share: F64) -> T:
    """Return what is left if a `share` of the way from `whole` to `none` is gone, design by design."""
    left = {}
    for name in (field.name for field in fields(whole)):
        here, there = getattr(whole, name), getattr(none, name)
        if isinstance(here, Pipeline | Memory | Single):
            left[name] = _between(here, there, share)
        elif here is not there:
            left[name] = here + (there - here) * share
    return replace(whole, **left)
