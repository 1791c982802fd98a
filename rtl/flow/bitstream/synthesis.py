"""From a component to a netlist of an FPGA's cells: Yosys."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from tokensieve.arch.primitives import Primitives
from tokensieve.rtl.flow import tools
from tokensieve.rtl.flow.bitstream.devices import Family
from tokensieve.rtl.flow.bitstream.toolchain import Toolchain
from tokensieve.rtl.flow.verilog import rtlil_text

TOP = "top"
"""Module name of the whole design."""

_SYNTHESIS: Mapping[Family, str] = {
    "ecp5": "synth_ecp5 -top top",
    "ice40": "synth_ice40 -top top -dsp",
    "gowin": "synth_gowin -top top -family gw2a",
}
_SCRIPT = """\
read_rtlil design.il
hierarchy -top top
proc
design -save start
flatten
setattr -set keep 1 t:$memrd_v2 t:$memwr_v2 t:$mul
opt
memory_dff
memory_collect
write_json structure.json
design -load start
memory_collect
write_verilog top.v
design -load start
{synthesis}
write_json design.json
tee -o stat.json stat -json
"""
"""`structure.json` has all memories and multiplications, whether an output depends on them or not."""

_WRITTEN = ("structure.json", "top.v", "design.json", "stat.json")

_ELEMENT = re.compile(r"(?<=[^\s])\[(\d+)\]")
"""An element's number in a name: Yosys and nextpnr would take ``\\row[3]`` for a bit of ``\\row``."""

_FLIPFLOPS = re.compile(r"^(TRELLIS_FF|SB_DFF\w*|DFF\w*)$")
_LUTS = re.compile(r"^(LUT[1-4]|SB_LUT4)$")
_BLOCKS = ("DP16KD", "PDPW16KD", "SB_RAM40_4K", "SP", "SPX9", "SDPB", "SDPX9B", "DPB", "DPX9B", "pROM", "pROMX9")
_MULTIPLIERS = ("MULT18X18D", "SB_MAC16", "MULT9X9", "MULT18X18", "MULT36X36", "MULTALU18X18", "MULTADDALU18X18")


@dataclass(frozen=True)
class Netlist:
    """A synthesised design, in a folder that is kept."""

    folder: Path

    @property
    def key(self) -> str:
        """Digest of all that it was made from."""
        return self.folder.name

    @cached_property
    def cells(self) -> Mapping[str, int]:
        """Number of cells by type."""
        counts: dict[str, int] = json.loads((self.folder / "stat.json").read_text())["design"]["num_cells_by_type"]
        return counts

    @cached_property
    def mapped(self) -> Mapping[str, Any]:
        """The netlist as nextpnr gets it."""
        return _module(self.folder / "design.json")

    @cached_property
    def structure(self) -> Mapping[str, Any]:
        """The flat design before it is mapped, with all its memories and multiplications."""
        return _module(self.folder / "structure.json")

    @property
    def lut(self) -> int:
        """LUTs, without those of carry chains and distributed memories."""
        return sum(count for kind, count in self.cells.items() if _LUTS.match(kind))

    @property
    def ff(self) -> int:
        """Flip-flops."""
        return sum(count for kind, count in self.cells.items() if _FLIPFLOPS.match(kind))

    @property
    def bram(self) -> int:
        """Block memories."""
        return sum(self.cells.get(kind, 0) for kind in _BLOCKS)

    @property
    def dsp(self) -> int:
        """Multipliers."""
        return sum(self.cells.get(kind, 0) for kind in _MULTIPLIERS)


def is_block(kind: str) -> bool:
    """Return whether a cell of type `kind` is a block memory."""
    return kind in _BLOCKS


def is_multiplier(kind: str) -> bool:
    """Return whether a cell of type `kind` is a multiplier."""
    return kind in _MULTIPLIERS


def _module(file: Path) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(file.read_text())["modules"][TOP]
    return found


def options(family: Family, engine: str) -> str:
    """Return Yosys's options for designs with the search engine `engine`.

    The scores of a bitonic sorter are 5 inputs and a register each: two LUTs, if Yosys may not make wide ones of four.
    With these it takes more, and how many varies with the names in the netlist.
    """
    return " -nowidelut" if engine == "bitonic" and family != "ice40" else ""


def synthesise(
    top: wiring.Component, family: Family, chain: Toolchain, primitives: Primitives = "generic", engine: str = ""
) -> Netlist:
    """Return `top`, with a search engine or none, in cells of `family`. Yosys is asked once per design; its answer is
    kept."""
    design = _ELEMENT.sub(r".\1", rtlil_text(top, TOP, primitives))
    script = _SCRIPT.format(synthesis=_SYNTHESIS[family] + options(family, engine))
    key = tools.digest(design, script, chain.yosys.version)

    def make(draft: Path) -> None:
        (draft / "design.il").write_text(design)
        (draft / "script.ys").write_text(script)
        tools.run([chain.yosys.path, "-q", "script.ys"], draft, makes=_WRITTEN)

    return Netlist(tools.made_once(tools.cache_folder("netlists") / key, make))
