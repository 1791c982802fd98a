"""The Makefile beside a stand-alone test bench: both simulators, each with its whole command line."""


def makefile(name: str) -> str:
    """Return the Makefile for the module `name`."""
    return _MAKEFILE.replace("NAME", name)


_MAKEFILE = """\
# make icarus     needs Icarus Verilog (Debian: iverilog), 11 or newer
# make verilator  needs Verilator 5 or newer and a C++20 compiler
# Both end with a line that begins with PASS, or fail. A simulator that is not on PATH: make verilator VERILATOR=...

IVERILOG ?= iverilog
VVP ?= vvp
VERILATOR ?= verilator
FOUND = command -v $(1) > /dev/null || { echo "$(1) is not there: $(2)"; exit 1; }

all: icarus verilator

icarus:
\t@$(call FOUND,$(IVERILOG),install Icarus Verilog or give IVERILOG= and VVP=)
\t$(IVERILOG) -g2005 -Wall -Wno-timescale -o NAME_bench.vvp NAME_bench.v NAME.v
\t$(VVP) -n NAME_bench.vvp > icarus.log || { cat icarus.log; exit 1; }
\t@cat icarus.log
\t@grep -q '^PASS' icarus.log

verilator:
\t@$(call FOUND,$(VERILATOR),install Verilator 5 or give VERILATOR=; in its Python package it is bin/verilator)
\t$(VERILATOR) --binary --timing -CFLAGS "-std=c++20 -fcoroutines" -Wno-fatal -Wno-lint -Wno-style \\
\t\t--output-split 0 --top-module NAME_bench -Mdir obj_dir -o NAME_bench NAME_bench.v NAME.v > verilator_build.log
\tobj_dir/NAME_bench > verilator.log || { cat verilator.log; exit 1; }
\t@cat verilator.log
\t@grep -q '^PASS' verilator.log

clean:
\trm -rf obj_dir NAME_bench.vvp icarus.log verilator.log verilator_build.log

.PHONY: all icarus verilator clean
"""
