"""Resources and speed of a unit on an FPGA: Yosys, then nextpnr, out of context.

``python -m tokensieve.rtl.flow.fpga --engine radix --seeds 1 2 3`` prints one JSON line for the top-k engine of that
description. The figures are *measured*: by the tools on the netlist that they made, not by a board. The tools are
Python's, or with ``TOKENSIEVE_NATIVE=1`` in the environment those on PATH, which are faster.
"""

import argparse
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from tokensieve.arch.datapath import ENGINES, Topk
from tokensieve.arch.errors import ToolError
from tokensieve.arch.primitives import PRIMITIVES, Primitives
from tokensieve.rtl.flow import tools
from tokensieve.rtl.flow.bitstream.synthesis import options
from tokensieve.rtl.flow.bitstream.toolchain import Tool, native_wanted, placer, yosys
from tokensieve.rtl.flow.verilog import rtlil_text
from tokensieve.rtl.topk import TopKEngine

DEVICE = "85k"
"""ECP5 of the tables: LFE5U-85F, speed grade 6 as nextpnr takes it unless told."""

_EAGER = ("--placer-heap-timingweight", "40")
"""Timing counts for more than usual (10) beside wire length: 118.7 MHz, not 109.5, for radix with P = 16, N = 1,024."""

_SYNTHESIS = """\
read_rtlil design.il
hierarchy -top {top}
setattr -mod -set keep_hierarchy 1 {top}__core
synth_ecp5 -top {top}{options} -json design.json
tee -o stat.json stat -json
"""
"""The search core is mapped apart from the rest, which takes fewer LUTs than all at once."""

_ELEMENT = re.compile(r"(?<=[^\s])\[(\d+)\]")
"""An element's number in a name: after ABC9, Yosys would take ``\\row[3]`` for a bit of ``\\row`` and fail."""

_CELLS = {"lut4": ("LUT4",), "ff": ("TRELLIS_FF",), "carry": ("CCU2C",), "dpr": ("TRELLIS_DPR16X4",),
          "bram": ("DP16KD",), "dsp": ("MULT18X18D",)}  # fmt: skip


def used() -> tuple[Tool, Tool]:
    """Return Yosys and nextpnr, which all figures here are from."""
    return yosys(native_wanted()), placer("ecp5", native_wanted())


def versions() -> dict[str, str]:
    """Return the versions of all that figures depend on: Yosys, nextpnr, Amaranth."""
    return {**{tool.name: tool.version for tool in used()}, **tools.versions("amaranth")}


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Cells of a synthesised unit."""

    lut4: int
    ff: int
    carry: int
    """CCU2C: two bits of a carry chain."""

    dpr: int
    """TRELLIS_DPR16X4: distributed memories of 16 x 4 bit."""

    bram: int
    """DP16KD: block memories of 18 kbit."""

    dsp: int
    """MULT18X18D."""


def synthesise(
    component: wiring.Component, name: str, primitives: Primitives = "generic", engine: str = ""
) -> tuple[Resources, Path]:
    """Return the cells that `component`, with a search engine or none, takes on an ECP5, and the folder of its
    netlist, which is kept."""
    design = _ELEMENT.sub(r".\1", rtlil_text(component, name, primitives))
    script = _SYNTHESIS.format(top=name, options=options("ecp5", engine))
    program, _ = used()
    key = tools.digest(design, script, program.version)

    def make(draft: Path) -> None:
        (draft / "design.il").write_text(design)
        (draft / "script.ys").write_text(script)
        tools.run([program.path, "-q", "script.ys"], draft, makes=["design.json", "stat.json"])

    folder = tools.made_once(tools.cache_folder("ecp5") / key, make)
    return _resources(json.loads((folder / "stat.json").read_text())), folder


def _resources(stat: Mapping[str, Mapping[str, Mapping[str, int]]]) -> Resources:
    cells = stat["design"]["num_cells_by_type"]
    return Resources(**{name: sum(cells.get(kind, 0) for kind in kinds) for name, kinds in _CELLS.items()})


def place(folder: Path, seed: int, mhz: int = 100) -> float:
    """Return the highest clock, in MHz, of the netlist in `folder` as placed and routed with `seed`, asked for `mhz`.

    The unit's ports are not placed (`--out-of-context`), so the paths from and to them count for nothing.
    """
    clocks = _report(folder, seed, mhz)["fmax"]
    if len(clocks) != 1:
        raise ToolError(f"nextpnr reports {len(clocks)} clocks, where one is expected")
    return round(float(next(iter(clocks.values()))["achieved"]), 1)


def _report(folder: Path, seed: int, mhz: int) -> Mapping[str, Any]:
    """Return nextpnr's report, which is kept beside the netlist; one that is damaged is made again."""
    report = folder / f"report-{DEVICE}-{mhz}-{seed}-{tools.digest(used()[1].version, *_EAGER)[:16]}.json"
    if (kept := _read(report)) is not None:
        return kept
    draft = folder / f"draft-{os.getpid()}.json"
    command = [
        used()[1].path, f"--{DEVICE}", "--json", "design.json",
        "--out-of-context", "--timing-allow-fail", "--freq", str(mhz), "--seed", str(seed),
        *_EAGER, "--report", draft.name,
    ]  # fmt: skip
    try:
        tools.run(command, folder, log=f"place-{mhz}-{seed}.txt", makes=[draft.name])
        if (told := _read(draft)) is None:
            raise ToolError(f"{command[0]} wrote a report that is no JSON")
        draft.replace(report)
    finally:
        draft.unlink(missing_ok=True)
    return told


def _read(report: Path) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = json.loads(report.read_text())
    except (OSError, ValueError):
        return None
    return found


def cells_by_module(folder: Path) -> dict[str, dict[str, int]]:
    """Return the cells of the netlist in `folder` by type: of the search core, and of all around it."""
    modules = json.loads((folder / "stat.json").read_text())["modules"]
    known = {kind for kinds in _CELLS.values() for kind in kinds}
    return {
        part: {kind: count for kind, count in sorted(modules[name]["num_cells_by_type"].items()) if kind in known}
        for part, name in (("core", r"\topk__core"), ("shell", r"\topk"))
    }


def logic_cells(folder: Path, seed: int, mhz: int = 100) -> int:
    """Return the LUTs of the device that are taken: those of logic, carry chains and distributed memories."""
    return int(_report(folder, seed, mhz)["utilization"]["TRELLIS_COMB"]["used"])


def path_ends(folder: Path, seed: int, mhz: int = 100) -> list[str]:
    """Return the nets in which the slowest path begins and ends."""
    path = _report(folder, seed, mhz)["critical_paths"][0]["path"]
    return [re.sub(r"_(LUT4|PFUMX|L6MUX|CCU2C|TRELLIS)[A-Za-z0-9_.$]*", "", path[at]["net"]) for at in (1, -2)]


def critical_path(folder: Path, seed: int, mhz: int = 100) -> list[str]:
    """Return the slowest path that nextpnr found: delay so far, kind and net of each of its pieces."""
    total, lines = 0.0, []
    for piece in _report(folder, seed, mhz)["critical_paths"][0]["path"]:
        total += piece["delay"]
        where = piece.get("net") or f"{piece['from']['cell']} -> {piece['to']['cell']}"
        plain = re.sub(r"_(LUT4|PFUMX|L6MUX|CCU2C|TRELLIS)[A-Z0-9_]*", "", where)
        lines.append(f"{total:6.2f} {piece['type']:8} {plain}")
    return lines


def measure(topk: Topk, seeds: Sequence[int], primitives: Primitives = "generic") -> dict[str, object]:
    """Return a row of the table: the engine's parameters, its cells, its clock for each seed, the tools."""
    resources, folder = synthesise(TopKEngine(topk), "topk", primitives, topk.engine)
    return {
        "engine": topk.engine,
        "lanes": topk.lanes,
        "max_tokens": topk.max_tokens,
        "score_bits": topk.score_bits,
        "compactor": topk.compactor,
        "primitives": primitives,
        **asdict(resources),
        "netlist": folder.name[:16],
        "fmax_mhz": {str(seed): place(folder, seed) for seed in seeds},
        "tools": versions(),
    }


def main() -> None:
    """Measure one top-k engine and print its row."""
    parser = argparse.ArgumentParser(prog="python -m tokensieve.rtl.flow.fpga", description=main.__doc__)
    parser.add_argument("--engine", default="radix", choices=ENGINES)
    parser.add_argument("--lanes", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--bits", type=int, default=16)
    parser.add_argument("--compactor", default="balanced", choices=["low_latency", "balanced", "max_frequency"])
    parser.add_argument("--primitives", default="generic", choices=PRIMITIVES[:2])
    parser.add_argument("--seeds", type=int, nargs="*", default=[1], help="none: synthesis alone")
    parser.add_argument("--path", action="store_true", help="also print the slowest path of the first seed")
    told = parser.parse_args()
    topk = Topk(
        engine=told.engine,
        lanes=told.lanes,
        max_tokens=told.tokens,
        score_bits=told.bits,
        compactor=told.compactor,
        first_digit="log",
    )
    print(json.dumps(measure(topk, told.seeds, told.primitives)))
    if told.path and told.seeds:
        folder = synthesise(TopKEngine(topk), "topk", told.primitives, topk.engine)[1]
        print("\n".join(critical_path(folder, told.seeds[0])))


if __name__ == "__main__":
    main()
