"""Runs cases on Verilator, through cocotb. A design is built once: the build is kept under a digest of what made it."""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from tokensieve.arch.errors import CheckError, ToolError
from tokensieve.arch.folders import CACHE
from tokensieve.arch.primitives import Primitives
from tokensieve.rtl.flow import axiframe, tools
from tokensieve.rtl.flow.axitop import axi_bench_text
from tokensieve.rtl.flow.border import border_of
from tokensieve.rtl.flow.case import Case, Ports, Record
from tokensieve.rtl.flow.cells import models_in
from tokensieve.rtl.flow.exchange import read_records, write_cases
from tokensieve.rtl.flow.player import check
from tokensieve.rtl.flow.ports import ports_of
from tokensieve.rtl.flow.verilog import unit_verilog
from tokensieve.rtl.flow.wrapper import TOP, bench_text

_ARGS = ("--no-public-flat-rw", "-Wno-fatal", "-Wno-lint", "-Wno-style", "--output-split", "200000")
"""cocotb's runner makes every net public; the test bench has said which it needs. Warnings are `lint`'s business.

A design in one piece of C++ takes 16 s of CPU time and 5 MB where several, with two precompiled headers, take 26 s and
143 MB (top-k at 1,024 tokens). Only the largest are cut.
"""

_TEST = "tokensieve.rtl.flow.bench"
_AXI_TEST = "tokensieve.rtl.flow.axibench"
_LOG = "log.txt"

CASES, RECORDS = "TOKENSIEVE_CASES", "TOKENSIEVE_RECORDS"
"""Environment variables that name the two files through which the test bench talks."""

AXI = "TOKENSIEVE_AXI"
"""Environment variable that holds the buses of a unit in its AXI4-Stream wrapper."""


@dataclass(frozen=True, kw_only=True)
class Build:
    """A unit that is ready to run."""

    folder: Path
    """Folder of the executable."""

    ports: Ports
    """Ports of the unit."""

    verilog: str
    """Its Verilog, without a header."""

    waves: str = ""
    """Kind of wave file that it can write: nothing, ``vcd`` or ``fst``."""

    coverage: bool = False
    """Whether it counts lines and toggles."""

    axi: str = ""
    """Buses, as text, of a unit in its AXI4-Stream wrapper; nothing for any other."""


def build(
    component: wiring.Component, name: str, *, waves: str = "", coverage: bool = False,
    tell: Callable[[str], None] | None = None, primitives: Primitives = "generic",
) -> Build:  # fmt: skip
    """Return `component`, as the Verilog module `name` made of `primitives`, built for Verilator.

    `tell` gets a line before a build that takes a while.
    """
    tools.check_verilator()
    axi = axiframe.written(component.buses) if axiframe.is_axi(component) else ""
    unit = unit_verilog(component, name, primitives)
    ports = ports_of(component.unit if axi else component)
    bench = axi_bench_text(name, component) if axi else bench_text(name, ports, border_of(component))
    text = unit + bench + models_in(unit, primitives)
    args = [*_ARGS, *_wave_args(waves), *(["--coverage-line", "--coverage-toggle"] if coverage else [])]
    folder = tools.cache_folder("verilator") / _key(text, args, waves)
    if len(folder.as_posix().split()) != 1:
        raise ToolError(f"make cannot build in a folder with spaces, {folder}: set {CACHE} to another")

    def make(draft: Path) -> None:
        if tell is not None:
            tell(f"building {name} for Verilator, once for this hardware: seconds to minutes ...")
        _build(draft, text, args, bool(waves))

    tools.made_once(folder, make)
    return Build(folder=folder, ports=ports, verilog=unit, waves=waves, coverage=coverage, axi=axi)


def wave_format() -> str:
    """Return the kind of wave file that can be written here: FST where its libraries' headers are, VCD everywhere."""
    folders = [Path("/usr/include"), Path("/usr/local/include")]
    there = all(any((folder / name).exists() for folder in folders) for name in ("lz4.h", "zlib.h"))
    return "fst" if there else "vcd"


def _wave_args(waves: str) -> list[str]:
    return ["--trace-fst"] if waves == "fst" else []


def _key(text: str, args: Sequence[str], waves: str) -> str:
    """Return the digest of all that a build depends on; it links to cocotb where that is installed."""
    import cocotb_tools.config

    versions = tools.versions("verilator", "cocotb")
    return tools.digest(text, *args, waves, *versions.values(), str(cocotb_tools.config.libs_dir))


def _build(folder: Path, text: str, args: Sequence[str], waves: bool) -> None:
    source = folder / "design.v"
    source.write_text(text)
    with _runner(folder) as runner:
        runner.build(
            sources=[source], hdl_toplevel=TOP, build_dir=folder, build_args=list(args), waves=waves,
            timescale=("1ns", "1ps"), log_file=folder / _LOG,
        )  # fmt: skip
    if not (folder / TOP).exists():
        raise ToolError(f"Verilator made no executable: {tools.last_words(folder / _LOG)}")


def run(built: Build, cases: Sequence[Case], folder: Path | None = None) -> list[Record]:
    """Return what was seen in each of `cases`, run in one process. Waves and coverage are left in `folder`."""
    for case in cases:
        check(built.ports, case)
    if folder is not None:
        return _run(built, cases, folder.absolute())
    with tempfile.TemporaryDirectory(prefix="run-", dir=tools.cache_folder("runs")) as temporary:
        return _run(built, cases, Path(temporary))


def _run(built: Build, cases: Sequence[Case], folder: Path) -> list[Record]:
    results, records = folder / "results.xml", folder / "records.json"
    write_cases(folder / "cases.json", built.ports, cases)
    told = {CASES: str(folder / "cases.json"), RECORDS: str(records), AXI: built.axi}
    with _runner(folder) as runner:
        runner.test(
            test_module=_AXI_TEST if built.axi else _TEST, hdl_toplevel=TOP, hdl_toplevel_lang="verilog",
            build_dir=built.folder, test_dir=folder, results_xml=str(results), waves=bool(built.waves), extra_env=told,
            log_file=folder / _LOG, timescale=("1ns", "1ps"),
        )  # fmt: skip
    _check_results(results, folder / _LOG)
    found = read_records(records)
    assert len(found) == len(cases), f"{len(cases)} cases were asked for, {len(found)} were played"
    return found


def _check_results(results: Path, log: Path) -> None:
    """Raise `CheckError` unless the one test ran and passed. What the runner returns says nothing about that."""
    from cocotb_tools.check_results import get_results

    try:
        tests, failed = get_results(results)
    except RuntimeError:
        tests, failed = 0, 0
    if (tests, failed) != (1, 0):
        raise CheckError(f"the simulation did not end well: {tools.last_words(log)}")


@contextmanager
def _runner(folder: Path) -> Iterator[Any]:
    """Give cocotb's runner, which talks to the log, finds its tools by this process's environment, and may exit."""
    from cocotb_tools.runner import get_runner

    before, ours = dict(os.environ), tools.environment()
    logging.getLogger("cocotb_tools.runner").setLevel(logging.CRITICAL)
    try:
        os.environ.clear()
        os.environ.update(ours)
        runner = get_runner("verilator")
        runner.log.setLevel(logging.CRITICAL)
        yield runner
    except (RuntimeError, SystemExit) as problem:
        raise ToolError(f"Verilator: {problem}: {tools.last_words(folder / _LOG)}") from None
    finally:
        os.environ.clear()
        os.environ.update(before)
