"""Harnesses of the accumulators of importance. A vector is one script of commands."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from amaranth.hdl import signed, unsigned
from amaranth.lib import wiring

from tokensieve.arch.datapath import Topk
from tokensieve.arch.machine import Arch
from tokensieve.rtl.beats import SumsOp, item, packed_beat, score_beat, sums_command
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.rtl.flow.harness.awaited import exact
from tokensieve.rtl.flow.harness.base import Array, Awaited, unit_class
from tokensieve.rtl.flow.harness.statuses import awaited_statuses, statuses
from tokensieve.rtl.flow.pack import Codec, codec
from tokensieve.workloads.vectors import Vectors

_BRINGS: tuple[Any, ...] = (SumsOp.ADD, SumsOp.KEEP)
_ADD, _KEEP = (op.value for op in _BRINGS)
"""Commands behind which beats follow, by their numbers."""


class SumsHarness(ABC):
    """Commands, queries and ids in; beats of scores out."""

    unit: str
    module = "tokensieve.rtl.accumulators"
    begins = "command"
    source: str
    """Stream of what is added."""

    @abstractmethod
    def component(self, arch: Arch) -> wiring.Component:
        """Return the unit."""

    @abstractmethod
    def capacity(self, arch: Arch) -> int:
        """Return how many sums there may be."""

    @abstractmethod
    def beat(self, arch: Arch) -> Codec:
        """Return the codec of the beats that are added."""

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return the scripts, one after the other."""
        beats: dict[str, list[int]] = {"command": [], self.source: [], "keep": []}
        command, layout = codec(sums_command(self.capacity(arch))), self.beat(arch)
        for index in which:
            for op, n, pin, queries, ids in _steps(vectors, index):
                beats["command"].append(command.pack({"op": op, "n": n, "pin": pin}))
                if op == _KEEP:
                    beats["keep"] += packed_ids(arch.topk, ids)
                if op == _ADD:
                    beats[self.source] += [
                        beat
                        for place, query in enumerate(queries)
                        for beat in packed(layout, arch.importance.lanes, query, self.ends(place, len(queries)))
                    ]
        awaited = sum(len(vectors.item("expected", "scores", index)) for index in which) // arch.topk.lanes
        return Stimulus(beats=beats, expect={"o": awaited})

    @abstractmethod
    def ends(self, place: int, queries: int) -> bool:
        """Return whether query number `place` of the `queries` of an ADD ends with `last`."""

    def awaited(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Awaited]:
        """Return the beats of scores, and what is said of illegal commands."""
        codes = [code for j in which for code in vectors.item("expected", "status", j)]
        lanes, scores = arch.topk.lanes, [int(s) for j in which for s in vectors.item("expected", "scores", j)]
        beats = [{"scores": scores[first : first + lanes]} for first in range(0, len(scores), lanes)]
        return {"o": exact(codec(score_beat(arch.topk)), beats), "status": awaited_statuses(codes)}

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return the beats of scores, and what was said of each command."""
        layout = codec(score_beat(arch.topk))
        came = [score for payload in record.payloads("o") for score in layout.unpack(payload)["scores"]]
        ends = np.cumsum([0, *(len(vectors.item("expected", "scores", index)) for index in which)])
        steps = np.cumsum([0, *(len(vectors.item("expected", "status", index)) for index in which)])
        codes = np.array(statuses(record, int(steps[-1])), dtype=np.int64)
        return [
            {"scores": np.array(came[first:end], dtype=np.int64), "status": codes[begin:behind]}
            for (first, end), (begin, behind) in zip(pairwise(ends), pairwise(steps), strict=True)
        ]

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return nothing: the unit has no probe."""
        return [{} for _ in which]

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the cycles from a script's first command in to its last beat of scores out; -1 if it is missing."""
        commands = np.cumsum([0, *(len(vectors.item("inputs", "op", index)) for index in which)])
        beats = np.cumsum([len(vectors.item("expected", "scores", index)) // arch.topk.lanes for index in which])
        came, went = record.cycles_of("command"), record.cycles_of("o")
        return [
            {"total": went[last - 1] - came[first] + 1 if first < len(came) and last <= len(went) else -1}
            for first, last in zip(commands[:-1], beats, strict=True)
        ]


class ImportanceAccumulatorHarness(SumsHarness):
    """Probabilities, one query a packet."""

    unit = "importance-accumulator"
    source = "probability"

    def component(self, arch: Arch) -> wiring.Component:
        """Return the unit."""
        return unit_class(self.module, "ImportanceAccumulator")(arch)

    def capacity(self, arch: Arch) -> int:
        """Return the number of tokens."""
        return arch.topk.max_tokens

    def beat(self, arch: Arch) -> Codec:
        """Return the codec of a beat of probabilities."""
        return codec(packed_beat(arch.importance.lanes, unsigned(arch.softmax.probability_bits)))

    def ends(self, place: int, queries: int) -> bool:
        """Return that every query ends with `last`."""
        return True


class HeadAccumulatorHarness(SumsHarness):
    """Outputs, one head a packet."""

    unit = "head-accumulator"
    source = "output"

    def component(self, arch: Arch) -> wiring.Component:
        """Return the unit."""
        return unit_class(self.module, "HeadAccumulator")(arch)

    def capacity(self, arch: Arch) -> int:
        """Return the number of heads."""
        return arch.importance.max_heads

    def beat(self, arch: Arch) -> Codec:
        """Return the codec of a beat of outputs."""
        return codec(packed_beat(arch.importance.lanes, signed(arch.number.output_bits)))

    def ends(self, place: int, queries: int) -> bool:
        """Return whether it is the last query."""
        return place == queries - 1


def packed(layout: Codec, lanes: int, elements: Array, ends: bool) -> list[int]:
    """Return elements as beats; the lanes beyond the last element hold -1 or all ones, which must not count."""
    surplus = layout.ones["items"]
    beats = []
    for first in range(0, len(elements), lanes):
        items = [int(one) for one in elements[first : first + lanes]]
        last = ends and first + lanes >= len(elements)
        beats.append(layout.pack({"items": items + surplus[len(items) :], "count": len(items), "last": last}))
    return beats


def packed_ids(topk: Topk, ids: Array) -> list[int]:
    """Return ids as the top-k engine puts them out: full beats but the last; an empty one where there are none."""
    layout, lanes = codec(packed_beat(topk.lanes, item(topk))), topk.lanes
    surplus = layout.ones["items"]
    beats = []
    for first in range(0, max(len(ids), 1), lanes):
        items = [{"index": int(one), "score": 0} for one in ids[first : first + lanes]]
        last = first + lanes >= len(ids)
        beats.append(layout.pack({"items": items + surplus[len(items) :], "count": len(items), "last": last}))
    return beats


def _steps(vectors: Vectors, index: int) -> Iterator[tuple[int, int, int, Array, Array]]:
    """Yield the commands of a script: what, with which number, pinned or not, queries, ids."""
    names = ("op", "n", "pin", "rows", "width", "kept")
    elements, ids = vectors.item("inputs", "elements", index), vectors.item("inputs", "ids", index)
    for op, n, pin, queries, width, kept in zip(*(vectors.item("inputs", name, index) for name in names), strict=True):
        matrix: Array = elements[: queries * width].reshape(queries, width)
        yield int(op), int(n), int(pin), matrix, ids[:kept]
        elements, ids = elements[queries * width :], ids[kept:]
