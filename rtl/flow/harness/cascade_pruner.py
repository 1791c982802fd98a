"""Harness of the cascade pruner. A vector is one script of commands."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise

import numpy as np
from amaranth.hdl import signed, unsigned
from amaranth.lib import wiring

from tokensieve.arch.machine import Arch
from tokensieve.rtl.beats import (
    CascadeOp,
    cascade_command,
    gather_command,
    gathered_vector,
    granule_request,
    kept_id,
    packed_beat,
    status,
)
from tokensieve.rtl.flow.case import Record, Stimulus
from tokensieve.rtl.flow.harness.accumulators import packed
from tokensieve.rtl.flow.harness.awaited import in_packets
from tokensieve.rtl.flow.harness.base import Array, Awaited, unit_class
from tokensieve.rtl.flow.harness.statuses import awaited_statuses
from tokensieve.rtl.flow.harness.token_gather import gathered_beats, in_vectors
from tokensieve.rtl.flow.harness.topk import Packet, packets_of, probed_sizes
from tokensieve.rtl.flow.pack import codec
from tokensieve.workloads.vectors import Vectors

_EVENTS = ("status", "fetch_status")
_FIELDS = ("op", "heads", "n", "k", "seed", "pin", "fetch", "row_bytes", "rows", "width")


class CascadePrunerHarness:
    """Commands, probabilities, outputs and memory in; numbers of what is kept, requests and vectors out."""

    unit = "cascade-pruner"
    module = "tokensieve.rtl.cascade_pruner"
    begins = "command"

    def component(self, arch: Arch) -> wiring.Component:
        """Return the pruner."""
        return unit_class(self.module, "CascadePruner")(arch)

    def stimulus(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Stimulus:
        """Return the scripts, one after the other. Memory takes the longest of their latencies."""
        beats: dict[str, list[int]] = {name: [] for name in ("command", "probability", "output", "fetch", "data")}
        for index in which:
            for name, some in self._beats(arch, vectors, index).items():
                beats[name] += some
        latency = max((int(vectors.inputs["memory_latency"][index]) for index in which), default=1)
        expect = {
            "o": sum(_beats_of(arch, kept) for index in which for kept in vectors.item("expected", "kept", index)),
            "request": len(beats["data"]),
            "row": sum(_fetched(arch, vectors, index) for index in which),
        }
        return Stimulus(beats=beats, expect=expect, after={"data": ("request", latency)})

    def _beats(self, arch: Arch, vectors: Vectors, index: int) -> dict[str, list[int]]:
        """Return the beats of one script."""
        lanes, topk, size = arch.importance.lanes, arch.topk, arch.dram.granule_bytes
        command, gather = codec(cascade_command(topk)), codec(gather_command(arch.gather))
        layouts = {
            "probability": codec(packed_beat(lanes, unsigned(arch.softmax.probability_bits))),
            "output": codec(packed_beat(lanes, signed(arch.number.output_bits))),
        }
        beats: dict[str, list[int]] = {"command": [], "probability": [], "output": [], "fetch": []}
        for step, queries in _steps(vectors, index):
            told = {name: step[name] for name in ("op", "heads", "n", "k", "seed", "pin", "fetch")}
            beats["command"].append(command.pack(told))
            if step["row_bytes"]:
                beats["fetch"].append(
                    gather.pack({"base": int(vectors.inputs["base"][index]), "row_bytes": step["row_bytes"]})
                )
            name = "output" if step["heads"] else "probability"
            for place, query in enumerate(queries):
                ends = not step["heads"] or place == len(queries) - 1
                beats[name] += packed(layouts[name], lanes, query, ends)
        data = vectors.item("inputs", "data", index).astype(np.uint8).reshape(-1, size)
        return {**beats, "data": [int.from_bytes(granule.tobytes(), "little") for granule in data]}

    def awaited(self, arch: Arch, vectors: Vectors, which: Sequence[int]) -> Mapping[str, Awaited]:
        """Return the numbers of what each PRUNE keeps, its requests, of which golden tells no channel, and vectors."""
        topk, given = arch.topk, vectors.item
        packets = [ids for j in which for ids in in_vectors(given("expected", "ids", j), given("expected", "kept", j))]
        kept = [[{"index": index} for index in ids] for ids in packets]
        request = codec(granule_request(arch.gather, arch.dram))
        counts = request.pack({**request.ones, "channel": 0})
        asked = [
            request.pack({"address": int(a), "channel": 0}) for j in which for a in given("expected", "address", j)
        ]
        rows = [packet for j in which for packet in _vectors(arch, vectors, j)]
        return {
            "o": in_packets(codec(packed_beat(topk.lanes, kept_id(topk))), topk.lanes, kept),
            "request": [(one, counts) for one in asked], "row": gathered_beats(arch, rows),
            **{name: awaited_statuses(code for j in which for code in given("expected", name, j)) for name in _EVENTS},
        }  # fmt: skip

    def observed(
        self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record
    ) -> Sequence[Mapping[str, Array]]:
        """Return the numbers of what each PRUNE kept, the addresses asked for, and the vectors that came."""
        packets = _scripts_packets(arch, vectors, which, record)
        requests, layout = codec(granule_request(arch.gather, arch.dram)), codec(gathered_vector(arch.gather))
        asked = [requests.unpack(payload)["address"] for payload in record.payloads("request")]
        came = [layout.unpack(payload) for payload in record.payloads("row")]
        asks = [0, *accumulate(len(vectors.item("expected", "address", index)) for index in which)]
        fetched = [0, *accumulate(_fetched(arch, vectors, index) for index in which)]
        codes = {name: _codes(vectors, which, record, name) for name in _EVENTS}
        return [
            {
                **{name: some[place] for name, some in codes.items()},
                "ids": np.array([item["index"] for items, _ in some for item in items], dtype=np.int64),
                "kept": np.array([len(items) for items, _ in some], dtype=np.int64),
                "address": np.array(asked[begin:end], dtype=np.int64),
                "row": np.array([b for one in came[first:last] for b in one["data"][: one["count"]]], dtype=np.int64),
            }
            for place, (some, (begin, end), (first, last)) in enumerate(
                zip(packets, pairwise(asks), pairwise(fetched), strict=True)
            )
        ]

    def work(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, Array]]:
        """Return the sizes that the engine's probe reported for the PRUNEs of each script."""
        prunes = [0, *accumulate(_searched(vectors, index) for index in which)]
        sizes = probed_sizes(arch.topk, prunes[-1], record)
        return [
            {"sizes": np.array([size for some in sizes[first:last] for size in some], dtype=np.int64)}
            for first, last in pairwise(prunes)
        ]

    def cycles(self, arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> Sequence[Mapping[str, int]]:
        """Return the cycles from a script's first command in to its last numbers out; -1 where they are missing."""
        commands = [0, *accumulate(len(vectors.item("inputs", "op", index)) for index in which)]
        came, counted = record.cycles_of("command"), []
        for place, packets in enumerate(_scripts_packets(arch, vectors, which, record)):
            whole = len(packets) == len(vectors.item("expected", "kept", which[place])) and commands[place] < len(came)
            counted.append({"total": packets[-1][1] - came[commands[place]] + 1 if whole and packets else -1})
        return counted


def _beats_of(arch: Arch, kept: int) -> int:
    return max(1, -(-int(kept) // arch.topk.lanes))


def _searched(vectors: Vectors, index: int) -> int:
    """Return how many PRUNEs of a script the engine selects for: all but illegal ones."""
    prunes = vectors.item("work", "op", index) == len(CascadeOp) - 1
    return int((prunes & (vectors.item("work", "illegal", index) == 0)).sum())


def _codes(vectors: Vectors, which: Sequence[int], record: Record, event: str) -> list[Array]:
    """Return the codes of each script: as many as there should be, and what is left over with the last one."""
    layout = codec(status())
    codes = [layout.unpack(payload)["code"] for _, payload in record.events[event]]
    ends = [0, *accumulate(len(vectors.item("expected", event, index)) for index in which)]
    ends[-1] = max(ends[-1], len(codes))
    return [np.array(codes[first:end], dtype=np.int64) for first, end in pairwise(ends)]


def _fetched(arch: Arch, vectors: Vectors, index: int) -> int:
    """Return how many vectors a script gives out."""
    return sum(map(len, _vectors(arch, vectors, index)))


def _vectors(arch: Arch, vectors: Vectors, index: int) -> Iterator[list[list[int]]]:
    """Yield the vectors of each PRUNE that fetches: one without bytes where none is kept or can be fetched."""
    data = vectors.item("expected", "row", index)
    for size, tokens in zip(
        vectors.item("inputs", "row_bytes", index), vectors.item("work", "kept", index), strict=True
    ):
        many = int(tokens) if size <= arch.gather.max_row_bytes else 0
        if size:
            yield in_vectors(data[: size * many], [int(size)] * many or [0])
            data = data[size * many :]


def _scripts_packets(arch: Arch, vectors: Vectors, which: Sequence[int], record: Record) -> list[list[Packet]]:
    """Return what each PRUNE of each script gave out."""
    packets = packets_of(packed_beat(arch.topk.lanes, kept_id(arch.topk)), record, "o")
    ends = [0, *accumulate(len(vectors.item("expected", "kept", index)) for index in which)]
    return [packets[first:last] for first, last in pairwise(ends)]


def _steps(vectors: Vectors, index: int) -> Iterator[tuple[dict[str, int], Array]]:
    """Yield the commands of a script, each with the queries that follow it."""
    elements = vectors.item("inputs", "elements", index)
    for values in zip(*(vectors.item("inputs", name, index) for name in _FIELDS), strict=True):
        step = dict(zip(_FIELDS, map(int, values), strict=True))
        size = step["rows"] * step["width"]
        yield {**step, "op": tuple(CascadeOp)[step["op"]].value}, elements[:size].reshape(step["rows"], step["width"])
        elements = elements[size:]
