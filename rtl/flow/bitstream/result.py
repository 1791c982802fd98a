"""What is reported of a bitstream: one object, which ``--json`` prints and a page is made of."""

from collections.abc import Container, Mapping
from dataclasses import asdict
from typing import Any

from tokensieve.arch.datapath import Topk
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import PrunerFormat
from tokensieve.rtl.flow.bitstream.build import MARGIN, Built
from tokensieve.rtl.flow.bitstream.devices import Family
from tokensieve.rtl.flow.bitstream.place import PINS_SUFFIX, SUFFIX
from tokensieve.rtl.flow.bitstream.request import Asked
from tokensieve.rtl.flow.bitstream.structure import checks
from tokensieve.rtl.flow.bitstream.units import host_link

NOT_TRUSTED = "not to be trusted: nextpnr's delays for this family have not been compared with the maker's"

_NEXTPNR = "measured by nextpnr, on no board"
_LABELS = {
    "lut, ff, bram, dsp": "measured by Yosys and nextpnr",
    "fmax_mhz, fmax_mhz_per_seed, slack_ns, paths": _NEXTPNR,
    "clock_mhz": "modelled: dividers of the PLL",
    "throughput": "modelled: cycle law x clock",
    "estimate": "modelled: lower bounds from the parameters; model: a fit to recorded runs of the engine alone",
    "seconds, stage_seconds": "measured on this host",
}

_TOOL_NAMES: Mapping[Family, Mapping[str, str]] = {
    "ecp5": {"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "bram": "DP16KD", "dsp": "MULT18X18D"},
    "ice40": {"lut": "ICESTORM_LC", "bram": "ICESTORM_RAM", "dsp": "ICESTORM_DSP"},
    "gowin": {"lut": "LUT4", "ff": "DFF", "bram": "BSRAM", "dsp": "MULT18X18"},
}
"""What nextpnr calls each resource. A logic cell of iCE40 has a LUT and a flip-flop, which it counts as one."""


def as_object(asked: Asked, built: Built) -> dict[str, Any]:
    """Return what ``--json`` prints, but for where the bitstream lies."""
    plan, device, placed = asked.plan, asked.plan.device, built.placed
    used = resources(plan.device.family, built)
    counted = checks(built.netlist, device.family, asked.unit.inputs)
    worst = [
        {"from": path.begin, "to": path.end, "ns": round(path.ns, 3), "through": list(path.through)}
        for path in placed.worst_paths()
    ]
    return {
        "unit": asked.unit.name,
        "parameters": parameters(asked.unit.section),
        "arch_digest": asked.arch.digest,
        "primitives": asked.arch.primitives,
        "device": device.name,
        "part": device.part,
        "board": plan.board.name,
        "link": asked.link,
        **_link(asked, float(built.setting.mhz)),
        **used,
        "available": {"lut": device.lut, "ff": device.ff, "bram": device.bram, "dsp": device.dsp},
        "luts_mapped": built.netlist.lut,
        "fmax_mhz": round(placed.fmax_mhz, 2),
        "fmax_trusted": device.trusted,
        "fmax_note": "" if device.trusted else NOT_TRUSTED,
        "fmax_mhz_per_seed": {str(seed): round(mhz, 2) for seed, mhz in built.per_seed.items()},
        "asked_mhz": plan.clock_mhz,
        "seeds_asked_mhz": round(built.trial_mhz, 4),
        "seed": placed.seed,
        "clock_mhz": round(float(built.setting.mhz), 4),
        "constraint_mhz": round(placed.constraint_mhz, 2),
        "margin": MARGIN if plan.clock_mhz is None else None,
        "slack_ns": round(1e3 / float(built.setting.mhz) - 1e3 / placed.fmax_mhz, 3),
        "timing_met": built.met,
        "paths": worst,
        "throughput": dict(asked.throughput(float(built.setting.mhz), placed.fmax_mhz)),
        "checks": [{**asdict(check), "holds": check.holds} for check in counted],
        "estimate": _estimated(asked),
        "pll": {"input_mhz": plan.board.clock_mhz, "vco_mhz": round(float(built.setting.vco), 4),
                "pfd_mhz": round(float(built.setting.pfd), 4), **built.setting.parameters},
        "pins": [{"wire": one.name, "pin": one.pin.site, "where": one.pin.where, "kind": one.kind}
                 for one in built.wires],
        "asynchronous_pins": [one.name for one in built.wires if one.kind.startswith("asynchronous")],
        "seconds": round(built.seconds["all"], 1),
        "stage_seconds": {name: round(value, 1) for name, value in built.seconds.items() if name != "all"},
        "program": plan.board.program.format(file=f"{asked.unit.name}{SUFFIX[device.family]}"),
        "udev": plan.board.udev,
        "tools": plan.chain.versions,
        "sources": {"device": device.source, "board": plan.board.source},
        "labels": _LABELS,
    }  # fmt: skip


def _link(asked: Asked, clock_mhz: float) -> dict[str, Any]:
    """Return the parameters of the host link, from which a driver is made; none where there is no such link."""
    section = asked.unit.section
    if not isinstance(section, FixedLengthPruner):
        return {"host_link": None, "baud": None, "digest": None}
    link = host_link(asked.port, clock_mhz * 1e6 / asked.baud)
    baud = asked.baud if asked.port == "uart" else None
    return {"host_link": link.model_dump(mode="json"), "baud": baud, "digest": PrunerFormat(section).digest.hex()}


def _estimated(asked: Asked) -> dict[str, Any]:
    """Return the lower bounds, and of an engine on an ECP5 the model's figures."""
    told = asked.estimate
    bounds = {"lut": told.lut.least, "ff": told.ff.least, "memory_bits": told.memory_bits}
    if told.model is None or asked.plan.device.family != "ecp5":
        return bounds
    return bounds | {"model": asdict(told.model)}


def parameters(section: FixedLengthPruner | Topk) -> dict[str, Any]:
    """Return a unit's fields, with the engines that it has where their number was left to it."""
    if isinstance(section, FixedLengthPruner):
        return section.settled
    return section.model_dump(mode="json")


def resources(family: Family, built: Built) -> dict[str, int]:
    """Return LUTs (of iCE40: logic cells), flip-flops, block memories and multipliers that are used."""
    told, counted = built.placed.used, {"ff": built.netlist.ff, "bram": built.netlist.bram, "dsp": built.netlist.dsp}
    names = _TOOL_NAMES[family]
    return {
        kind: told[names[kind]]["used"] if names.get(kind) in told else counted.get(kind, 0)
        for kind in ("lut", "ff", "bram", "dsp")
    }


def stale(asked: Asked, made: Container[str]) -> list[str]:
    """Return the names of bitstreams of this unit that are not `made`: one of an earlier build is not of the report."""
    return [name for name in (f"{asked.unit.name}{suffix}" for suffix in SUFFIX.values()) if name not in made]


def files(asked: Asked, built: Built) -> tuple[dict[str, bytes], str | None]:
    """Return the files that are handed out, and which one is the bitstream: none where its clock is missed."""
    name, family = asked.unit.name, asked.plan.device.family
    pins = f"{name}{PINS_SUFFIX[family]}"
    found = {f"{name}.v": (built.netlist.folder / "top.v").read_bytes(), pins: built.pins.encode()}
    if not built.met:
        return found, None
    bitstream = f"{name}{SUFFIX[family]}"
    return {**found, bitstream: built.placed.bitstream.read_bytes()}, bitstream
