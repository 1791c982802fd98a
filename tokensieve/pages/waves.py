"""Pictures of a small run of every unit, for its page: ``python -m tokensieve.pages.waves [FOLDER] [UNIT ...]``."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokensieve.arch.machine import Arch
from tokensieve.report.waveform import Wave, waveform_svg
from tokensieve.verify.units import UNITS, find_unit
from tokensieve.verify.units.base import Unit, with_fields

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
    return with_fields(arch, "topk", score_bits=8)


def drawn() -> tuple[str, ...]:
    """Return the units that have streams of ours: not the AXI wrappers, in which the same units work."""
    return tuple(name for name in UNITS if not name.startswith("axi-"))


def pictures(units: Sequence[str]) -> dict[str, str]:
    """Return the SVG text of each unit by name; of a unit with engines, also that of each engine by its name."""
    found: dict[str, str] = {}
    for name in units:
        unit = find_unit(name)
        for engine in unit.engines():
            text = picture(unit, engine)
            found.setdefault(name, text)
            found.setdefault(engine or name, text)
    return found


def picture(unit: Unit, engine: str) -> str:
    """Return the SVG text of one vector, with the first beat of each output made to wait."""
    from tokensieve.rtl.flow.amsim import run
    from tokensieve.rtl.flow.case import case

    arch = unit.arch(small_arch(), engine)
    vectors, harness = unit.vectors(arch, _VECTORS, _SEED, "uniform"), unit.harness()
    component = harness.component(arch)
    stimuli = [harness.stimulus(arch, vectors, [index]) for index in range(_VECTORS)]
    plain = run(component, [case(stimulus, limit=_LIMIT) for stimulus in stimuli], fill=False)
    index = _longest_that_fits(plain)
    stalls = {
        name: [False] * plain[index].cycles_of(name)[0] + [True] * _STALL
        for name, count in stimuli[index].expect.items()
        if count
    }
    (record,) = run(component, [case(stimuli[index], stalls=stalls, limit=_LIMIT)], fill=False)
    return waveform_svg(" ".join(filter(None, [unit.name, engine])), _waves(component, record))


def _longest_that_fits(records: "Sequence[Record]") -> int:
    """Return the number of the longest of `records` that can be drawn, the last of these: corners come first."""
    fitting = [number for number, record in enumerate(records) if record.cycles <= _WIDEST - _STALL]
    if not fitting:
        return min(range(len(records)), key=lambda number: records[number].cycles)
    return max(fitting, key=lambda number: (records[number].cycles, number))


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


def words(value: Any) -> str:
    """Return a payload in a few words.

    >>> words({"n": 3, "scores": [7, 0], "items": [{"index": 0, "score": 9}, {"index": 4, "score": 8}]})
    'n=3 scores=(7 0) items=(index:score 0:9 4:8)'
    """
    if isinstance(value, Mapping):
        return " ".join(f"{name}={_inner(one)}" for name, one in value.items())
    if isinstance(value, Sequence):
        plain = [one for one in value if isinstance(one, Mapping)]
        head = [":".join(plain[0])] if plain else []
        return " ".join([*head, *(":".join(map(_inner, one.values())) if plain else _inner(one) for one in value)])
    return str(value) if abs(value) < 1 << 20 else hex(value)


def _inner(value: Any) -> str:
    return f"({words(value)})" if isinstance(value, (Mapping, Sequence)) else words(value)


def main(arguments: Sequence[str]) -> None:
    """Write the pictures of the units named, or of all."""
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pictures(arguments[1:] or drawn()).items():
        (folder / f"{name}.svg").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
