"""Harness of the local value pruner."""

from collections.abc import Mapping, Sequence

import numpy as np
from amaranth.lib import wiring

from tokensieve.arch.machine import Arch
from tokensieve.rtl.beats import command, item, kept_probability, packed_beat, probability_beat, round_size
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.rtl.flow.harness.awaited import columns, exact, in_packets
from tokensieve.rtl.flow.harness.base import Array, Awaited, unit_class
from tokensieve.rtl.flow.harness.statuses import awaited_statuses, statuses
from tokensieve.rtl.flow.harness.topk import items_of, packets_of, probed_sizes, selection_cycles
from tokensieve.rtl.flow.pack import codec
from tokensieve.workloads.vectors import Vectors


class LocalValuePrunerHarness:
    """Commands and beats of probabilities in; kept probabilities and requests out."""

    unit = "local-value-pruner"
    module = "tokensieve.rtl.local_value_pruner"
    begins = "probability"

    def component(self, arch: Arch) -> wiring.Component:
        """Return the pruner."""
        return unit_class(self.module, "LocalValuePruner")(arch)

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return commands and beats; the lanes beyond n hold all ones, which would win every selection."""
        commands, lanes = codec(command(arch.topk)), arch.topk.lanes
        layout, top = codec(probability_beat(arch.topk, _bits(arch))), (1 << _bits(arch)) - 1
        beats: dict[str, list[int]] = {"command": [], "probability": []}
        for index in which:
            beats["command"].append(
                commands.pack({name: int(vectors.inputs[name][index]) for name in ("n", "k", "seed")})
            )
            given = [int(p) for p in vectors.item("inputs", "probabilities", index)]
            whole = given + [top] * (-len(given) % lanes)
            beats["probability"] += [
                layout.pack({"probabilities": whole[first : first + lanes]}) for first in range(0, len(whole), lanes)
            ]
        kept = sum(max(1, -(-len(vectors.item("expected", "kept", index)) // lanes)) for index in which)
        return Stimulus(beats=beats, expect={"request": kept, "o": kept})

    def awaited(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Awaited]:
        """Return what golden keeps, as probabilities and as requests, and the probes, as far as it tells them."""
        lanes, given = arch.topk.lanes, vectors.item
        kept = [
            columns(index=given("expected", "kept", j), probability=given("expected", "kept_probabilities", j))
            for j in which
        ]
        asked = [columns(index=given("expected", "requested", j)) for j in which]
        layout = codec(packed_beat(lanes, kept_probability(arch.topk, _bits(arch))))
        requests = in_packets(codec(packed_beat(lanes, item(arch.topk))), lanes, asked, unknown={"score": 0})
        sizes = [{"size": int(one)} for j in which for one in given("work", "sizes", j)]
        return {
            "o": in_packets(layout, lanes, kept), "request": requests,
            "status": awaited_statuses(vectors.expected["status"][list(which)]),
            "found": [(0, 0)] * len(which), "round": exact(codec(round_size(arch.topk)), sizes),
        }  # fmt: skip

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return what was kept, and what was asked for."""
        kept = packets_of(packed_beat(arch.topk.lanes, kept_probability(arch.topk, _bits(arch))), record, "o")
        asked = packets_of(packed_beat(arch.topk.lanes, item(arch.topk)), record, "request")
        codes = statuses(record, len(which))
        return [
            {
                "kept": items_of(kept, place, "index"),
                "kept_probabilities": items_of(kept, place, "probability"),
                "requested": items_of(asked, place, "index"),
                "status": np.array(codes[place]),
            }
            for place in range(len(which))
        ]

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return the sizes that the engine's probe reported."""
        return [{"sizes": np.array(sizes, dtype=np.int64)} for sizes in probed_sizes(arch.topk, len(which), record)]

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the cycles from a query's first beat in to its `found` (`select`) and to its last beat out."""
        kept = packets_of(packed_beat(arch.topk.lanes, kept_probability(arch.topk, _bits(arch))), record, "o")
        ends = [cycle for _, cycle in kept]
        return selection_cycles(arch.topk, vectors.inputs["n"][list(which)], record, "probability", ends)


def _bits(arch: Arch) -> int:
    return arch.softmax.probability_bits
