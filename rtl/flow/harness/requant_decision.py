"""Harness of the decision of progressive quantization. A vector is a block of rows with one threshold."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from amaranth.hdl import unsigned
from amaranth.lib import wiring

from tokensieve.arch.machine import Arch
from tokensieve.rtl.beats import decision, decision_command, packed_beat
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.rtl.flow.harness.awaited import columns, exact
from tokensieve.rtl.flow.harness.base import Array, Awaited, unit_class
from tokensieve.rtl.flow.harness.statuses import awaited_statuses, statuses
from tokensieve.rtl.flow.pack import codec
from tokensieve.workloads.vectors import Vectors


class RequantDecisionHarness:
    """Thresholds and rows in, decisions out."""

    unit = "requant-decision"
    module = "tokensieve.rtl.requant_decision"
    begins = "probability"

    def component(self, arch: Arch) -> wiring.Component:
        """Return the unit."""
        return unit_class(self.module, "RequantDecision")(arch)

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return thresholds and rows."""
        command, rows = codec(decision_command(arch)), 0
        beats: dict[str, list[int]] = {"command": [], "probability": []}
        for index in which:
            lengths, left = vectors.item("inputs", "length", index), vectors.item("inputs", "probability", index)
            told = {"threshold": int(vectors.inputs["threshold"][index]), "rows": len(lengths)}
            beats["command"].append(command.pack(told))
            rows += len(lengths)
            for length in map(int, lengths):
                beats["probability"] += _packed(arch, left[:length])
                left = left[length:]
        return Stimulus(beats=beats, expect={"o": rows})

    def awaited(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Awaited]:
        """Return the decisions of the rows."""
        told = [
            one for j in which for one in columns(**{n: vectors.item("expected", n, j) for n in ("max", "refetch")})
        ]
        codes = vectors.expected["status"][list(which)]
        return {"o": exact(codec(decision(arch)), told), "status": awaited_statuses(codes)}

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return the decisions, and what was said of illegal commands."""
        verdict = codec(decision(arch))
        came = [verdict.unpack(payload) for payload in record.payloads("o")]
        ends = np.cumsum([0, *(len(vectors.item("inputs", "length", index)) for index in which)])
        fields, codes = ("max", "refetch"), statuses(record, len(which))
        return [
            {name: np.array([one[name] for one in came[first:end]], dtype=np.int64) for name in fields}
            | {"status": np.array(code)}
            for (first, end), code in zip(pairwise(ends), codes, strict=True)
        ]

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return nothing: the unit has no probe."""
        return [{} for _ in which]

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the cycles from a block's first beat in to its last decision; -1 where it did not come.

        A block without rows takes the one of its command.
        """
        beats = np.cumsum([0, *(int(vectors.item("work", "beats", index).sum()) for index in which)])
        rows = np.cumsum([len(vectors.item("inputs", "length", index)) for index in which])
        came, went, counted = record.cycles_of("probability"), record.cycles_of("o"), []
        for first, last, code in zip(beats[:-1], rows, statuses(record, len(which)), strict=True):
            there = first < len(came) and last <= len(went)
            counted.append({"total": 1 if code else went[last - 1] - came[first] + 1 if there else -1})
        return counted


def _packed(arch: Arch, row: Array) -> list[int]:
    """Return a row as beats; the lanes beyond its end hold all ones, which must not count."""
    lanes, bits = arch.softmax.lanes, arch.softmax.probability_bits
    beat, top = codec(packed_beat(lanes, unsigned(bits))), (1 << bits) - 1
    beats = []
    for first in range(0, max(len(row), 1), lanes):
        items = [int(one) for one in row[first : first + lanes]]
        last = first + lanes >= len(row)
        beats.append(beat.pack({"items": items + [top] * (lanes - len(items)), "count": len(items), "last": last}))
    return beats
