"""Stands for Yosys, nextpnr and packers: scripts that write down how they were called and give prepared answers."""

import json

from tokensieve.rtl.flow.bitstream.toolchain import Tool, Toolchain

_MEMORY = {"SIZE": f"{512:b}", "WIDTH": f"{16:b}", "RD_PORTS": "1"}
_BLOCK = {True: "memory.0.0", False: "other.0.0"}
"""Name of the block memory in the netlist, whether it is the design's memory or not."""


class ToolStub:
    """A program that does nothing but what `script` says, in the folder in which it runs; a line in `calls` each time.

    The script is one of ``sh``; ``$run`` is the number of the call, from 1 on.
    """

    def __init__(self, folder, name, script):
        self._log, path = folder / f"{name}.calls", folder / name
        path.write_text(f'#!/bin/sh\necho "$*" >> {self._log}\nrun=$(grep -c "" {self._log})\n{script}\n')
        path.chmod(0o755)
        self.tool = Tool(name=name, path=path, version="1")

    @property
    def calls(self):
        """Arguments of each call, in order."""
        return self._log.read_text().splitlines() if self._log.exists() else []


class ToolsStub:
    """The programs of a family, whose answers lie in `folder`.

    Each placement has the next one of `fmax` (MHz) as its clock, and what it was given in its bitstream: the number of
    the placement, the pins, the netlist. Of a design that `keeps` its memory the netlist has one block memory.
    """

    def __init__(self, folder, fmax=(100.0,), *, keeps=True):
        self.folder = folder
        block = {"type": "SB_RAM40_4K", "connections": {}, "port_directions": {}, "parameters": {}}
        memory = {"type": "$mem_v2", "connections": {}, "port_directions": {}, "parameters": _MEMORY}
        answers = {
            "structure": _modules({"memory": memory}), "design": _modules({_BLOCK[keeps]: block}),
            "stat": {"design": {"num_cells_by_type": {"SB_RAM40_4K": 2, "SB_LUT4": 7, "SB_DFF": 5}}},
            **{f"report{run}": _report(mhz) for run, mhz in enumerate(fmax, 1)},
        }  # fmt: skip
        for name, told in answers.items():
            (folder / f"{name}.json").write_text(json.dumps(told))
        names = " ".join(str(folder / f"{name}.json") for name in ("structure", "design", "stat"))
        self.yosys = ToolStub(folder, "yosys-stub", f"cp {names} .; echo verilog > top.v; cp script.ys design.ys")
        self.nextpnr = ToolStub(
            folder, "nextpnr-stub",
            f'cp {folder}/report$run.json report.json; echo "placement $run" | cat - pins.txt design.json > placed.txt',
        )  # fmt: skip
        self.packer = ToolStub(folder, "packer-stub", "cp placed.txt bitstream")

    @property
    def chain(self):
        return Toolchain(yosys=self.yosys.tool, place=self.nextpnr.tool, pack=self.packer.tool)


def _modules(cells):
    return {"modules": {"top": {"cells": cells, "netnames": {}, "ports": {}}}}


def _report(mhz):
    event, way = "posedge design.clk", {"delay": 9.5, "net": "design.a", "type": "routing"}
    ends = {"from": {"cell": "design.a_SB_DFF_Q"}, "to": {"cell": "design.b_SB_DFF_Q"}}
    return {
        "fmax": {"clk": {"achieved": 300.0, "constraint": 12.0}, "design.clk": {"achieved": mhz, "constraint": 1.0}},
        "critical_paths": [{"from": event, "to": event, "path": [{**way, **ends}]}],
        "utilization": {"ICESTORM_LC": {"used": 9, "available": 7680}},
    }
