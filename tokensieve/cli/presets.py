"""``tokensieve presets``: list and show the architectures that ship with the package."""

import json as json_text
from textwrap import fill
from typing import TYPE_CHECKING, Annotated

import typer

from tokensieve.cli.options import JsonOption, SetOption, say, width

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.report.table import Table

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def presets(context: typer.Context, json: JsonOption = False) -> None:
    """List the architectures that ship with the package, or show one."""
    if context.invoked_subcommand is not None:
        if json:
            raise typer.BadParameter(f"--json goes behind {context.invoked_subcommand!r}")
        return
    _list(json)


@app.command("list", hidden=True)
def list_presets(json: JsonOption = False) -> None:
    """List the architectures that ship with the package."""
    _list(json)


def _list(json: bool) -> None:
    from tokensieve.arch import load_arch, preset_names

    found = {name: load_arch(name) for name in preset_names()}
    if json:
        print(json_text.dumps({name: figures(arch) for name, arch in found.items()}, indent=2))
    else:
        from tokensieve.arch.presets import about_preset

        say(f"{listing(found).text(width())}\n")
        for name in found:
            say(fill(f"{name}: {about_preset(name)}", width(), subsequent_indent="  "))


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="Preset or YAML file.")],
    sets: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Print every field of an architecture as YAML, with its unit and meaning; the text is an architecture file."""
    from tokensieve.arch import load_arch
    from tokensieve.arch.presets import show_yaml

    arch = load_arch(name, sets or ())
    print(json_text.dumps(arch.model_dump(mode="json"), indent=2) if json else show_yaml(arch).rstrip("\n"))


def figures(arch: "Arch") -> dict[str, float]:
    """Return the figures by which one architecture is told from another."""
    return {
        "multipliers": arch.qk.multipliers + arch.pv.multipliers,
        "clock_mhz": arch.clock.mhz,
        "peak_tflops": arch.peak_tflops,
        "sram_bytes": arch.key_sram.bytes + arch.value_sram.bytes,
        "dram_channels": arch.dram.channels,
        "dram_gb_per_s": arch.dram.peak_gb_per_s,
        "topk_lanes": arch.topk.lanes,
    }


def listing(found: "dict[str, Arch]") -> "Table":
    """Return one row per preset."""
    from tokensieve.report.quantity import digits
    from tokensieve.report.table import Column, Table

    titles = (
        "multipliers",
        "clock\nMHz",
        "peak\nTFLOPS",
        "K + V SRAM\nB",
        "DRAM\nchannels",
        "DRAM\nGB/s",
        "top-k\nlanes",
    )
    rows = tuple((name, *(digits(v) for v in figures(arch).values())) for name, arch in found.items())
    columns = (Column(title="preset", left=True), *(Column(title=t) for t in titles))
    return Table(title="Architectures (tokensieve presets show NAME prints all fields)", columns=columns, rows=rows)
