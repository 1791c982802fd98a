"""Beats of a unit as they stand on an AXI4-Stream bus, and back, in plain Python."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tokensieve.rtl.axi import Bus, Piece


def is_axi(component: Any) -> bool:
    """Return whether `component` is an `AxiStreamUnit`; while a fault is planted, its class is another one."""
    return hasattr(component, "buses")


@dataclass(frozen=True)
class Transfer:
    """What stands on a bus in one transfer."""

    data: int
    keep: int
    last: int
    user: int


def on_bus(bus: Bus, payload: int) -> Transfer:
    """Return how `payload` stands on its bus."""
    return Transfer(
        _move(bus.data, payload), _keep(bus, payload), payload >> bus.last & 1 if bus.last is not None else 1,
        _move(bus.user, payload),
    )  # fmt: skip


def off_bus(bus: Bus, transfer: Transfer) -> int:
    """Return the payload that stands on a bus; bits that are nobody's are dropped."""
    payload = _move_back(bus.data, transfer.data) | _move_back(bus.user, transfer.user)
    if bus.last is not None:
        payload |= transfer.last << bus.last
    if bus.keep_field is not None:
        kept = [transfer.keep >> lane * bus.lane_bytes & 1 for lane in range(bus.lanes)]
        told = sum(kept) if bus.keep == "count" else sum(bit << lane for lane, bit in enumerate(kept))
        payload |= told << bus.keep_field.lsb
    return payload


def seen(bus: Bus, transfer: Transfer) -> int:
    """Return the payload that stands on a bus.

    Where TKEEP is what no beat can have, all bits of the mask or count are turned over, so that it is taken for wrong.
    """
    payload = off_bus(bus, transfer)
    if bus.keep_field is not None and not whole_lanes(bus, transfer):
        payload ^= (1 << bus.keep_field.width) - 1 << bus.keep_field.lsb
    return payload


def whole_lanes(bus: Bus, transfer: Transfer) -> bool:
    """Return whether TKEEP is what it may be: all bytes of a lane alike and, for a count, the first lanes."""
    return not bus.keep or transfer.keep == _keep(bus, off_bus(bus, transfer))


def _keep(bus: Bus, payload: int) -> int:
    if bus.keep_field is None:
        return (1 << bus.data_bytes) - 1
    told = payload >> bus.keep_field.lsb & (1 << bus.keep_field.width) - 1
    kept = [told > lane if bus.keep == "count" else told >> lane & 1 for lane in range(bus.lanes)]
    lane = (1 << bus.lane_bytes) - 1
    return sum(lane << place * bus.lane_bytes for place, one in enumerate(kept) if one)


def _move(pieces: Sequence[Piece], payload: int) -> int:
    return sum((payload >> one.lsb & (1 << one.width) - 1) << one.to for one in pieces)


def _move_back(pieces: Sequence[Piece], word: int) -> int:
    return sum((word >> one.to & (1 << one.width) - 1) << one.lsb for one in pieces)


def written(buses: Mapping[str, Bus]) -> str:
    """Return `buses` as text."""
    return json.dumps({name: asdict(bus) for name, bus in buses.items()})


def read(text: str) -> dict[str, Bus]:
    """Return what `written` wrote."""
    return {
        name: Bus(**{key: _field(key, value) for key, value in told.items()}) for name, told in json.loads(text).items()
    }


def _field(key: str, value: Any) -> Any:
    if key in ("data", "user"):
        return tuple(Piece(**one) for one in value)
    return Piece(**value) if key == "keep_field" and value is not None else value
