"""Runs a Verilog module that tests itself on Verilator, without Python beside it: a clock, until it finishes."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tokensieve.arch.errors import ToolError
from tokensieve.rtl.flow import tools

_MAIN = """\
#include "Vbench.h"
int main(int argc, char** argv) {
  Verilated::commandArgs(argc, argv);
  Vbench bench;
  for (unsigned long cycle = 0; !Verilated::gotFinish() && cycle < %dUL; ++cycle) {
    bench.clk = 0;
    bench.eval();
    bench.clk = 1;
    bench.eval();
  }
  return 0;
}
"""


def run(verilog: str, limit: int, files: Mapping[str, str] = {}, arguments: Sequence[str] = ()) -> str:
    """Return what the module ``bench`` of `verilog` prints until it calls ``$finish`` or `limit` cycles are over.

    Its only port is the input ``clk``. It may read `files` by their names, and `arguments` such as ``+count=3``. A
    build is kept.
    """
    tools.check_verilator()
    key = tools.digest(verilog, str(limit), *tools.versions("verilator").values())
    built = tools.made_once(tools.cache_folder("bare") / key, lambda draft: _build(draft, verilog, limit))
    with tempfile.TemporaryDirectory(prefix="bare-", dir=tools.cache_folder("runs")) as folder:
        for name, text in files.items():
            Path(folder, name).write_text(text)
        command = [str(built / "Vbench"), *arguments]
        done = tools.start(command, cwd=folder, capture_output=True)
    if done.returncode:
        raise ToolError(f"the simulation ended with code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _build(folder: Path, verilog: str, limit: int) -> None:
    (folder / "bench.v").write_text(verilog)
    (folder / "main.cpp").write_text(_MAIN % limit)
    command = [
        "verilator", "--cc", "--exe", "--build", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--x-initial", "fast",
        "-O3", "--output-split", "0", "--no-timing", "--top-module", "bench", "-Mdir", ".", "bench.v", "main.cpp",
    ]  # fmt: skip
    done = tools.start(command, cwd=folder, env=tools.environment(), capture_output=True)
    if done.returncode:
        raise ToolError(f"Verilator made no executable: {(done.stderr or done.stdout)[-1500:]}")
