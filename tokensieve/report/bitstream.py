"""The page about a bitstream: what it takes, how fast it is, and what to do with it."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokensieve.report.quantity import count
from tokensieve.report.table import Column, Table

Told = Mapping[str, Any]

_RESOURCES = {"lut": "LUT", "ff": "FF", "bram": "BRAM", "dsp": "DSP"}


def page(told: Told, width: int) -> str:
    """Return the page of the object that ``tokensieve fpga build --json`` prints, in lines of `width`."""
    parts = [_head(told), _resources(told).text(width), _clock(told), _paths(told).text(width), _checks(told)]
    return "\n\n".join([*parts, _pins(told).text(width), _next(told)])


def _head(told: Told) -> str:
    sizes = ", ".join(f"{name} {value}" for name, value in told["parameters"].items() if name in _SHOWN)
    return f"{told['unit']} ({sizes}) on {told['board']}, {told['device']} ({told['part']}), link {told['link']}"


_SHOWN = ("max_tokens", "keep", "lanes", "score_bits", "engine", "engines")


def _resources(told: Told) -> Table:
    have, bounds = told["available"], told["estimate"]
    guess = {key: f"{count(bounds[key])} or more" for key in ("lut", "ff")}
    guess |= {key: count(bounds["model"][key]) for key in _RESOURCES if "model" in bounds}
    rows = [
        (title, count(told[key]), count(have[key]), f"{told[key] / have[key]:.0%}" if have[key] else "",
         guess.get(key, ""))
        for key, title in _RESOURCES.items()
    ]  # fmt: skip
    columns = [Column(title=name) for name in ("", "used", "available", "share", "estimate")]
    title = "Resources (used: measured by Yosys and nextpnr; estimate: modelled)"
    return Table(title=title, columns=tuple(columns), rows=tuple(rows))


def _clock(told: Told) -> str:
    seeds = ", ".join(f"{mhz:.1f}" for mhz in told["fmax_mhz_per_seed"].values())
    note = "" if told["fmax_trusted"] else f" ({told['fmax_note']})"
    rule = f", {told['margin']:g} x the worst seed or less" if told["margin"] else ""
    if told["asked_mhz"]:
        rule = f", its fastest up to the {told['asked_mhz']:g} MHz asked for"
    met = "met" if told["timing_met"] else "MISSED: no bitstream is handed out"
    lines = [
        "Clock (measured by nextpnr, on no board)",
        f"  Fmax             {told['fmax_mhz']:.1f} MHz{note}, seed {told['seed']}, the run that wrote the bitstream",
        f"  by seed          {seeds} MHz, asked for {told['seeds_asked_mhz']:.1f}",
        f"  PLL, constraint  {told['clock_mhz']:.3f} MHz{rule}: {met}, slack {told['slack_ns']:.2f} ns",
    ]
    names = {"compute": "compute-bound", "at_fmax": "compute-bound at Fmax", "port": "port-bound"}
    rates = [f"{told['throughput'][key]:,.1f} {name}" for key, name in names.items() if key in told["throughput"]]
    if rates:
        lines.append(f"  sequences/s      {', '.join(rates)} (modelled: cycle law x clock)")
    return "\n".join(lines)


def _paths(told: Told) -> Table:
    rows = [(f"{path['ns']:.2f}", path["from"], path["to"]) for path in told["paths"]]
    columns = (Column(title="ns"), Column(title="from, or last net", left=True), Column(title="to", left=True))
    return Table(title="Slowest paths (measured by nextpnr)", columns=columns, rows=tuple(rows))


def _checks(told: Told) -> str:
    lines = ["Counted by structure and in the netlist"]
    for one in told["checks"]:
        verdict = f"{one['found']} of {one['expected']}"
        lines.append(f"  {one['what']}: {verdict}{'' if one['holds'] else ': NOT EQUAL'}")
    return "\n".join(lines)


def _pins(told: Told) -> Table:
    rows = [(one["wire"], one["pin"], one["where"], one["kind"]) for one in told["pins"]]
    columns = [Column(title=name, left=True) for name in ("wire", "pin", "where", "kind")]
    return Table(title="Pins", columns=tuple(columns), rows=tuple(rows))


def _next(told: Told) -> str:
    tools = ", ".join(f"{name} {version}" for name, version in told["tools"].items())
    stages = ", ".join(f"{name} {value:.0f} s" for name, value in told["stage_seconds"].items())
    steps: Sequence[str] = (
        f"took {told['seconds']:.0f} s (one {stages}); {tools}",
        f"program with: {told['program']}",
        f"udev rule, for a user who is not root: {told['udev']}",
    )
    return "\n".join(steps)
