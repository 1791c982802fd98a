"""Cases and records as files between this process and the simulator's. Payloads are written in hexadecimal."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tokensieve.rtl.flow.case import Bits, Case, Port, Ports, Record, Transfers


def write_cases(path: Path, ports: Ports, cases: Sequence[Case]) -> None:
    """Write ports and cases to `path`."""
    path.write_text(json.dumps({"ports": asdict(ports), "cases": [_of_case(case) for case in cases]}))


def _of_case(case: Case) -> dict[str, Any]:
    return {
        "beats": {name: [f"{beat:x}" for beat in beats] for name, beats in case.beats.items()},
        "expect": dict(case.expect),
        "after": {name: list(link) for name, link in case.after.items()},
        "constants": {name: f"{value:x}" for name, value in case.constants.items()},
        "gaps": {name: [int(gap) for gap in gaps] for name, gaps in case.gaps.items()},
        "stalls": {name: "".join("01"[bool(bit)] for bit in bits) for name, bits in case.stalls.items()},
        "resets": [int(cycles) for cycles in case.resets],
        "tail": case.tail,
        "limit": case.limit,
    }


def read_cases(path: Path) -> tuple[Ports, list[Case]]:
    """Return what `write_cases` wrote."""
    told = json.loads(path.read_text())
    ports = {kind: tuple(Port(**port) for port in listed) for kind, listed in told["ports"].items()}
    return Ports(**ports), [_to_case(data) for data in told["cases"]]


def _to_case(data: Mapping[str, Any]) -> Case:
    return Case(
        beats={name: [int(beat, 16) for beat in beats] for name, beats in data["beats"].items()},
        expect=data["expect"],
        after={name: (request, latency) for name, (request, latency) in data["after"].items()},
        constants={name: int(value, 16) for name, value in data["constants"].items()},
        gaps=data["gaps"],
        stalls={name: [bit == "1" for bit in bits] for name, bits in data["stalls"].items()},
        resets=tuple(data["resets"]),
        tail=data["tail"],
        limit=data["limit"],
    )


def write_records(path: Path, records: Sequence[Record]) -> None:
    """Write `records` to `path`."""
    path.write_text(json.dumps([_of_record(record) for record in records]))


def _of_record(record: Record) -> dict[str, Any]:
    return {
        "transfers": {name: _hex(moves) for name, moves in record.transfers.items()},
        "events": {name: _hex(moves) for name, moves in record.events.items()},
        "valid": {name: _packed(bits) for name, bits in record.valid.items()},
        "ready": {name: _packed(bits) for name, bits in record.ready.items()},
        "broken": record.broken,
        "cycles": record.cycles,
        "complete": record.complete,
    }


def read_records(path: Path) -> list[Record]:
    """Return what `write_records` wrote."""
    return [_to_record(data) for data in json.loads(path.read_text())]


def _to_record(data: Mapping[str, Any]) -> Record:
    cycles = data["cycles"]
    return Record(
        transfers={name: _whole(moves) for name, moves in data["transfers"].items()},
        events={name: _whole(moves) for name, moves in data["events"].items()},
        valid={name: _unpacked(text, cycles) for name, text in data["valid"].items()},
        ready={name: _unpacked(text, cycles) for name, text in data["ready"].items()},
        broken=tuple((cycle, stream) for cycle, stream in data["broken"]),
        cycles=cycles,
        complete=data["complete"],
    )


def _hex(moves: Transfers) -> list[tuple[int, str]]:
    return [(cycle, f"{payload:x}") for cycle, payload in moves]


def _whole(moves: Sequence[tuple[int, str]]) -> Transfers:
    return tuple((cycle, int(payload, 16)) for cycle, payload in moves)


def _packed(bits: Bits) -> str:
    return np.packbits(bits).tobytes().hex()


def _unpacked(text: str, cycles: int) -> Bits:
    return np.unpackbits(np.frombuffer(bytes.fromhex(text), np.uint8), count=cycles).astype(np.bool_)
