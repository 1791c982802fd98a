"""Verilator's lint over generated Verilog, all warnings on, with the waivers of ``waivers.vlt``."""

import tempfile
from pathlib import Path

from tokensieve.rtl.flow import tools

WAIVERS = Path(__file__).with_name("waivers.vlt")
"""What is waived, and why."""


def lint(name: str, verilog: str, cells: str = "") -> list[str]:
    """Return the warnings about the module `name` that are not waived, each in one line.

    Nothing is said of the models `cells` of an FPGA's cells.
    """
    tools.version_of("verilator")
    with tempfile.TemporaryDirectory(prefix="lint-", dir=tools.cache_folder("runs")) as folder:
        Path(folder, f"{name}.v").write_text(verilog)
        files = [str(WAIVERS), f"{name}.v"]
        if cells:
            Path(folder, "cells.v").write_text(cells)
            Path(folder, "cells.vlt").write_text('`verilator_config\nlint_off -file "*cells.v"\n')
            files = ["cells.vlt", *files, "cells.v"]
        command = ["verilator", "--lint-only", "-Wall", "-Wno-fatal", "--top-module", name, *files]
        env = tools.environment()
        done = tools.start(command, cwd=folder, env=env, capture_output=True)
    warnings = [line for line in done.stderr.splitlines() if line.startswith(("%Warning", "%Error"))]
    if done.returncode and not warnings:
        warnings = [f"verilator ended with code {done.returncode}: {done.stderr.strip()}"]
    return warnings
