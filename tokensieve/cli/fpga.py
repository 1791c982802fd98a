"""``tokensieve fpga build``: from a unit's parameters to a bitstream for a board; ``estimate``: what it would take."""

import json as json_text
import sys
from dataclasses import asdict
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.arch.errors import CheckError, TokensieveError
from tokensieve.cli.options import (
    ArchOption,
    JsonOption,
    QuietOption,
    SeedOption,
    SetOption,
    arch_file,
    examples,
    say,
    width,
)

if TYPE_CHECKING:
    from tokensieve.rtl.flow.bitstream.request import Asked
    from tokensieve.rtl.flow.bitstream.synthesis import Netlist

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Link(StrEnum):
    """Kinds of port to the host."""

    UART = "uart"
    PARALLEL = "parallel"


@app.callback()
def fpga() -> None:
    """Put a unit on an FPGA."""


_PRUNER = "tokensieve fpga build fixed-length-pruner"

UnitArgument = Annotated[str, typer.Argument(metavar="UNIT", help="fixed-length-pruner or topk.")]
DeviceOption = Annotated[
    str, typer.Option("--device", metavar="NAME", help="ecp5-85k|45k|25k, ice40-hx8k|up5k or gw2a-18c.")
]
BoardOption = Annotated[
    str | None, typer.Option("--board", metavar="NAME", help="Board; the usual one of the device unless given.")
]
LinkOption = Annotated[Link, typer.Option("--link", help="Port to the host (fixed-length-pruner).")]
BaudOption = Annotated[
    int, typer.Option("--baud", metavar="B", min=1200, max=12_000_000, help="Bits a second of the UART.")
]
NativeOption = Annotated[
    bool, typer.Option("--native", help="Take Yosys and nextpnr from PATH where they are new enough.")
]


@app.command(
    epilog=examples(
        f"{_PRUNER} --device ecp5-85k --set pruner.max_tokens=128 --set pruner.keep=64 --seeds 3 --out build",
        f"{_PRUNER} --device ice40-hx8k --set pruner.max_tokens=64 --set pruner.engines=1 --out build",
    )
)
def build(
    unit: UnitArgument,
    device: DeviceOption,
    out: Annotated[str, typer.Option("-o", "--out", metavar="DIR", help="Folder for bitstream and report.")],
    arch: ArchOption = "spatten",
    sets: SetOption = None,
    board: BoardOption = None,
    link: LinkOption = Link.UART,
    baud: BaudOption = 1_000_000,
    seeds: Annotated[int, typer.Option("--seeds", metavar="N", min=1, max=100, help="Placements to choose from.")] = 1,
    clock: Annotated[
        float | None,
        typer.Option(
            "--clock",
            metavar="MHZ",
            min=4.0,
            max=400.0,
            help="Clock to meet; 0.95 x that of the worst seed unless given. Exit code 1 if it is missed.",
        ),
    ] = None,
    check: Annotated[
        int,
        typer.Option(
            "--check", metavar="N", min=0, help="Also simulate the netlist with N sequences, as `check` does."
        ),
    ] = 0,
    native: NativeOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Build a bitstream: Verilog, Yosys, nextpnr with each seed, PLL, nextpnr again, packer.

    All cells and clocks are those of the whole design on a board's pins. Exit code 1 if the clock is missed, or if
    memories or multipliers in the netlist are not those of the design, or it answers wrongly where it is checked.
    """  # fmt: skip
    _require_packages("fpga,rtl" if check else "fpga")
    from tokensieve.arch import load_arch
    from tokensieve.report.bitstream import page
    from tokensieve.report.files import check_apart, check_folder, write_folder
    from tokensieve.rtl.flow.bitstream.build import build as run
    from tokensieve.rtl.flow.bitstream.request import Request, asked
    from tokensieve.rtl.flow.bitstream.result import as_object, files, stale

    folder = _folder(out)
    check_folder(folder)
    wanted = asked(
        Request(
            unit=unit, arch=load_arch(arch, sets or ()), device=device, board=board, link=link.value, baud=baud,
            seeds=seeds, clock_mhz=clock, native=native,
        )
    )  # fmt: skip
    if check:
        from tokensieve.verify.netlist import checkable

        checkable(wanted)
    check_folder(folder, _names(wanted))
    _note(wanted, quiet)
    built = run(wanted.plan, partial(_tell, quiet))
    made, bitstream = files(wanted, built)
    told = {**as_object(wanted, built), "bitstream": None if bitstream is None else str(folder / bitstream)}
    text = page(told, width())
    made |= {"report.json": (json_text.dumps(told, indent=2) + "\n").encode(), "report.txt": f"{text}\n".encode()}
    check_apart([folder / name for name in made], "--out", {"--arch": arch_file(arch)})
    for name in stale(wanted, made):
        (folder / name).unlink(missing_ok=True)
    write_folder(folder, made)
    if json:
        print(json_text.dumps(told, indent=2))
    elif not quiet:
        say(f"{text}\n\nfiles in {folder}: {', '.join(made)}")
    _require(told)
    if check:
        _check(wanted, built.netlist, float(built.setting.mhz), check, 1, json=False, quiet=json or quiet)


@app.command(
    epilog=examples(
        "tokensieve fpga check fixed-length-pruner --device ice40-hx8k --link parallel --set pruner.max_tokens=64 "
        "--set pruner.keep=32 --set pruner.engines=1"
    )
)
def check(
    unit: UnitArgument,
    device: DeviceOption,
    arch: ArchOption = "spatten",
    sets: SetOption = None,
    board: BoardOption = None,
    link: LinkOption = Link.UART,
    baud: BaudOption = 1_000_000,
    clock: Annotated[
        float | None,
        typer.Option("--clock", metavar="MHZ", min=4.0, max=400.0, help="Clock that it is for; sets the UART's bits."),
    ] = None,
    sequences: Annotated[
        int, typer.Option("-n", "--sequences", metavar="N", min=1, max=100_000, help="Sequences to send.")
    ] = 30,
    seed: SeedOption = 1,
    native: NativeOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Simulate the netlist that place and route takes: golden's sequences through the host link, on Verilator.

    The netlist is the family's cells, with models of Yosys and of this package; the PLL alone is a wire. Exit code 1 if
    an answer differs. Of the sequences, those that are too long for a frame are left out.
    """
    _require_packages("fpga,rtl")
    from tokensieve.arch import load_arch
    from tokensieve.rtl.flow.bitstream.build import netlist_alone
    from tokensieve.rtl.flow.bitstream.request import Request, asked
    from tokensieve.verify.netlist import checkable

    wanted = asked(
        Request(
            unit=unit, arch=load_arch(arch, sets or ()), device=device, board=board, link=link.value, baud=baud,
            seeds=1, clock_mhz=clock, native=native, netlist_only=True,
        )
    )  # fmt: skip
    checkable(wanted)
    _note(wanted, quiet)
    netlist, mhz = netlist_alone(wanted.plan, partial(_tell, quiet))
    _tell(quiet, "simulation of the netlist, Verilator")
    _check(wanted, netlist, mhz, sequences, seed, json=json, quiet=quiet)


def _check(
    wanted: "Asked", netlist: "Netlist", mhz: float, sequences: int, seed: int, *, json: bool, quiet: bool
) -> None:
    """Simulate a netlist, say what it answered, and raise `CheckError` for a wrong answer."""
    from tokensieve.verify.netlist import check_netlist

    told = check_netlist(wanted, netlist, mhz, sequences, seed)
    if json:
        print(json_text.dumps({"unit": wanted.unit.name, "device": wanted.plan.device.name, **asdict(told)}, indent=2))
    elif not quiet:
        say(f"netlist: {told.sequences:,} sequences, {told.mismatches:,} mismatches, {told.cycles:,} cycles")
    if told.mismatches:
        raise CheckError(f"the netlist answers {told.mismatches} of {told.sequences} sequences wrongly")


@app.command(
    epilog=examples(
        "tokensieve fpga estimate topk --device ecp5-85k --arch sieve",
        "tokensieve fpga estimate fixed-length-pruner --device ice40-hx8k --set pruner.max_tokens=64 "
        "--set pruner.keep=32 --set pruner.engines=1",
        "tokensieve fpga estimate topk --device ecp5-25k --set topk.engine=bitserial --set topk.lanes=4 --json",
    )
)
def estimate(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="topk (of an ECP5), or fixed-length-pruner.")],
    device: Annotated[str, typer.Option("--device", metavar="NAME", help="As in `build`.")] = "ecp5-85k",
    arch: ArchOption = "spatten",
    sets: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Say what a unit would take of an FPGA; no tool is run.

    Of a top-k engine by a model that is fitted to recorded runs, with its clock; of the fixed-length pruner with its
    host link by bounds, without one. A sweep has the figures of the former as columns and in constraints: fpga.lut,
    fpga.ff, fpga.bram, fpga.dsp, fpga.fmax_mhz.
    """  # fmt: skip
    from tokensieve.arch import load_arch
    from tokensieve.arch.fpga_model import require_modelled
    from tokensieve.report.fpga import estimate_object, estimate_page, pruner_object, pruner_page
    from tokensieve.rtl.flow.bitstream.devices import find_device

    found = find_device(device)
    have = {"lut": found.lut, "ff": found.ff, "bram": found.bram, "dsp": found.dsp}
    if unit == "fixed-length-pruner":
        have["memory_bits"] = found.bram * found.bram_bits
        told = pruner_object(load_arch(arch, sets or ()).pruner, found.name, found.family, have)
        print(json_text.dumps(told, indent=2)) if json else say(pruner_page(told, width()))
        return
    require_modelled(unit, found.name)
    told = estimate_object(load_arch(arch, sets or ()).topk, found.name, have)
    print(json_text.dumps(told, indent=2)) if json else say(estimate_page(told, width()))


def _require_packages(extras: str) -> None:
    """Raise `ToolError` with all extras that the command needs if Amaranth, which each brings, is missing."""
    from tokensieve.rtl.flow.tools import version_of

    version_of("amaranth", extras)


def _folder(out: str) -> Path:
    """Return the folder that `--out` names."""
    if not out:
        raise TokensieveError("--out must name a folder, got ''")
    return Path(out)


def _names(wanted: "Asked") -> list[str]:
    """Return the names of all files that may be written."""
    from tokensieve.rtl.flow.bitstream.place import PINS_SUFFIX, SUFFIX

    family = wanted.plan.device.family
    ends = (".v", PINS_SUFFIX[family], SUFFIX[family])
    return ["report.json", "report.txt", *(f"{wanted.unit.name}{end}" for end in ends)]


def _note(wanted: "Asked", quiet: bool) -> None:
    """Print which tools were taken otherwise than `--native` asks."""
    for note in wanted.plan.chain.notes:
        _tell(quiet, note)


def _tell(quiet: bool, text: str) -> None:
    """Print a line of progress."""
    if not quiet:
        print(f"fpga: {text}", file=sys.stderr, flush=True)


def _require(told: dict[str, Any]) -> None:
    """Raise `CheckError` for a clock that was missed, or for counts that differ."""
    differ = [one["what"] for one in told["checks"] if not one["holds"]]
    if differ:
        raise CheckError(f"the netlist is not the design's: {', '.join(differ)} differ")
    if not told["timing_met"]:
        raise CheckError(f"timing is missed: {told['clock_mhz']} MHz asked for, Fmax {told['fmax_mhz']} MHz")
