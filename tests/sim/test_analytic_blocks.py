"""Blocks of queries that fill an SRAM, at level analytic: cycles between blocks, as DRAM and pipeline wait in turns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import Arch
from tokensieve.arch.presets import load_arch
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.kernels.blocks import FIGURES, play
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from

PLAIN = dict.fromkeys(FIGURES, 0.0) | {
    "queries": 4, "key_room": 1, "value_room": 1, "key": 100, "value": 100, "key_beside": 200, "value_beside": 200,
    "key_lines": 1, "qk": 10, "exp": 10, "div": 10, "pv": 10, "held": 100, "waiting": 100, "queued": 100,
    "rows": 40,
}  # fmt: skip
"""A machine whose stages take no time but ten cycles a query, and whose SRAMs hold one block each."""


def interval(**figures):
    """Return the cycles between blocks of `PLAIN` with some figures changed."""
    table = np.array([[float((PLAIN | figures)[name])] for name in FIGURES])
    out = np.full(1, np.nan)
    play(table, np.ones(1, np.bool_), out)
    return out[0]


def test_where_nothing_overlaps_a_block_takes_its_fetch_and_its_use():
    # K and V are asked for at once: both take 200 cycles; then four queries of ten cycles, and V is let go with K.
    assert interval() == pytest.approx(200 + 40, rel=0.01)


def test_fetches_that_do_not_meet_take_as_long_as_alone():
    # V is let go 110 cycles after K: the K of the next block is there before its V is asked for.
    later = {"qk": 30, "pv": 30, "to_pv": 110}
    assert interval(**later) == pytest.approx(100 + 120, rel=0.01)
    assert interval(**later, key_beside=1000, value_beside=1000) == interval(**later)


def test_with_room_for_several_blocks_dram_or_the_slowest_stage_sets_the_pace():
    assert interval(key_room=8, value_room=8) == pytest.approx(200, rel=0.01)
    assert interval(key_room=8, value_room=8, exp=70) == pytest.approx(4 * 70, rel=0.01)


def test_a_query_that_passes_by_waits_for_room_in_front_of_the_array():
    ahead = {"key_room": 8, "key": 1, "value": 300, "key_beside": 2, "value_beside": 301, "queued": 1, "held": 1}

    assert interval(**ahead, engaged=0) >= 300
    assert interval(**ahead, engaged=1) >= 300


class ByCycle:
    """The same blocks cycle by cycle, in plain Python: what each stage does in each cycle."""

    def __init__(self, f):
        self.f, self.blocks = f, int(min(f["rows"], 48))
        self.block = [b for b in range(self.blocks) for _ in range(int(f["queries"]))]
        self.here = {name: {} for name in ("key", "value")}
        self.starts = {name: [] for name in ("qk", "exp", "div", "at", "drain", "pv")}

    def free(self, name, cycle):
        """Return how many blocks have been let go by `cycle`."""
        stage, cycles = ("qk", self.f["qk"] + self.f["verdict"]) if name == "key" else ("pv", self.f["pv"])
        last = self.starts[stage][int(self.f["queries"]) - 1 :: int(self.f["queries"])]
        return sum(start + cycles <= cycle for start in last)

    def run(self):
        left, began = {"key": 1.0, "value": 1.0}, {"key": None, "value": None}
        cycle = 0
        while len(self.starts["pv"]) < len(self.block):
            self.advance(cycle)
            active = [
                name for name in left
                if len(self.here[name]) < self.blocks
                and len(self.here[name]) - self.free(name, cycle) < self.f[f"{name}_room"]
            ]  # fmt: skip
            for name in active:
                began[name] = cycle if began[name] is None else began[name]
                left[name] -= 1 / self.f[f"{name}_beside" if len(active) == 2 else name]
                if left[name] <= 1e-9:
                    self.here[name][len(self.here[name])] = self.arrival(name, began[name], cycle + 1)
                    left[name], began[name] = 1.0, None
            cycle += 1
        ends = self.starts["pv"][int(self.f["queries"]) - 1 :: int(self.f["queries"])]
        first = self.blocks // 2
        return (ends[-1] - ends[first - 1]) / (self.blocks - first)

    def arrival(self, name, began, end):
        if name == "value":
            return end + self.f["value_latency"]
        lines = self.f["key_lines"]
        return max(end - (lines - 1), began + (end - began) / lines) + self.f["key_latency"]

    def advance(self, cycle):
        """Start what may start in this cycle, stage by stage."""
        f, s = self.f, self.starts
        q = len(s["qk"])
        if q < len(self.block) and self.here["key"].get(self.block[q], 1e9) <= cycle:
            ready = not q or s["qk"][-1] + f["qk"] <= cycle
            if ready and self.past(s["exp"], q - f["held"], cycle) and self.waits(q, cycle):
                s["qk"].append(cycle)
        q = len(s["exp"])
        if q < len(s["qk"]) and s["qk"][q] + f["pass_qk"] + f["to_exp"] <= cycle:
            ready = not q or s["exp"][-1] + f["exp"] <= cycle
            if ready and self.past(s["div"], q - f["held"], cycle):
                s["exp"].append(cycle)
        self.select(cycle)
        q = len(s["pv"])
        if q < len(s["drain"]) and s["drain"][q] + f["to_pv"] <= cycle:
            ready = not q or s["pv"][-1] + f["pv"] <= cycle
            if ready and self.here["value"].get(self.block[q], 1e9) <= cycle:
                s["pv"].append(cycle)

    def waits(self, q, cycle):
        return not self.f["decides"] or self.past(self.starts["at"], q - self.f["waiting"], cycle)

    def past(self, starts, q, cycle):
        """Return whether query `q` has begun a stage, if there is such a query."""
        return q < 0 or (q < len(starts) and starts[int(q)] <= cycle)

    def select(self, cycle):
        """Let the next query into the top-k engine, or past it, and out of it once there is room."""
        f, s, q = self.f, self.starts, len(self.starts["at"])
        if q == len(s["drain"]) and q < len(s["exp"]):
            begin = max(s["exp"][q] + f["to_div"], s["div"][-1] + f["div"] if q else 0)
            engine = s["drain"][-1] + f["turnaround"] if q else 0
            room = f["engaged"] or self.past(s["pv"], q - f["queued"], cycle)
            if max(begin + f["to_topk"], engine) <= cycle and room:
                s["div"].append(begin if f["decides"] else cycle - f["to_topk"])
                s["at"].append(cycle)
        q = len(s["drain"])
        searched = q < len(s["at"]) and s["at"][q] + f["enter"] + f["search"] <= cycle
        if searched and self.past(s["pv"], q - f["queued"], cycle):
            s["drain"].append(cycle)


@settings(max_examples=15)
@given(
    rooms=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    alone=st.tuples(st.integers(100, 400), st.integers(100, 400)),
    stages=st.tuples(*[st.integers(1, 30)] * 4),
    held=st.integers(1, 6),
    queued=st.integers(1, 4),
    search=st.integers(0, 20),
    ways=st.tuples(*[st.integers(0, 40)] * 3),
    flags=st.tuples(st.booleans(), st.booleans()),
)
def test_intervals_are_those_found_cycle_by_cycle(rooms, alone, stages, held, queued, search, ways, flags):
    engaged, decides = flags
    figures = PLAIN | {
        "key_room": rooms[0], "value_room": rooms[1], "key": alone[0], "value": alone[1],
        "key_beside": 2 * alone[0], "value_beside": 2 * alone[1], "qk": stages[0], "pass_qk": stages[0],
        "exp": stages[1], "div": stages[2], "pv": stages[3], "held": held, "queued": queued, "waiting": held + 1,
        "search": search * engaged, "enter": stages[2], "to_exp": ways[0], "to_topk": ways[1], "to_pv": ways[2],
        "engaged": engaged, "decides": decides, "key_latency": 9, "value_latency": 7, "queries": 3, "rows": 12,
    }  # fmt: skip

    # It rounds up to whole cycles: at both ends of both fetches, and at each of the four stages.
    assert interval(**figures) == pytest.approx(ByCycle(figures).run(), rel=0.02, abs=8)


@pytest.mark.parametrize("sets", [["value_sram.kib=32"], ["key_sram.kib=32"], ["key_sram.kib=32", "value_sram.kib=32"]])
def test_machines_whose_srams_hold_one_block_are_close_to_level_cycle(sets):
    arch = load_arch("spatten", [*sets, "dram.channels=4", "softmax.fifo_lines=512"])
    layer = {
        "model": "bert-base", "layers": 1, "phase": "prefill", "context": 384,
        "schedule": {"interpolation": "list", "token": 1, "value": 0.5,
                     "bits": {"query": 12, "key": 8, "value": 8, "lsb": 0}},
    }  # fmt: skip
    work = complete(workload_from(layer, source="layer").counts(), Arch().topk, 0)

    fine = cycle_result(arch, work).cycles["total"]
    assert analytic_result(arch, work).cycles["total"] == pytest.approx(fine, rel=0.05)
