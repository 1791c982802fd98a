"""Pictures of a small run of every unit, for its page: ``python -m tokensieve.pages.waves [FOLDER] [UNIT ...]``."""

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokensieve.arch.machine import Arch
from tokensieve.report.waveform import Wave, waveform_svg
from tokensieve.verify.units import UNITS, find_unit
from tokensieve.verify.units.base import Unit, with_fields
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.case import Record

FOLDER = Path("docs/reference/units/img")

_VECTORS, _SEED = 24, 3
_WIDEST = 64
"""Most cycles in a picture, if a vector is as short as that."""

_LIMIT, _STALL = 4000, 3
"""Cycles after which a run is given up; cycles for which the first beat of an output waits."""


def small_arch() -> Arch:
    """Return a machine whose units are small enough to be drawn."""
    arch = with_fields(Arch(), "topk", lanes=4, max_tokens=12)
    arch = with_fields(arch, "softmax", lanes=4, probability_bits=8)
    arch = with_fields(arch, "importance", lanes=4)
    arch = with_fields(arch, "pruner", max_tokens=12, keep=6, score_bits=8, id_bits=8, count_stages=1)
    return with_fields(arch, "topk", score_bits=8)


def drawn() -> tuple[str, ...]:
    """Return the units that have streams of ours: not the AXI wrappers, in which the same units work."""
    return tuple(name for name in UNITS if not name.startswith("axi-"))


def pictures(units: Sequence[str]) -> dict[str, str]:
    """Return the SVG text of each unit by name; of a unit with engines, also that of each engine by its name.

    The picture of a unit with engines is of two vectors, the second one going in while the first one comes out.
    """
    found: dict[str, str] = {}
    for name in units:
        unit = find_unit(name)
        if len(unit.engines()) > 1:
            found[name] = picture(unit, unit.engines()[0], together=2)
        for engine in unit.engines():
            found[engine or name] = picture(unit, engine)
    return found


def picture(unit: Unit, engine: str, together: int = 1) -> str:
    """Return the SVG text of one vector, or of a few back to back, with a beat of each output made to wait."""
    from tokensieve.rtl.flow.amsim import run
    from tokensieve.rtl.flow.case import case

    arch = unit.arch(small_arch(), engine)
    vectors, harness = unit.vectors(arch, _VECTORS, _SEED, "uniform"), unit.harness()
    component = harness.component(arch)
    stimuli = [harness.stimulus(arch, vectors, [index]) for index in range(_VECTORS)]
    plain = run(component, [case(stimulus, limit=_LIMIT) for stimulus in stimuli], fill=False)
    which = _chosen(unit, vectors, plain, together)
    stimulus = harness.stimulus(arch, vectors, which)
    stalls: dict[str, list[bool]] = {}
    (record,) = run(component, [case(stimulus, limit=_LIMIT)], fill=False)
    for name, count in stimulus.expect.items():  # one after the other: a stream that waits moves the next one's beats
        if count:
            stalls[name] = [False] * record.cycles_of(name)[0] + [True] * _STALL
            (record,) = run(component, [case(stimulus, stalls=stalls, limit=_LIMIT)], fill=False)
    return waveform_svg(" ".join(filter(None, [unit.name, engine])), _waves(component, record))


def _chosen(unit: Unit, vectors: Vectors, records: "Sequence[Record]", together: int) -> list[int]:
    """Return the vectors to draw: of those that show what the unit is for, the longest that fit, the last of these.

    Where none fits, the shortest.
    """
    shows = _SHOWS.get(unit.name)
    telling = [number for number in range(len(records)) if shows is None or shows(vectors, number)]
    room = _WIDEST // together - _STALL
    fitting = [number for number in telling if records[number].cycles <= room]
    if len(fitting) < together:
        return sorted(telling, key=lambda number: records[number].cycles)[:together]
    return sorted(fitting, key=lambda number: (records[number].cycles, number))[-together:]


def _keeps_some(vectors: Vectors, index: int) -> bool:
    """Return whether a selection keeps some and drops some."""
    return 0 < int(vectors.inputs["k"][index]) < int(vectors.inputs["n"][index])


def _prunes(vectors: Vectors, index: int) -> bool:
    """Return whether a script of the cascade pruner drops some of what is alive, and fetches what it keeps."""
    steps = zip(*(vectors.item("work", name, index) for name in ("kept", "offered")), strict=True)
    return any(0 < kept < offered for kept, offered in steps) and bool(len(vectors.item("expected", "address", index)))


def _asks(vectors: Vectors, index: int) -> bool:
    """Return whether the decision asks for the LSBs of some rows and not of others."""
    return len(set(vectors.item("expected", "refetch", index).tolist())) == 2


_SHOWS: dict[str, Callable[[Vectors, int], bool]] = {
    "topk": _keeps_some, "local-value-pruner": _keeps_some, "cascade-pruner": _prunes, "requant-decision": _asks,
}  # fmt: skip
"""What a vector must have to teach something about a unit."""


def _waves(component: Any, record: "Record") -> list[Wave]:
    from tokensieve.rtl.flow.pack import codec
    from tokensieve.rtl.flow.ports import ports_of

    ports = ports_of(component)
    waves = []
    for port in ports.watched:
        probe = port in ports.events
        moves = record.events[port.name] if probe else record.transfers[port.name]
        layout = codec(getattr(component, port.name).payload.shape())
        cycles = {cycle for cycle, _ in moves}
        valid = [cycle in cycles for cycle in range(record.cycles)] if probe else list(record.valid[port.name])
        ready = None if probe else list(record.ready[port.name])
        payloads = [words(layout.unpack(payload)) for _, payload in moves]
        if moves or not probe:
            waves.append(Wave(name=port.name, valid=valid, ready=ready, payloads=payloads))
    return waves


def words(value: Any, empty: Collection[int] = ()) -> str:
    """Return a payload in a few words; lanes that hold nothing, by `count` or `mask`, stand in brackets.

    >>> words({"n": 3, "scores": [7, 0], "items": [{"index": 0, "score": 9}, {"index": 4, "score": 8}], "count": 1})
    'n=3 scores=(7 0) items=(index:score 0:9 [4:8]) count=1'
    """
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_inner(one, _empty(value) if name in _LANES else ())}" for name, one in value.items())
    if isinstance(value, Sequence):
        plain = [one for one in value if isinstance(one, Mapping)]
        head = [":".join(plain[0])] if plain else []
        told = [":".join(map(_inner, one.values())) if plain else _inner(one) for one in value]
        return " ".join([*head, *(f"[{one}]" if lane in empty else one for lane, one in enumerate(told))])
    return str(value) if abs(value) < 1 << 20 else hex(value)


_LANES = ("items", "data")
"""Fields with a lane for each item, of which `count` or `mask` says which ones count."""


def _empty(beat: Mapping[str, Any]) -> Collection[int]:
    """Return the lanes of a beat that hold nothing."""
    lanes = range(max(len(beat.get(name, ())) for name in _LANES))
    if "count" in beat:
        return lanes[beat["count"] :]
    return [lane for lane in lanes if not beat.get("mask", -1) >> lane & 1]


def _inner(value: Any, empty: Collection[int] = ()) -> str:
    return f"({words(value, empty)})" if isinstance(value, (Mapping, Sequence)) else words(value)


def main(arguments: Sequence[str]) -> None:
    """Write the pictures of the units named, or of all."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for unit in arguments[1:] or drawn():
        for name, text in pictures([unit]).items():
            (folder / f"{name}.svg").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
