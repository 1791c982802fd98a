"""``tokensieve cosim``: a unit's hardware against golden, law and twin."""

import json as json_text
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import ArchOption, JsonOption, SeedOption, SetOption, say
from tokensieve.cli.reduced import own_arch

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.rtl.flow.mutants.base import Mutant
    from tokensieve.verify.cosim import Cosim
    from tokensieve.verify.request import Request
    from tokensieve.verify.units import Unit

app = typer.Typer(add_completion=False, rich_markup_mode=None)

ALL = "all"
"""Stands for every unit with every engine."""


class Simulator(StrEnum):
    """What runs the hardware."""

    VERILATOR = "verilator"
    AMARANTH = "amaranth"


@app.command()
def cosim(
    unit: Annotated[str | None, typer.Argument(metavar="[UNIT|all]", help="Unit, or all of them.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List units, engines and mutants, and leave.")] = False,
    vectors: Annotated[
        int, typer.Option("--vectors", metavar="N", min=1, max=100_000, help="Vectors of each unit and engine.")
    ] = 100,
    seed: SeedOption = 1,
    scores: Annotated[
        str | None, typer.Option("--scores", metavar="NAME", help="Distribution of all scores; mixed unless given.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="E", help="Engine, or all; topk.engine unless given.")
    ] = None,
    arch: ArchOption = "spatten",
    sets: SetOption = None,
    mutant: Annotated[
        str | None, typer.Option("--mutant", metavar="NAME", help="Plant a fault (--list). It must be found.")
    ] = None,
    waves: Annotated[bool, typer.Option("--waves", help="Write a wave file here and print its path.")] = False,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="Count lines, toggles and situations; one that is missing fails the run.")
    ] = False,
    simulator: Annotated[
        Simulator, typer.Option("--simulator", help="Amaranth's own needs no compiler, and suits small sizes.")
    ] = Simulator.VERILATOR,
    json: JsonOption = False,
) -> None:
    """Run a unit's hardware on golden's vectors, and compare answers, work, cycles and every transfer.

    Exit code 1 on any difference, and with --coverage if there is a situation that no case was in. Builds are kept, so
    that the next run with the same hardware starts at once.
    """
    if listed:
        _list(json)
        return
    if unit is None:
        raise typer.BadParameter(f"name a unit, or {ALL!r}; --list shows them")
    from dataclasses import replace

    from tokensieve.verify.cosim import cosim as run

    requests = _requests(unit, engine, arch, sets or [], mutant)
    for request in requests:
        own_arch(request.unit, request.arch, request.engine, sets or [], every=ALL in (unit, engine))
    folder = Path.cwd()
    told = []

    def tell(what: str) -> None:
        print(what, file=sys.stderr, flush=True)

    for request in requests:
        asked = replace(
            request, count=vectors, seed=seed, scores=scores, simulator=simulator.value,
            waves=folder / _file_name(request) if waves else None, coverage=coverage,
        )  # fmt: skip
        told.append(run(asked, tell))
        _tell(told[-1], sys.stderr if json else sys.stdout)
    if json:
        objects = [one.as_object() for one in told]
        print(json_text.dumps({"results": objects}, indent=2))
    if any(one.differences or one.missing for one in told):
        raise typer.Exit(1)


def _requests(name: str, engine: str | None, arch: str, sets: list[str], mutant: str | None) -> "list[Request]":
    """Return one request for each unit and engine that were asked for; of a faulty unit, one."""
    from tokensieve.arch import load_arch
    from tokensieve.verify.request import Request
    from tokensieve.verify.units import UNITS, find_engine, find_unit

    machine = load_arch(arch, sets)
    if mutant is not None:
        from tokensieve.rtl.flow.mutants.base import find_mutant

        unit, fault = find_unit(name), find_mutant(name, mutant)
        own = find_engine(unit, _faulty_engine(fault, engine), machine)
        return [Request(unit=unit, engine=own, arch=_faulty_arch(fault, unit, machine), count=1, seed=0, fault=fault)]
    units = [find_unit(one) for one in UNITS] if name == ALL else [find_unit(name)]
    return [
        Request(unit=unit, engine=one, arch=machine, count=1, seed=0)
        for unit in units
        for one in _engines(unit, ALL if engine is None and name == ALL else engine, machine)
    ]


def _engines(unit: "Unit", engine: str | None, machine: "Arch") -> tuple[str, ...]:
    """Return the engines that were asked for: that of the machine unless one is named, or all."""
    from tokensieve.verify.units import every_engine, find_engine

    return every_engine(unit) if engine == ALL else (find_engine(unit, engine, machine),)


def _faulty_engine(fault: "Mutant", engine: str | None) -> str | None:
    """Return the engine to plant a fault in: the one it lies in, or the one asked for, if any."""
    if fault.engine and engine not in (None, fault.engine):
        raise typer.BadParameter(f"mutant {fault.name} lies in engine {fault.engine}, got --engine {engine}")
    return fault.engine or engine


def _faulty_arch(fault: "Mutant", unit: "Unit", machine: "Arch") -> "Arch":
    """Return the machine to plant a fault in: with the part that it lies in, unless it has that."""
    from tokensieve.verify.units.base import with_fields

    section = getattr(machine, unit.groups[0])
    kinds = type(section).model_fields
    lacks = {name: value for name, value in fault.fields if getattr(section, name) == kinds[name].default}
    return with_fields(machine, unit.groups[0], **lacks) if lacks else machine


def _file_name(request: "Request") -> str:
    return "-".join(filter(None, [request.unit.name, request.engine])) + ".vcd"


def _tell(one: "Cosim", stream: Any) -> None:
    """Print the outcome for one unit and engine."""
    name = " ".join(filter(None, [one.unit, one.engine]))
    planted = f", mutant {one.mutant}" if one.mutant else ""
    lines = [
        f"{name} on {one.simulator}{planted}: {'differs' if one.differences else 'equal'}",
        f"  vectors {one.vectors}, mismatches {one.mismatches}, differences in work {one.work_differences}",
        f"  cycles RTL {one.rtl_cycles_total:,} / law {one.law_cycles_total:,}, differences {one.cycle_differences}",
        f"  stalled cases {one.stall_cases}, differences from the twin {one.stall_differences}",
        f"  reset cases {one.reset_cases}, differences {one.reset_differences}",
    ]
    if one.row:
        spans = {"initiation interval": one.row.interval, "latency": one.row.latency}
        spans |= {f"latency of {name}": span for name, span in one.row.latency_of.items()}
        told = ", ".join(f"{name} {' to '.join(map(str, dict.fromkeys(span)))}" for name, span in spans.items())
        lines.append(f"  in a row {one.row.vectors:,}: {told} cycles, differences {one.row.differences}")
    if one.lines:
        lines += [f"  {kind} covered {one.lines[f'{kind}_hit']} of {one.lines[kind]}" for kind in ("lines", "toggles")]
    if one.situations is not None:
        lines += [f"  {bin_name}: {count}" for bin_name, count in one.bins.items()]
        lines += [f"  situation, {situation}: {count}" for situation, count in one.situations.items()]
        lines += [f"  MISSING: no case of {situation!r}; more --vectors may have one" for situation in one.missing]
    lines += [f"  waves {one.waves_file}"] if one.waves_file else []
    print("\n".join(lines), file=stream, flush=True)


def _list(json: bool) -> None:
    """Print units, engines and mutants."""
    from tokensieve.rtl.flow.mutants.base import mutants_of
    from tokensieve.verify.units import UNITS, find_unit

    table = {name: (list(find_unit(name).engines()), [m.name for m in mutants_of(name)]) for name in UNITS}
    if json:
        objects = [
            {"unit": name, "engines": [e for e in engines if e], "mutants": mutants}
            for name, (engines, mutants) in table.items()
        ]
        print(json_text.dumps({"units": objects}, indent=2))
        return
    for name, (engines, mutants) in table.items():
        say(" ".join(filter(None, [name, *engines])))
        say(f"  mutants: {', '.join(mutants) or 'none'}")
