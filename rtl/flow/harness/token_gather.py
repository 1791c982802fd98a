"""Harness of the token gather. A vector is one packet of tokens."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise

import numpy as np
from amaranth.lib import wiring

from tokensieve.arch.datapath import Topk
from tokensieve.arch.machine import Arch
from tokensieve.rtl.beats import gather_command, gathered_vector, granule_request, item, packed_beat
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.rtl.flow.harness.awaited import columns, exact
from tokensieve.rtl.flow.harness.base import Array, Awaited, packet_cycles, unit_class
from tokensieve.rtl.flow.harness.statuses import awaited_statuses, statuses
from tokensieve.rtl.flow.pack import codec
from tokensieve.workloads.vectors import Vectors


class TokenGatherHarness:
    """Commands, tokens and granules in; requests and vectors out. The memory has the same latency for all requests."""

    unit = "token-gather"
    module = "tokensieve.rtl.token_gather"
    begins = "token"

    def component(self, arch: Arch) -> wiring.Component:
        """Return the unit."""
        return unit_class(self.module, "TokenGatherEngine")(arch.gather, arch.dram, arch.topk)

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return commands, tokens and granules. Packets that run back to back share the largest of their latencies."""
        given, commands, size = vectors.inputs, codec(gather_command(arch.gather)), arch.dram.granule_bytes
        beats: dict[str, list[int]] = {"command": [], "token": [], "data": []}
        for index in which:
            beats["command"].append(commands.pack({name: int(given[name][index]) for name in ("base", "row_bytes")}))
            beats["token"] += packed_tokens(arch.topk, vectors.item("inputs", "tokens", index))
            data = vectors.item("inputs", "data", index).astype(np.uint8).reshape(-1, size)
            beats["data"] += [int.from_bytes(granule.tobytes(), "little") for granule in data]
        latency = max((int(given["memory_latency"][index]) for index in which), default=1)
        fetched = sum(len(vectors.item("expected", "length", index)) for index in which)
        expect = {"request": len(beats["data"]), "o": fetched}
        return Stimulus(beats=beats, expect=expect, after={"data": ("request", latency)})

    def awaited(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Awaited]:
        """Return the requests and the vectors of each packet."""
        asked = [
            one for j in which for one in columns(**{n: vectors.item("expected", n, j) for n in ("address", "channel")})
        ]
        packets = [in_vectors(vectors.item("expected", "row", j), vectors.item("expected", "length", j)) for j in which]
        rows = gathered_beats(arch, packets)
        return {
            "request": exact(codec(granule_request(arch.gather, arch.dram)), asked), "o": rows,
            "status": awaited_statuses(vectors.expected["status"][list(which)]),
        }  # fmt: skip

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return the requests and the vectors of each packet; what stands behind a vector counts if it is not 0."""
        asked, packets = _requests(arch, vectors, which, record), [some for some, _ in packets_out(arch, record)]
        packets += [[]] * (len(which) - len(packets))
        codes = statuses(record, len(which))
        return [
            {
                **{name: np.array([one[name] for one in asks], dtype=np.int64) for name in ("address", "channel")},
                "row": np.frombuffer(b"".join(data for data, _ in some), np.uint8).astype(np.int64),
                "length": np.array([count for _, count in some], dtype=np.int64),
                "status": np.array(code),
            }
            for asks, some, code in zip(asked, packets, codes, strict=False)
        ]

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return nothing: the unit has no probe."""
        return [{} for _ in which]

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the cycles from a packet's first tokens in to its last vector out; -1 where it did not come."""
        beats = [max(1, -(-len(vectors.item("inputs", "tokens", index)) // arch.topk.lanes)) for index in which]
        return packet_cycles(beats, record.cycles_of("token"), [cycle for _, cycle in packets_out(arch, record)])


def packed_tokens(topk: Topk, tokens: Array) -> list[int]:
    """Return the beats of a packet. Scores and free lanes hold ones, which must not matter."""
    layout, lanes = codec(packed_beat(topk.lanes, item(topk))), topk.lanes
    ones = codec(item(topk)).ones
    beats = []
    for first in range(0, max(len(tokens), 1), lanes):
        items = [{**ones, "index": int(token)} for token in tokens[first : first + lanes]]
        last = first + lanes >= len(tokens)
        beats.append(layout.pack({"items": items + [ones] * (lanes - len(items)), "count": len(items), "last": last}))
    return beats


def in_vectors(data: Array, lengths: Iterable[int]) -> list[list[int]]:
    """Return bytes as vectors of the given lengths."""
    ends = [0, *accumulate(map(int, lengths))]
    return [[int(byte) for byte in data[first:last]] for first, last in pairwise(ends)]


def gathered_beats(arch: Arch, packets: Iterable[Sequence[list[int]]]) -> Awaited:
    """Return packets of vectors as the gather gives them out: zeros behind each, `last` on the last one."""
    most = arch.gather.max_row_bytes
    beats = [
        {"data": vector + [0] * (most - len(vector)), "count": len(vector), "last": int(place == len(packet))}
        for packet in packets
        for place, vector in enumerate(packet, 1)
    ]
    return exact(codec(gathered_vector(arch.gather)), beats)


def packets_out(arch: Arch, record: Record) -> list[tuple[list[tuple[bytes, int]], int]]:
    """Return the vectors of each packet that came out whole, as bytes and their number, and its last one's cycle."""
    layout = codec(gathered_vector(arch.gather))
    packets, some = [], list[tuple[bytes, int]]()
    for cycle, payload in record.transfers["o"]:
        one = layout.unpack(payload)
        data = bytes(one["data"])
        some.append((data[: max(one["count"], len(data.rstrip(b"\0")))], one["count"]))
        if one["last"]:
            packets.append((some, cycle))
            some = []
    return packets


def _requests(arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> list[list[dict[str, int]]]:
    """Return the requests of each packet: as many as it should have, and what is left over with the last one."""
    layout = codec(granule_request(arch.gather, arch.dram))
    asked = [layout.unpack(payload) for payload in record.payloads("request")]
    ends = [0, *accumulate(len(vectors.item("expected", "address", index)) for index in which)]
    return [asked[first : end if place < len(which) - 1 else None] for place, (first, end) in enumerate(pairwise(ends))]
