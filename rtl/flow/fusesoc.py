"""A core file beside the Verilog, with which FuseSoC takes a unit into a design (CAPI2)."""

from collections.abc import Iterable


def core_file(name: str, version: str, says: str, bench: Iterable[str] = ()) -> str:
    """Return the core file of the module `name`: a synthesizable default target, a lint and, with `bench`, simulation.

    `bench` are the files of its test bench, the Verilog among them; `says` is one line.
    """
    files = list(bench)
    sources = [file for file in files if file.endswith(".v")]
    lines = [
        "CAPI=2:", f"name: tokensieve:units:{name}:{version}", f'description: "{says}"', "",
        "filesets:", "  rtl:", "    files:", f"      - {name}.v", "    file_type: verilogSource-2005",
        "  waivers:", "    files:", "      - waivers.vlt", "    file_type: vlt",
    ]  # fmt: skip
    if files:
        lines += ["  bench:", "    files:"]
        lines += [f"      - {file}" for file in sources]
        lines += [
            f"      - {file}: {{file_type: user, copyto: {file}}}" for file in files if file.endswith(".hex")
        ]  # they are read from the folder in which the simulation runs
        lines += ["    file_type: verilogSource-2005"]
    lines += [
        "", "targets:", "  default:", "    filesets: [rtl]", f"    toplevel: {name}",
        "  lint:", "    default_tool: verilator", "    filesets: [waivers, rtl]", "    tools:", "      verilator:",
        "        mode: lint-only", "        verilator_options: [-Wall]", f"    toplevel: {name}",
    ]  # fmt: skip
    if files:
        lines += [
            "  sim:", "    default_tool: icarus", "    filesets: [rtl, bench]", "    tools:", "      icarus:",
            "        iverilog_options: [-g2005]", "      verilator:", "        mode: binary",
            '        verilator_options: [--timing, -Wno-fatal, -CFLAGS, "-std=c++20 -fcoroutines"]',
            f"    toplevel: {name}_bench",
        ]  # fmt: skip
    return "\n".join([*lines, ""])
