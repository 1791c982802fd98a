"""``tokensieve dram``: drive the DRAM model alone, so that what a constraint costs can be seen."""

import json as json_text
from enum import StrEnum
from typing import Annotated, Any

import typer

from tokensieve.cli.options import ArchOption, JsonOption, SeedOption, SetOption

app = typer.Typer(add_completion=False, rich_markup_mode=None)

FIGURES = (
    "cycles", "bytes_per_cycle", "reads", "row_hits", "row_misses", "row_conflicts", "activates", "refreshes",
)  # fmt: skip


class Pattern(StrEnum):
    """Streams of addresses."""

    SEQ = "seq"
    STRIDE = "stride"
    RANDCHUNK = "randchunk"
    GATHER = "gather"
    TWOSTREAM = "twostream"


class Channel(StrEnum):
    """How many channels are there."""

    ONE = "one"
    ALL = "all"


@app.command()
def dram(
    arch: ArchOption = "spatten",
    sets: SetOption = None,
    pattern: Annotated[Pattern, typer.Option("--pattern", help="Addresses that are asked for.")] = Pattern.SEQ,
    requests: Annotated[
        int, typer.Option("--requests", metavar="N", min=1, max=10_000_000, help="Number of requests.")
    ] = 1024,
    request_bytes: Annotated[
        int,
        typer.Option(
            "--bytes", metavar="G", min=1, max=1 << 16, help="Bytes of a request; every granule it touches is read."
        ),
    ] = 32,
    param: Annotated[
        int,
        typer.Option(
            "--param",
            metavar="P",
            min=0,
            max=1 << 40,
            help="stride: bytes between requests; randchunk: bytes of a chunk; gather: percent of 64 B rows kept; "
            "twostream: bytes between the streams.",
        ),
    ] = 0,
    seed: SeedOption = 1,
    channel: Annotated[Channel, typer.Option("--channel", help="All channels, or a stack with one.")] = Channel.ALL,
    json: JsonOption = False,
) -> None:
    """Send one stream of reads to the DRAM model and count what happened."""
    check_stream(pattern, request_bytes, param)
    from tokensieve.arch import load_arch

    only = ["dram.channels=1"] if channel is Channel.ONE else []
    machine = load_arch(arch, [*(sets or ()), *only])
    from tokensieve.sim import dramrun

    addresses = dramrun.pattern(pattern.value, requests, request_bytes, param, seed)
    stats = dramrun.replay(machine.dram, addresses, request_bytes, mhz=machine.clock.mhz)
    told = {name: _plain(getattr(stats, name)) for name in FIGURES}
    if json:
        print(json_text.dumps(told, indent=2))
    else:
        print("\n".join(f"{name:<16} {value:>14,}" for name, value in told.items()))


def check_stream(pattern: Pattern, request_bytes: int, param: int) -> None:
    """Refuse a parameter that the pattern cannot use."""
    if pattern is Pattern.GATHER and not 1 <= param <= 100:
        raise typer.BadParameter(f"--param must be in 1..100 (percent kept) for gather, got {param}")
    if pattern is Pattern.RANDCHUNK and (param < request_bytes or param > 1 << 29):
        raise typer.BadParameter(f"--param must be in --bytes..2^29 (bytes of a chunk) for randchunk, got {param}")


def _plain(value: Any) -> int | float:
    """Return a count as a whole number and a rate with four decimals."""
    return round(float(value), 4) if isinstance(value, float) else int(value)
