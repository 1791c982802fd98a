"""The Makefile beside a stand-alone test bench: both simulators, each with its whole command line."""


def makefile(name: str) -> str:
    """Return the Makefile for the module `name`."""
    return _MAKEFILE.replace("NAME", name)


_MAKEFILE = """\
# make icarus     needs Icarus Verilog (Debian: iverilog), 11 or newer
# make verilator  needs Verilator 5 or newer and a C++20 compiler
# Both end with a line that begins with PASS, or fail.

all: icarus verilator

icarus:
\tiverilog -g2005 -Wall -Wno-timescale -o NAME_bench.vvp NAME_bench.v NAME.v
\tvvp -n NAME_bench.vvp > icarus.log
\t@cat icarus.log
\t@grep -q '^PASS' icarus.log

verilator:
\tverilator --binary --timing -CFLAGS "-std=c++20 -fcoroutines" -Wno-fatal -Wno-lint -Wno-style \\
\t\t--output-split 0 --top-module NAME_bench -Mdir obj_dir -o NAME_bench NAME_bench.v NAME.v > verilator_build.log
\tobj_dir/NAME_bench > verilator.log
\t@cat verilator.log
\t@grep -q '^PASS' verilator.log

clean:
\trm -rf obj_dir NAME_bench.vvp icarus.log verilator.log verilator_build.log

.PHONY: all icarus verilator clean
"""
