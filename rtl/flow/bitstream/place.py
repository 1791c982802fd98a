"""From a netlist to a bitstream: nextpnr with one seed, and the family's packer. Never out of context."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tokensieve.arch.errors import ToolError
from tokensieve.rtl.flow import tools
from tokensieve.rtl.flow.bitstream.boards import Board
from tokensieve.rtl.flow.bitstream.devices import Family
from tokensieve.rtl.flow.bitstream.synthesis import Netlist
from tokensieve.rtl.flow.bitstream.toolchain import Toolchain

_CONSTRAINTS: Mapping[Family, Sequence[str]] = {
    "ecp5": ("--lpf", "pins.txt", "--textcfg", "placed.txt"),
    "ice40": ("--pcf", "pins.txt", "--asc", "placed.txt"),
    "gowin": ("--vopt", "cst=pins.txt", "--write", "placed.txt"),
}
_PACK: Mapping[Family, Sequence[str]] = {
    "ecp5": ("--compress", "placed.txt", "bitstream"),
    "ice40": ("placed.txt", "bitstream"),
    "gowin": ("-d", "GW2A-18C", "-o", "bitstream", "placed.txt"),
}
SUFFIX: Mapping[Family, str] = {"ecp5": ".bit", "ice40": ".bin", "gowin": ".fs"}
"""End of a bitstream's name, which programmers go by."""

PINS_SUFFIX: Mapping[Family, str] = {"ecp5": ".lpf", "ice40": ".pcf", "gowin": ".cst"}
"""End of the name of a file of constraints."""

_CELL = re.compile(r"_(SB_|LUT[1-6]|PFUMX|L6MUX|CCU2C|TRELLIS|MUX2|DFF|ALU|DP16KD|PDPW).*$")
"""What Yosys puts behind the name of a net when it names a cell, or the net of a cell."""


_ROUNDED = 0.001
"""Nanoseconds by which two sums of the same delays may differ."""


@dataclass(frozen=True, kw_only=True)
class TimingPath:
    """A path from a register to a register, or from or to a pin."""

    begin: str
    end: str
    """Net in the design, by its source name."""

    ns: float
    """Delay, with the register's set-up time."""

    through: Sequence[str] = ()
    """Nets on the way, where nextpnr tells them."""


@dataclass(frozen=True)
class Placed:
    """A design as placed and routed with one seed, and its bitstream, in a folder that is kept."""

    folder: Path
    seed: int

    @cached_property
    def report(self) -> Mapping[str, Any]:
        """What nextpnr reports."""
        found: Mapping[str, Any] = json.loads((self.folder / "report.json").read_text())
        return found

    @property
    def clock(self) -> str:
        """Net of the clock that the design runs on: the one that the PLL makes."""
        known = [str(name) for name in self.report["fmax"] if name != "clk"]
        if len(known) != 1:
            raise ToolError(f"nextpnr reports {len(known)} clocks, where one is expected: {', '.join(known)}")
        return known[0]

    @property
    def fmax_mhz(self) -> float:
        """Highest clock that nextpnr's delays allow."""
        return float(self.report["fmax"][self.clock]["achieved"])

    @property
    def constraint_mhz(self) -> float:
        """Clock that it was asked for."""
        return float(self.report["fmax"][self.clock]["constraint"])

    @property
    def bitstream(self) -> Path:
        """The bitstream that goes with all these figures."""
        return self.folder / "bitstream"

    @property
    def used(self) -> Mapping[str, Mapping[str, int]]:
        """Cells used and available, by the tool's names."""
        found: Mapping[str, Mapping[str, int]] = self.report["utilization"]
        return found

    def worst_paths(self, count: int = 3) -> list[TimingPath]:
        """Return the `count` slowest paths that end at different registers, the slowest first.

        nextpnr tells the way of the slowest alone, from which Fmax follows; of the others the last net before the
        register. For Gowin it adds up the delays to some ends otherwise, and they come out slower than Fmax allows:
        those are left out.
        """
        first = self._slowest()
        found = {first.end: first}
        ends = sorted((one for one in self._ends() if one.ns <= first.ns + _ROUNDED), key=lambda one: -one.ns)
        for one in ends:
            if one.end not in found and len(found) < count:
                found[one.end] = one
        return list(found.values())

    def _slowest(self) -> TimingPath:
        event = f"posedge {self.clock}"
        way = next(one["path"] for one in self.report["critical_paths"] if one["from"] == one["to"] == event)
        nets = [source_name(piece["net"]) for piece in way if "net" in piece]
        through = [net for place, net in enumerate(nets) if place == 0 or net != nets[place - 1]]
        end = source_name(way[-1]["to"]["cell"])
        return TimingPath(begin=source_name(way[0]["from"]["cell"]), end=end, through=through,
                     ns=sum(piece["delay"] for piece in way))  # fmt: skip

    def _ends(self) -> list[TimingPath]:
        event = f"posedge {self.clock}"
        return [
            TimingPath(begin=source_name(net["net"]), end=source_name(end["cell"]), ns=max(end["delay"]))
            for net in self.report.get("detailed_net_timings", ())
            for end in net["endpoints"]
            if net["event"] == end["event"] == event
        ]


def source_name(cell: str) -> str:
    """Return the net of the source that a cell or net of the netlist is named after.

    >>> source_name("design.core.left_SB_DFFESR_Q_4_D_SB_LUT4_O_LC")
    'core.left'
    """
    return re.sub(r"\[\d+\]$", "", _CELL.sub("", cell)).removeprefix("design.")


def place(netlist: Netlist, board: Board, family: Family, pins: str, mhz: float, seed: int, chain: Toolchain) -> Placed:
    """Return `netlist` placed and routed on `board` for `mhz` with `seed`, and packed; what was done before is kept."""
    assert chain.place is not None, "the tools were asked for a netlist only"
    assert chain.pack is not None
    command = [
        chain.place.path, *board.package, "--json", "design.json", *_CONSTRAINTS[family], "--freq", f"{mhz:.3f}",
        "--seed", seed, "--timing-allow-fail", "--report", "report.json", "--detailed-timing-report",
    ]  # fmt: skip
    pack = [chain.pack.path, *_PACK[family]]
    words = [str(word) for word in (*command[1:], *pack[1:])]
    key = tools.digest(netlist.key, pins, chain.place.version, chain.pack.version, *words)

    def make(draft: Path) -> None:
        (draft / "pins.txt").write_text(pins)
        (draft / "design.json").write_bytes((netlist.folder / "design.json").read_bytes())
        tools.run(command, draft, log="place.txt", makes=["placed.txt", "report.json"])
        tools.run(pack, draft, log="pack.txt", makes=["bitstream"])
        (draft / "design.json").unlink()

    return Placed(tools.made_once(tools.cache_folder("placed") / key, make), seed)
