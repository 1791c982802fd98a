"""``tokensieve fpga build``: from a unit's parameters to a bitstream for a board; ``estimate``: what it would take."""

import json as json_text
import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from tokensieve.arch.errors import CheckError
from tokensieve.cli.options import ArchOption, JsonOption, QuietOption, SetOption, arch_file, examples, say, width

app = typer.Typer(add_completion=False, rich_markup_mode=None)


class Link(StrEnum):
    """Kinds of port to the host."""

    UART = "uart"
    PARALLEL = "parallel"


@app.callback()
def fpga() -> None:
    """Put a unit on an FPGA."""


_PRUNER = "tokensieve fpga build fixed-length-pruner"


@app.command(
    epilog=examples(
        f"{_PRUNER} --device ecp5-85k --set pruner.max_tokens=128 --set pruner.keep=64 --seeds 3 --out build",
        f"{_PRUNER} --device ice40-hx8k --set pruner.max_tokens=64 --set pruner.engines=1 --out build",
    )
)
def build(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="fixed-length-pruner or topk.")],
    device: Annotated[
        str, typer.Option("--device", metavar="NAME", help="ecp5-85k|45k|25k, ice40-hx8k|up5k or gw2a-18c.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="Folder for bitstream and report.")],
    arch: ArchOption = "spatten",
    sets: SetOption = None,
    board: Annotated[
        str | None, typer.Option("--board", metavar="NAME", help="Board; the usual one of the device unless given.")
    ] = None,
    link: Annotated[Link, typer.Option("--link", help="Port to the host (fixed-length-pruner).")] = Link.UART,
    baud: Annotated[
        int, typer.Option("--baud", metavar="B", min=1200, max=12_000_000, help="Bits a second of the UART.")
    ] = 1_000_000,
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
    native: Annotated[
        bool, typer.Option("--native", help="Take Yosys and nextpnr from PATH where they are new enough.")
    ] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Build a bitstream: Verilog, Yosys, nextpnr with each seed, PLL, nextpnr again, packer.

    All cells and clocks are those of the whole design on a board's pins. Exit code 1 if the clock is missed, or if
    memories or multipliers in the netlist are not those of the design.
    """  # fmt: skip
    from tokensieve.arch import load_arch
    from tokensieve.report.bitstream import page
    from tokensieve.report.files import check_apart, check_folder, write_folder
    from tokensieve.rtl.flow.bitstream.build import build as run
    from tokensieve.rtl.flow.bitstream.request import Request, asked
    from tokensieve.rtl.flow.bitstream.result import as_object, files

    check_folder(out)
    wanted = asked(
        Request(
            unit=unit, arch=load_arch(arch, sets or ()), device=device, board=board, link=link.value, baud=baud,
            seeds=seeds, clock_mhz=clock, native=native,
        )
    )  # fmt: skip
    built = run(wanted.plan, partial(_tell, quiet))
    made, bitstream = files(wanted, built)
    told = {**as_object(wanted, built), "bitstream": None if bitstream is None else str(out / bitstream)}
    text = page(told, width())
    made |= {"report.json": (json_text.dumps(told, indent=2) + "\n").encode(), "report.txt": f"{text}\n".encode()}
    check_apart([out / name for name in made], "--out", {"--arch": arch_file(arch)})
    write_folder(out, made)
    if json:
        print(json_text.dumps(told, indent=2))
    elif not quiet:
        say(f"{text}\n\nfiles in {out}: {', '.join(made)}")
    _require(told)


@app.command(
    epilog=examples(
        "tokensieve fpga estimate topk --device ecp5-85k --arch sieve",
        "tokensieve fpga estimate topk --device ecp5-25k --set topk.engine=bitserial --set topk.lanes=4 --json",
    )
)
def estimate(
    unit: Annotated[str, typer.Argument(metavar="UNIT", help="topk.")],
    device: Annotated[str, typer.Option("--device", metavar="NAME", help="ecp5-85k|45k|25k.")] = "ecp5-85k",
    arch: ArchOption = "spatten",
    sets: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Say what a unit would take of an FPGA, by a model that is fitted to recorded runs; no tool is run.

    A sweep has the same figures as columns and in constraints: fpga.lut, fpga.ff, fpga.bram, fpga.dsp, fpga.fmax_mhz.
    """  # fmt: skip
    from tokensieve.arch import load_arch
    from tokensieve.arch.fpga_model import require_modelled
    from tokensieve.report.fpga import estimate_object, estimate_page
    from tokensieve.rtl.flow.bitstream.devices import find_device

    found = find_device(device)
    require_modelled(unit, found.name)
    have = {"lut": found.lut, "ff": found.ff, "bram": found.bram, "dsp": found.dsp}
    told = estimate_object(load_arch(arch, sets or ()).topk, found.name, have)
    print(json_text.dumps(told, indent=2)) if json else say(estimate_page(told, width()))


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
