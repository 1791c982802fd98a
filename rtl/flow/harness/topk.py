"""Harness of the top-k engine, whichever core it has."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from amaranth.lib import wiring
from amaranth.lib.data import Layout

from tokensieve.arch.datapath import Topk
from tokensieve.arch.machine import Arch
from tokensieve.rtl.beats import command, found, item, packed_beat, round_size, score_beat
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.rtl.flow.harness.awaited import columns, exact, in_packets
from tokensieve.rtl.flow.harness.base import Array, Awaited, unit_class
from tokensieve.rtl.flow.harness.statuses import awaited_statuses, statuses
from tokensieve.rtl.flow.pack import codec
from tokensieve.workloads.vectors import Vectors

Packet = tuple[list[dict[str, Any]], int]
"""Items of the beats up to one with `last`, and the cycle of that one."""


class TopkHarness:
    """Commands and beats of scores in; kept items, thresholds and sizes out."""

    unit = "topk"
    module = "tokensieve.rtl.topk"
    begins = "score"

    def component(self, arch: Arch) -> wiring.Component:
        """Return the engine."""
        return unit_class(self.module, "TopKEngine")(arch.topk)

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return commands and beats; the lanes beyond n hold all ones, which would win every selection."""
        topk, given = arch.topk, vectors.inputs
        commands = codec(command(topk))
        beats: dict[str, list[int]] = {"command": [], "score": []}
        for index in which:
            told = {name: int(given[name][index]) for name in ("n", "k", "seed")}
            beats["command"].append(commands.pack(told))
            beats["score"] += packed_scores(topk, vectors.item("inputs", "scores", index))
        kept = (len(vectors.item("expected", "kept", index)) for index in which)
        return Stimulus(beats=beats, expect={"o": sum(max(1, -(-size // topk.lanes)) for size in kept)})

    def awaited(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Awaited]:
        """Return what golden keeps, and what the probes must tell."""
        beats, verdict, size = (
            codec(packed_beat(arch.topk.lanes, item(arch.topk))),
            codec(found(arch.topk)),
            codec(round_size(arch.topk)),
        )
        kept = [
            columns(index=vectors.item("expected", "kept", j), score=vectors.item("expected", "kept_scores", j))
            for j in which
        ]
        told = [{name: int(vectors.expected[name][j]) for name in ("threshold", "ties")} for j in which]
        sizes = [{"size": int(one)} for j in which for one in vectors.item("work", "sizes", j)]
        return {
            "o": in_packets(beats, arch.topk.lanes, kept),
            "found": exact(verdict, told),
            "round": exact(size, sizes),
            "status": awaited_statuses(vectors.expected["status"][list(which)]),
        }

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return what was kept, and the threshold and ties that the probe reported."""
        packets = self._packets(arch, record)
        verdict = codec(found(arch.topk))
        verdicts = [verdict.unpack(payload) for _, payload in record.events["found"]]
        codes = statuses(record, len(which))
        return [
            {
                "kept": items_of(packets, place, "index"),
                "kept_scores": items_of(packets, place, "score"),
                "threshold": np.array(_field(verdicts, place, "threshold")),
                "ties": np.array(_field(verdicts, place, "ties")),
                "status": np.array(codes[place]),
            }
            for place in range(len(which))
        ]

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return the sizes that the probe reported."""
        return [{"sizes": np.array(sizes, dtype=np.int64)} for sizes in probed_sizes(arch.topk, len(which), record)]

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the cycles from a command's first beat in to its `found` (`select`) and to its last beat out."""
        ends = [cycle for _, cycle in self._packets(arch, record)]
        return selection_cycles(arch.topk, vectors.inputs["n"][list(which)], record, "score", ends)

    def _packets(self, arch: Arch, record: Record) -> list[Packet]:
        return packets_of(packed_beat(arch.topk.lanes, item(arch.topk)), record, "o")


def selection_cycles(
    topk: Topk, n: Array, record: Record, stream: str, ends: Sequence[int]
) -> Sequence[Mapping[str, int]]:
    """Return the cycles of commands of `n` scores from the first beat in on `stream` to `found` and to their `ends`.

    A command without scores begins in the cycle after its own. What did not come is -1.
    """
    beats = [-(-int(one) // topk.lanes) for one in n]
    came, told = record.cycles_of(stream), record.cycles_of("command")
    verdicts = [cycle for cycle, _ in record.events["found"]]
    counted = []
    for place, own in enumerate(beats):
        first = sum(beats[:place])
        begins = came[first : first + 1] if own else [cycle + 1 for cycle in told[place : place + 1]]
        if begins and place < min(len(ends), len(verdicts)):
            before = begins[0] - 1
            counted.append({"select": verdicts[place] - before, "total": ends[place] - before})
        else:
            counted.append({"select": -1, "total": -1})
    return counted


def packed_scores(topk: Topk, scores: Array) -> list[int]:
    """Return beats of scores; the lanes beyond the last score hold all ones."""
    layout = codec(score_beat(topk))
    lanes, top = topk.lanes, (1 << topk.score_bits) - 1
    whole = [*map(int, scores), *[top] * (-len(scores) % lanes)]
    return [layout.pack({"scores": whole[first : first + lanes]}) for first in range(0, len(whole), lanes)]


def packets_of(layout: Layout, record: Record, stream: str) -> list[Packet]:
    """Return the packets of beats of `layout` that went through `stream`. One that did not end is left out."""
    beats = codec(layout)
    packets, items = list[Packet](), list[dict[str, Any]]()
    for cycle, payload in record.transfers[stream]:
        beat = beats.unpack(payload)
        items += beat["items"][: beat["count"]]
        if beat["last"]:
            packets.append((items, cycle))
            items = []
    return packets


def items_of(packets: Sequence[Packet], place: int, name: str) -> Array:
    """Return a field of the items of packet `place`; none if it did not come."""
    items = packets[place][0] if place < len(packets) else []
    return np.array([one[name] for one in items], dtype=np.int64)


def probed_sizes(topk: Topk, count: int, record: Record) -> list[list[int]]:
    """Return, for each of `count` commands, the sizes that `round` reported: they come up to the command's `found`."""
    size = codec(round_size(topk))
    ends = [cycle for cycle, _ in record.events["found"]]
    seen: list[list[int]] = [[] for _ in range(max(count, len(ends) + 1))]
    for cycle, payload in record.events["round"]:
        seen[sum(end < cycle for end in ends)].append(size.unpack(payload)["size"])
    return seen[:count]


def _field(verdicts: Sequence[Mapping[str, int]], place: int, name: str) -> int:
    return verdicts[place][name] if place < len(verdicts) else -1
