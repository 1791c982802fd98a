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
from tokensieve.rtl.beats import SumsOp, item, packed_row, score_row, sums_command
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.rtl.flow.harness.base import Array, unit_class
from tokensieve.rtl.flow.pack import Codec, codec
from tokensieve.workloads.vectors import Vectors

_OPS: tuple[Any, ...] = (SumsOp.CLEAR, SumsOp.GROW, SumsOp.ADD, SumsOp.KEEP, SumsOp.READ)


class SumsHarness(ABC):
    """Commands, rows and ids in; rows of scores out."""

    unit: str
    module = "tokensieve.rtl.accumulators"
    source: str
    """Stream of the rows that are added."""

    @abstractmethod
    def component(self, arch: Arch) -> wiring.Component:
        """Return the unit."""

    @abstractmethod
    def capacity(self, arch: Arch) -> int:
        """Return how many sums there may be."""

    @abstractmethod
    def row(self, arch: Arch) -> Codec:
        """Return the codec of the rows that are added."""

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return the scripts, one after the other."""
        beats: dict[str, list[int]] = {"command": [], self.source: [], "keep": []}
        command, row = codec(sums_command(self.capacity(arch))), self.row(arch)
        for index in which:
            for op, n, pin, rows, ids in _steps(vectors, index):
                beats["command"].append(command.pack({"op": op.value, "n": n, "pin": pin}))
                if op is SumsOp.KEEP:
                    beats["keep"] += packed_ids(arch.topk, ids)
                if op is SumsOp.ADD:
                    beats[self.source] += [
                        beat
                        for place, packet in enumerate(rows)
                        for beat in packed(row, arch.importance.lanes, packet, self.ends(place, len(rows)))
                    ]
        awaited = sum(len(vectors.item("expected", "scores", index)) for index in which) // arch.topk.lanes
        return Stimulus(beats=beats, expect={"o": awaited})

    @abstractmethod
    def ends(self, place: int, rows: int) -> bool:
        """Return whether row number `place` of the `rows` of an ADD ends with `last`."""

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return the rows of scores."""
        rows = codec(score_row(arch.topk))
        came = [score for payload in record.payloads("o") for score in rows.unpack(payload)["scores"]]
        ends = np.cumsum([0, *(len(vectors.item("expected", "scores", index)) for index in which)])
        return [{"scores": np.array(came[first:end], dtype=np.int64)} for first, end in pairwise(ends)]

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return nothing: the unit has no probe."""
        return [{} for _ in which]

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the cycles from a script's first command in to its last row of scores out; -1 if that did not come."""
        commands = np.cumsum([0, *(len(vectors.item("inputs", "op", index)) for index in which)])
        rows = np.cumsum([len(vectors.item("expected", "scores", index)) // arch.topk.lanes for index in which])
        came, went = record.cycles_of("command"), record.cycles_of("o")
        return [
            {"total": went[last - 1] - came[first] + 1 if first < len(came) and last <= len(went) else -1}
            for first, last in zip(commands[:-1], rows, strict=True)
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

    def row(self, arch: Arch) -> Codec:
        """Return the codec of a row of probabilities."""
        return codec(packed_row(arch.importance.lanes, unsigned(arch.softmax.probability_bits)))

    def ends(self, place: int, rows: int) -> bool:
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

    def row(self, arch: Arch) -> Codec:
        """Return the codec of a row of outputs."""
        return codec(packed_row(arch.importance.lanes, signed(arch.number.output_bits)))

    def ends(self, place: int, rows: int) -> bool:
        """Return whether it is the last query."""
        return place == rows - 1


def packed(row: Codec, lanes: int, elements: Array, ends: bool) -> list[int]:
    """Return elements as beats; the lanes beyond the last element hold -1 or all ones, which must not count."""
    surplus = row.ones["items"]
    beats = []
    for first in range(0, len(elements), lanes):
        items = [int(one) for one in elements[first : first + lanes]]
        last = ends and first + lanes >= len(elements)
        beats.append(row.pack({"items": items + surplus[len(items) :], "count": len(items), "last": last}))
    return beats


def packed_ids(topk: Topk, ids: Array) -> list[int]:
    """Return ids as the top-k engine puts them out: full rows but the last; an empty one where there are none."""
    rows, lanes = codec(packed_row(topk.lanes, item(topk))), topk.lanes
    surplus = rows.ones["items"]
    beats = []
    for first in range(0, max(len(ids), 1), lanes):
        items = [{"index": int(one), "score": 0} for one in ids[first : first + lanes]]
        last = first + lanes >= len(ids)
        beats.append(rows.pack({"items": items + surplus[len(items) :], "count": len(items), "last": last}))
    return beats


def _steps(vectors: Vectors, index: int) -> Iterator[tuple[Any, int, int, Array, Array]]:
    """Yield the commands of a script: what, with which number, pinned or not, rows, ids."""
    names = ("op", "n", "pin", "rows", "width", "kept")
    elements, ids = vectors.item("inputs", "elements", index), vectors.item("inputs", "ids", index)
    for op, n, pin, rows, width, kept in zip(*(vectors.item("inputs", name, index) for name in names), strict=True):
        matrix: Array = elements[: rows * width].reshape(rows, width)
        yield _OPS[op], int(n), int(pin), matrix, ids[:kept]
        elements, ids = elements[rows * width :], ids[kept:]
