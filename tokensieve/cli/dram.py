"""``tokensieve dram``: drive the DRAM model alone, so that what a constraint costs can be seen."""

import json as json_text
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import ArchOption, JsonOption, SeedOption, SetOption, arch_file, given_options
from tokensieve.cli.work import ForceOption, compiling

if TYPE_CHECKING:
    import numpy.typing as npt

    from tokensieve.arch.memory import Dram
    from tokensieve.sim.dram.stats import DramStats
    from tokensieve.sim.dram.trace import Requests

app = typer.Typer(add_completion=False, rich_markup_mode=None)

FIGURES = (
    "cycles", "bytes_per_cycle", "reads", "row_hits", "row_misses", "row_conflicts", "activates", "refreshes",
    "writes", "joined", "gb_per_s", "mean_latency_cycles", "energy_j",
)  # fmt: skip


MOST_GRANULES, MOST_LOGGED = 20_000_000, 2_000_000
"""Granules that are sent without --force, and of which every command is written."""

GRANULE_S = 1e-6
"""CPU seconds of a granule, measured on one core."""

_NAMES = {"dramsim3": "DRAMsim3", "ramulator": "Ramulator"}


class Pattern(StrEnum):
    """Streams of addresses."""

    SEQ = "seq"
    STRIDE = "stride"
    RANDCHUNK = "randchunk"
    GATHER = "gather"
    TWOSTREAM = "twostream"


class Format(StrEnum):
    """Forms of a request in a file."""

    AUTO = "auto"
    TOKENSIEVE = "tokensieve"
    DRAMSIM3 = "dramsim3"
    RAMULATOR = "ramulator"


class Channel(StrEnum):
    """How many channels are there."""

    ONE = "one"
    ALL = "all"


class Issue(StrEnum):
    """How the stream is sent."""

    SAT = "sat"
    AXI16 = "axi16"


ConfigOption = Annotated[
    str | None,
    typer.Option(
        "--config",
        metavar="NAME|FILE",
        help="DRAM configuration (dramsim3, ramulator-release, hbm2, ddr4-3200, ...) or a YAML file of one, in the "
        "place of --arch; cycles are then clocks of the DRAM.",
    ),
]
PatternOption = Annotated[Pattern, typer.Option("--pattern", help="Addresses that are asked for.")]
RequestsOption = Annotated[
    int, typer.Option("--requests", metavar="N", min=1, max=10_000_000, help="Number of requests.")
]
RequestBytesOption = Annotated[
    int,
    typer.Option(
        "--bytes", metavar="G", min=1, max=1 << 16, help="Bytes of a request; every granule it touches is read."
    ),
]
ParamOption = Annotated[
    int,
    typer.Option(
        "--param",
        metavar="P",
        min=0,
        max=1 << 40,
        help="stride: bytes between requests; randchunk: bytes of a chunk; gather: percent of 64 B vectors kept; "
        "twostream: bytes between the streams.",
    ),
]
TraceOption = Annotated[
    Path | None,
    typer.Option(
        "--trace",
        metavar="FILE",
        help="Requests of a text file in the place of a pattern, one a line: ADDRESS [R|W] [CYCLE].",
    ),
]
FormatOption = Annotated[
    Format,
    typer.Option("--format", help="With --trace: form of its lines, ours or that of DRAMsim3 or Ramulator."),
]
IssueOption = Annotated[
    Issue,
    typer.Option(
        "--issue",
        help="sat: as fast as the queues take it; axi16: one access a cycle, 16 outstanding, one response a cycle.",
    ),
]
ChannelOption = Annotated[Channel, typer.Option("--channel", help="All channels, or a stack with one.")]
CommandsOption = Annotated[
    Path | None, typer.Option("--commands", metavar="FILE", help="Write every DRAM command to a CSV file.")
]


@app.command()
def dram(
    context: typer.Context,
    arch: ArchOption = "spatten",
    config: ConfigOption = None,
    sets: SetOption = None,
    pattern: PatternOption = Pattern.SEQ,
    requests: RequestsOption = 1024,
    request_bytes: RequestBytesOption = 32,
    param: ParamOption = 0,
    seed: SeedOption = 1,
    trace: TraceOption = None,
    form: FormatOption = Format.AUTO,
    issue: IssueOption = Issue.SAT,
    channel: ChannelOption = Channel.ALL,
    commands: CommandsOption = None,
    force: ForceOption = False,
    json: JsonOption = False,
) -> None:
    """Send one stream of requests to the DRAM model and count what happened."""
    given = given_options(context)
    _require_alone(given, "config", ("arch",))
    _require_alone(given, "trace", ("pattern", "requests", "param", "seed"))
    if trace is None and "form" in given:
        raise typer.BadParameter("--format needs --trace")
    if trace is None:
        check_stream(pattern, request_bytes, param, "param" in given)
    if commands is not None:
        from tokensieve.arch.presets import dram_names
        from tokensieve.report.files import check_apart, check_file

        check_file(commands, "--commands")
        read = {"--trace": trace, "--config": None if config in dram_names() else config, "--arch": arch_file(arch)}
        check_apart([commands], "--commands", read)
    stack, mhz, technology = _stack(arch, config, [*(sets or ()), *_one(channel, config)])
    from tokensieve.sim.dram import run as dram_run
    from tokensieve.sim.dram import trace as dram_trace

    addresses: npt.NDArray[Any]
    stream: dict[str, Any] = {"issue": issue.value, "mhz": mhz, "times": True}
    if trace is None:
        addresses = dram_run.pattern(pattern.value, requests, request_bytes, param, seed)
    else:
        wanted = dram_trace.read_requests(trace, form.value)
        _tell_of(wanted, stack)
        addresses = wanted.addresses
        stream |= {"writes": wanted.writes, "earliest": wanted.earliest}
    if not force:
        _check_size(len(addresses), request_bytes, stack, commands is not None)
    with compiling(False, "dram"):
        stats = dram_run.replay(stack, addresses, request_bytes, log=int(commands is not None), **stream)
        if commands is not None:
            full = dram_run.replay(stack, addresses, request_bytes, log=stats.command_count or 1, **stream)
            _write(commands, stack, full)
    _show(_told(stack, stats, len(addresses) * request_bytes, mhz, technology), json)


def _tell_of(requests: "Requests", stack: "Dram") -> None:
    """Say in which form a stream was read, if not in ours, and how many of its addresses DRAM does not have."""
    if requests.form != "tokensieve":
        print(f"read as a trace of {_NAMES[requests.form]} (--format {requests.form})", file=sys.stderr)
    above = int((requests.addresses >= stack.capacity).sum())
    if above:
        print(
            f"{above:,} of {len(requests.addresses):,} addresses are above the {stack.capacity:,} bytes of DRAM: "
            "they wrap, beginning again at its first byte",
            file=sys.stderr,
        )


def _check_size(requests: int, request_bytes: int, stack: "Dram", logged: bool) -> None:
    """Refuse a stream of more granules than run unasked, saying how many they are."""
    granules = requests * -(-request_bytes // stack.granule_bytes)
    most = MOST_LOGGED if logged else MOST_GRANULES
    if granules > most:
        raise typer.BadParameter(
            f"{requests:,} requests of {request_bytes:,} bytes are {granules:,} granules of DRAM "
            f"(about {granules * GRANULE_S / 60:,.0f} minutes of CPU), above the {most:,} that run unasked"
            f"{' with --commands' if logged else ''}; --force runs them all the same"
        )


def _require_alone(given: set[str], name: str, others: tuple[str, ...]) -> None:
    """Refuse flags that `name` makes meaningless."""
    for other in others:
        if {name, other} <= given:
            raise typer.BadParameter(f"--{name} and --{other} exclude each other")


def _one(channel: Channel, config: str | None) -> list[str]:
    if channel is Channel.ALL:
        return []
    return ["channels=1" if config else "dram.channels=1"]


def _stack(arch: str, config: str | None, sets: list[str]) -> tuple["Dram", int | None, str]:
    """Return the DRAM, the clock that counts the cycles (None: its own) and the technology."""
    from tokensieve.arch import load_arch, load_dram

    if config is not None:
        return load_dram(config, sets), None, "tsmc40"
    machine = load_arch(arch, sets)
    return machine.dram, machine.clock.mhz, machine.technology


def _write(path: Path, stack: "Dram", stats: "DramStats") -> None:
    from tokensieve.report.files import write_file
    from tokensieve.sim.dram.stats import command_lines

    assert stats.commands is not None
    write_file(path, command_lines(stack, stats.commands).encode(), "--commands")


def _told(stack: "Dram", stats: "DramStats", asked: int, mhz: int | None, technology: str) -> dict[str, int | float]:
    """Return the figures."""
    from tokensieve.arch.technology import load_technology
    from tokensieve.sim.dram.stats import energy

    period = stack.tCK_ps * 1e-12 if mhz is None else 1e-6 / mhz
    seconds = stats.cycles * period
    told: dict[str, int | float] = {name: _plain(getattr(stats, name)) for name in FIGURES[:10]}
    told["gb_per_s"] = round(asked / seconds * 1e-9, 4)
    told["mean_latency_cycles"] = round(stats.mean_latency, 2)
    joules, _ = energy(stack, stats, seconds, load_technology(technology))
    told["energy_j"] = float(f"{joules:.4g}")
    return told


def _show(told: dict[str, int | float], json: bool) -> None:
    if json:
        print(json_text.dumps(told, indent=2))
        return
    for name, value in told.items():
        text = f"{value:,}" if name != "energy_j" else f"{value:.4g}"
        print(f"{name:<19} {text:>14}")


def check_stream(pattern: Pattern, request_bytes: int, param: int, given: bool) -> None:
    """Refuse a parameter that the pattern cannot use; `given` says whether somebody asked for it."""
    if pattern is Pattern.SEQ and given:
        raise typer.BadParameter(f"--param has no meaning with --pattern seq, got {param}")
    if pattern is Pattern.GATHER and not 1 <= param <= 100:
        raise typer.BadParameter(f"--param must be in 1..100 (percent kept) for gather, got {param}")
    if pattern is Pattern.RANDCHUNK and (param < request_bytes or param > 1 << 29):
        raise typer.BadParameter(f"--param must be in --bytes..2^29 (bytes of a chunk) for randchunk, got {param}")


def _plain(value: Any) -> int | float:
    """Return a count as a whole number and a rate with four decimals."""
    return round(float(value), 4) if isinstance(value, float) else int(value)
