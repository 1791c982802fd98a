"""Harness of the top-k engine, whichever core it has."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from amaranth.lib import wiring

from tokensieve.arch.datapath import Topk
from tokensieve.arch.machine import Arch
from tokensieve.rtl.beats import command, found, item, packed_row, round_size, score_row
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.rtl.flow.harness.base import Array, part, unit_class
from tokensieve.rtl.flow.pack import codec
from tokensieve.workloads.vectors import Vectors


class TopkHarness:
    """Commands and rows of scores in; kept items, thresholds and sizes out."""

    unit = "topk"
    module = "tokensieve.rtl.topk"

    def component(self, arch: Arch) -> wiring.Component:
        """Return the engine."""
        return unit_class(self.module, "TopKEngine")(arch.topk)

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return commands and rows; the lanes beyond n hold all ones, which would win every selection."""
        topk, given = arch.topk, vectors.inputs
        commands = codec(command(topk))
        beats: dict[str, list[int]] = {"command": [], "score": []}
        for index in which:
            told = {name: int(given[name][index]) for name in ("n", "k", "seed")}
            beats["command"].append(commands.pack(told))
            beats["score"] += packed_scores(topk, part(given, "scores", index))
        kept = (len(part(vectors.expected, "kept", index)) for index in which)
        return Stimulus(beats=beats, expect={"o": sum(max(1, -(-size // topk.lanes)) for size in kept)})

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return what was kept, and the threshold and ties that the probe reported."""
        packets = [packet for packet, _ in _packets(arch.topk, record)]
        verdict = codec(found(arch.topk))
        verdicts = [verdict.unpack(payload) for _, payload in record.events["found"]]
        return [
            {
                "kept": np.array([kept["index"] for kept in _nth(packets, place)], dtype=np.int64),
                "kept_scores": np.array([kept["score"] for kept in _nth(packets, place)], dtype=np.int64),
                "threshold": np.int64(_field(verdicts, place, "threshold")),
                "ties": np.int64(_field(verdicts, place, "ties")),
            }
            for place in range(len(which))
        ]

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return the sizes that the probe reported: those of a command come up to its `found`."""
        size = codec(round_size(arch.topk))
        ends = [cycle for cycle, _ in record.events["found"]]
        seen: list[list[int]] = [[] for _ in range(max(len(which), len(ends) + 1))]
        for cycle, payload in record.events["round"]:
            seen[sum(end < cycle for end in ends)].append(size.unpack(payload)["size"])
        return [{"sizes": np.array(sizes, dtype=np.int64)} for sizes in seen[: len(which)]]

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the cycles from a command's first row in to its `found` (`select`) and to its last row out."""
        rows = [-(-int(vectors.inputs["n"][index]) // arch.topk.lanes) for index in which]
        came = record.cycles_of("score")
        ends = [cycle for _, cycle in _packets(arch.topk, record)]
        verdicts = [cycle for cycle, _ in record.events["found"]]
        counted = []
        for place in range(len(which)):
            first = sum(rows[:place])
            if first < len(came) and place < min(len(ends), len(verdicts)):
                counted.append({"select": verdicts[place] - came[first] + 1, "total": ends[place] - came[first] + 1})
            else:
                counted.append({"select": -1, "total": -1})
        return counted


def packed_scores(topk: Topk, scores: Array) -> list[int]:
    """Return rows of scores; the lanes beyond the last score hold all ones."""
    rows = codec(score_row(topk))
    lanes, top = topk.lanes, (1 << topk.score_bits) - 1
    whole = [*map(int, scores), *[top] * (-len(scores) % lanes)]
    return [rows.pack({"scores": whole[first : first + lanes]}) for first in range(0, len(whole), lanes)]


def _packets(topk: Topk, record: Record) -> list[tuple[list[dict[str, Any]], int]]:
    """Return the items of each packet on `o`, and the cycle in which it ended. One that did not end is left out."""
    rows = codec(packed_row(topk.lanes, item(topk)))
    packets, items = [], list[dict[str, Any]]()
    for cycle, payload in record.transfers["o"]:
        row = rows.unpack(payload)
        items += row["items"][: row["count"]]
        if row["last"]:
            packets.append((items, cycle))
            items = []
    return packets


def _nth(packets: Sequence[list[dict[str, Any]]], place: int) -> list[dict[str, Any]]:
    return packets[place] if place < len(packets) else []


def _field(verdicts: Sequence[Mapping[str, int]], place: int, name: str) -> int:
    return verdicts[place][name] if place < len(verdicts) else -1
