"""Harness of the zero eliminator. A vector is one packet."""

from collections.abc import Mapping, Sequence

import numpy as np
from amaranth.lib import wiring

from tokensieve.arch.datapath import Topk
from tokensieve.arch.machine import Arch
from tokensieve.rtl.beats import item, packed_beat, sparse_beat
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.rtl.flow.harness.awaited import columns, in_packets
from tokensieve.rtl.flow.harness.base import Array, Awaited, packet_cycles, unit_class
from tokensieve.rtl.flow.pack import codec
from tokensieve.workloads.vectors import Vectors


class ZeroEliminatorHarness:
    """Beats with marks in, full beats out."""

    unit = "zero-eliminator"
    module = "tokensieve.rtl.zero_eliminator"
    begins = "i"

    def component(self, arch: Arch) -> wiring.Component:
        """Return the unit."""
        return unit_class(self.module, "ZeroEliminator")(arch.topk)

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return the beats of the packets; lanes that are not marked hold ones, which must not come out."""
        pairs = [[vectors.item("inputs", name, j) for name in ("mask", "score")] for j in which]
        packets = [packet(arch.topk, marks, scores) for marks, scores in pairs]
        sizes = [len(vectors.item("expected", "index", j)) for j in which]
        awaited = sum(max(1, -(-size // arch.topk.lanes)) for size in sizes)
        return Stimulus(beats={"i": [beat for beats in packets for beat in beats]}, expect={"o": awaited})

    def awaited(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Awaited]:
        """Return the marked items of each packet."""
        layout = codec(packed_beat(arch.topk.lanes, item(arch.topk)))
        marked = [columns(**{name: vectors.item("expected", name, j) for name in ("index", "score")}) for j in which]
        return {"o": in_packets(layout, arch.topk.lanes, marked)}

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return the items of each packet."""
        came = [items for items, _ in packets_out(arch.topk, record)]
        came += [[]] * (len(which) - len(came))
        return [
            {name: np.array([one[name] for one in items], dtype=np.int64) for name in ("index", "score")}
            for items in came[: len(which)]
        ]

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return nothing: the unit has no probe."""
        return [{} for _ in which]

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the cycles from a packet's first beat in to its last beat out; -1 where it did not come."""
        beats = [-(-len(vectors.item("inputs", "mask", index)) // arch.topk.lanes) for index in which]
        return packet_cycles(beats, record.cycles_of("i"), [cycle for _, cycle in packets_out(arch.topk, record)])


def packet(topk: Topk, marks: Array, scores: Array) -> list[int]:
    """Return the beats of one packet."""
    layout, lanes, hole = codec(sparse_beat(topk.lanes, item(topk))), topk.lanes, codec(item(topk)).ones
    items = [{"index": j, "score": int(scores[j])} if mark else hole for j, mark in enumerate(marks)]
    items += [hole] * (-len(items) % lanes)
    return [
        layout.pack({
            "items": items[first : first + lanes],
            "mask": sum(int(mark) << lane for lane, mark in enumerate(marks[first : first + lanes])),
            "last": first + lanes >= len(items),
        })
        for first in range(0, len(items), lanes)
    ]  # fmt: skip


def packets_out(topk: Topk, record: Record) -> list[tuple[list[dict[str, int]], int]]:
    """Return the items of each packet that came out whole, and the cycle of its last beat."""
    layout = codec(packed_beat(topk.lanes, item(topk)))
    packets, items = [], list[dict[str, int]]()
    for cycle, payload in record.transfers["o"]:
        beat = layout.unpack(payload)
        items += beat["items"][: beat["count"]]
        if beat["last"]:
            packets.append((items, cycle))
            items = []
    return packets
