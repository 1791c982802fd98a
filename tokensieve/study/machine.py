"""A unit on the simulator that was asked for, ready to play cases."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokensieve import __version__
from tokensieve.arch.machine import Arch

if TYPE_CHECKING:
    from tokensieve.rtl.flow.case import Case, Record
    from tokensieve.rtl.flow.harness.base import Harness
    from tokensieve.rtl.flow.verilator import Build
    from tokensieve.study.cosim import Request
    from tokensieve.study.units.base import Unit


class Machine:
    """Plays cases on Amaranth's simulator, or on Verilator once it has been given a build."""

    def __init__(self, component: Any, built: "Build | None", waves: Path | None) -> None:
        self._component, self._built, self._waves = component, built, waves
        self.verilog_sha256: str | None = None
        self.waves_file: Path | None = None
        self.lines: Mapping[str, int] | None = None

    def play(self, cases: "Sequence[Case]") -> "list[Record]":
        """Return what was seen in each case, and leave waves and coverage where they were asked for."""
        if self._built is None:
            from tokensieve.rtl.flow import amsim

            self.waves_file = self._waves.with_suffix(".vcd") if self._waves else None
            return amsim.run(self._component, cases, self.waves_file)
        return self._on_verilator(self._built, cases)

    def _on_verilator(self, built: "Build", cases: "Sequence[Case]") -> "list[Record]":
        from tokensieve.rtl.flow import coverage, testbench, tools, verilator

        with tempfile.TemporaryDirectory(prefix="run-", dir=tools.cache_folder("runs")) as folder:
            records = verilator.run(built, cases, Path(folder))
            if self._waves:
                self.waves_file = self._waves.with_suffix(f".{built.waves}")
                _move(Path(folder) / f"dump.{built.waves}", self.waves_file)
            if built.coverage:
                self.lines = coverage.read(Path(folder) / "coverage.dat", built.folder / "design.v", testbench.TOP)
        return records


@contextmanager
def machine_for(request: "Request", arch: Arch, harness: "Harness") -> "Iterator[Machine]":
    """Give the unit of `request`, with its planted fault if it has one."""
    from tokensieve.rtl.flow import tools
    from tokensieve.rtl.flow.mutants.base import find_mutant, planted

    if request.simulator == "verilator":
        tools.check_verilator()
    mutant = find_mutant(request.unit.name, request.mutant) if request.mutant else None
    with planted(mutant):
        component = harness.component(arch)
        if request.simulator == "amaranth":
            yield Machine(component, None, request.waves)
            return
        from tokensieve.rtl.flow import verilator

        waves = verilator.wave_format() if request.waves else ""
        built = verilator.build(component, module_name(request.unit), waves=waves, coverage=request.coverage)
    machine = Machine(component, built, request.waves)
    text = with_header(request.unit, arch, built.verilog)
    machine.verilog_sha256 = hashlib.sha256(text.encode()).hexdigest()
    yield machine


def module_name(unit: "Unit") -> str:
    """Return the name of the unit's Verilog module."""
    return unit.name.replace("-", "_")


def emitted(unit: "Unit", arch: Arch) -> str:
    """Return the Verilog of a unit, with a header that says what it was made from."""
    from tokensieve.rtl.flow.verilog import verilog_body

    return with_header(unit, arch, verilog_body(unit.harness().component(arch), module_name(unit)))


def lint_warnings(unit: "Unit", text: str) -> list[str]:
    """Return what Verilator's lint says of a unit's Verilog, but for what is waived."""
    from tokensieve.rtl.flow.lint import lint

    return lint(module_name(unit), text)


def with_header(unit: "Unit", arch: Arch, body: str) -> str:
    """Return Verilog with a comment at the top: unit, parameters, version, digest."""
    from tokensieve.rtl.flow.verilog import header

    fields = arch.model_dump(mode="json")
    parameters = {f"{group}.{name}": value for group in unit.groups for name, value in fields[group].items()}
    facts = {"tokensieve": __version__, "arch": arch.name, "arch digest": f"sha256 {arch.digest}", **parameters}
    return header(unit.name, facts) + body


def _move(source: Path, target: Path) -> None:
    """Move a file, to another file system too, so that the target is whole or not there."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    draft.write_bytes(source.read_bytes())
    os.replace(draft, target)
