"""Harness of the bitwidth converter. One test vector is one or more vectors of K, Q or V."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from amaranth.hdl import signed
from amaranth.lib import wiring

from tokensieve.arch.machine import Arch
from tokensieve.rtl.beats import packed_beat, plane_command
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.rtl.flow.harness.awaited import in_packets
from tokensieve.rtl.flow.harness.base import Array, Awaited, unit_class
from tokensieve.rtl.flow.harness.statuses import awaited_statuses, statuses
from tokensieve.rtl.flow.pack import codec
from tokensieve.workloads.vectors import Vectors

_FIELDS = ("elements", "msb_bits", "lsb_bits", "middle")


class BitwidthConverterHarness:
    """Commands and planes in, words out."""

    unit = "bitwidth-converter"
    module = "tokensieve.rtl.bitwidth_converter"
    begins = "msb"

    def component(self, arch: Arch) -> wiring.Component:
        """Return the unit."""
        return unit_class(self.module, "BitwidthConverter")(arch)

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return commands and the beats of both planes."""
        command, size = codec(plane_command(arch)), arch.converter.plane_bytes
        beats: dict[str, list[int]] = {"command": [], "msb": [], "lsb": []}
        for index in which:
            planes = {name: vectors.item("inputs", name, index) for name in ("msb", "lsb")}
            for told in _told(vectors, index):
                beats["command"].append(command.pack(told))
                for name, left in planes.items():
                    length = -(-told["elements"] * told[f"{name}_bits"] // 8)
                    beats[name] += _packed(left[:length], size)
                    planes[name] = left[length:]
        made = [words for index in which for words in _made(vectors, index)]
        return Stimulus(beats=beats, expect={"o": sum(max(1, -(-len(one) // arch.converter.lanes)) for one in made)})

    def awaited(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Awaited]:
        """Return the words of each vector of K, Q or V, which is a packet, and what is said of illegal commands."""
        lanes, packets = arch.converter.lanes, [words for index in which for words in _made(vectors, index)]
        layout = codec(packed_beat(lanes, signed(arch.number.onchip_bits)))
        codes = [code for index in which for code in vectors.item("expected", "status", index)]
        return {"o": in_packets(layout, lanes, packets), "status": awaited_statuses(codes)}

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return the words; what follows a vector's `last` belongs to the next one."""
        beat = codec(packed_beat(arch.converter.lanes, signed(arch.number.onchip_bits)))
        found: list[list[int]] = [[]]
        for payload in record.payloads("o"):
            words = beat.unpack(payload)
            found[-1] += words["items"][: words["count"]]
            if words["last"]:
                found.append([])
        ends = np.cumsum([0, *(len(_told(vectors, index)) for index in which)])
        codes = np.array(statuses(record, int(ends[-1])), dtype=np.int64)
        return [
            {
                "words": np.array([word for some in found[first:end] for word in some], dtype=np.int64),
                "status": codes[first:end],
            }
            for first, end in pairwise(ends)
        ]

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return nothing: the unit has no probe."""
        return [{} for _ in which]

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the cycles from the first beat in to the last words out; -1 where they did not come."""
        alone = [self.stimulus(arch, vectors, [index]) for index in which]
        beats = np.cumsum([0, *(len(one.beats["msb"]) for one in alone)])
        beats_out = np.cumsum([one.expect["o"] for one in alone])
        came, went = record.cycles_of("msb"), record.cycles_of("o")
        return [
            {"total": went[last - 1] - came[first] + 1 if first < len(came) and last <= len(went) else -1}
            for first, last in zip(beats[:-1], beats_out, strict=True)
        ]


def _told(vectors: Vectors, index: int) -> list[dict[str, int]]:
    """Return the commands of a vector."""
    columns = [vectors.item("inputs", name, index).tolist() for name in _FIELDS]
    return [dict(zip(_FIELDS, told, strict=True)) for told in zip(*columns, strict=True)]


def _made(vectors: Vectors, index: int) -> list[list[int]]:
    """Return the words of each vector of a test vector; an illegal one has none."""
    words, made = vectors.item("expected", "words", index).tolist(), list[list[int]]()
    for told, code in zip(_told(vectors, index), vectors.item("expected", "status", index), strict=True):
        count = 0 if code else told["elements"]
        made.append(words[:count])
        words = words[count:]
    return made


def _packed(data: Array, size: int) -> list[int]:
    """Return bytes as beats; those beyond the last one are all ones, which must not count."""
    whole = bytes(data.tolist()) + b"\xff" * (-len(data) % size)
    return [int.from_bytes(whole[first : first + size], "little") for first in range(0, len(whole), size)]
