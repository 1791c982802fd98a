"""What a run would gain if a unit took no time: the closed form without its work and latencies, all else as it is."""

from dataclasses import replace

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.sim.analytic.batch import Designs
from tokensieve.sim.analytic.stages import Stages, stages
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.walk import walk

_NO_LINES = 1e-9
"""Lines of a softmax that takes no time; not 0, as its buffers hold queries by their lines."""


def gain_if_free(summary: Summary, arch: Arch, unit: str) -> float:
    """Return by how many times the run would be faster if `unit`, a name that `Result.bottleneck` takes, were free."""
    s = stages(summary, Designs([arch]))
    ends = [walk(one, summary.layer, summary.work.layers, causes=False)[0, 0] for one in (s, free(s, unit))]
    return max(float(ends[0] / max(ends[1], 1)), 1.0)


def free(s: Stages, unit: str) -> Stages:
    """Return `s` on a machine whose `unit` takes no time.

    The two top-k engines are alike and go together, and so do DRAM and fetcher. The softmax's scan is its own: a free
    Q x K still hands it a line of scores a cycle.
    """
    match unit:
        case "qk":
            return _pipe(replace(s, qk=s.soft, key_lines=np.ones_like(s.key_lines)), "qk_latency")
        case "pv":
            return _pipe(replace(s, pv=0 * s.pv), "pv_latency")
        case "softmax":
            first = s.qk - np.maximum(s.key_lines, s.soft) + s.key_lines
            soft = np.full_like(s.soft, _NO_LINES)
            own = replace(s, qk=first, soft=soft, load_cycles=s.load, enter=s.engaged * s.load)
            return _pipe(own, "scan_latency", "exp_latency", "div_latency")
        case "topk" | "ranking":
            ranks = {name: np.minimum(getattr(s, name), 0) for name in ("token_rank", "head_rank")}
            own = replace(s, search=0 * s.search, load=0 * s.load, load_cycles=s.soft, enter=s.soft, **ranks)
            return _pipe(own, "drain_latency", "turnaround", "rank_latency", "head_latency")
        case "dram" | "fetcher":
            own = ("fetch", "lsb", "value", "output", "dram", "lsb_latency", "value_latency")
            zeros = {name: 0 * getattr(s.memory, name) for name in ("latency", "backlog", "write_end")}
            return replace(s, memory=replace(s.memory, **zeros), **{name: 0 * getattr(s, name) for name in own})
        case "pipeline":
            return _pipe(s, "qk_latency", "scan_latency", "exp_latency", "div_latency", "verdict", "pv_latency")
        case _:
            raise AssertionError(f"no unit of the closed form is called {unit!r}")


def _pipe(s: Stages, *latencies: str) -> Stages:
    """Return `s` without some latencies of the pipeline."""
    return replace(s, pipe=replace(s.pipe, **{name: 0 * getattr(s.pipe, name) for name in latencies}))
