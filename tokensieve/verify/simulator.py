"""A unit on the simulator that was asked for, ready to play cases."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokensieve.arch.machine import Arch
from tokensieve.verify.request import Request
from tokensieve.verify.verilog import module_name, with_header

if TYPE_CHECKING:
    from tokensieve.rtl.flow.case import Case, Record
    from tokensieve.rtl.flow.harness.base import Harness
    from tokensieve.rtl.flow.verilator import Build


class Simulator:
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
        from tokensieve.rtl.flow import coverage, tools, verilator, wrapper

        with tempfile.TemporaryDirectory(prefix="run-", dir=tools.cache_folder("runs")) as folder:
            records = verilator.run(built, cases, Path(folder))
            if self._waves:
                self.waves_file = self._waves.with_suffix(f".{built.waves}")
                _move(Path(folder) / f"dump.{built.waves}", self.waves_file)
            if built.coverage:
                self.lines = coverage.read(Path(folder) / "coverage.dat", built.folder / "design.v", wrapper.TOP)
        return records


@contextmanager
def simulator_for(
    request: Request, arch: Arch, harness: "Harness", tell: Callable[[str], None] | None = None
) -> Iterator[Simulator]:
    """Give the unit of `request`, with its planted fault if it has one; `tell` is told when it has to be built."""
    from tokensieve.rtl.flow import tools

    if request.simulator == "verilator":
        tools.check_verilator()
    with request.fault.planted() if request.fault else nullcontext():
        component = harness.component(arch)
        if request.simulator == "amaranth":
            yield Simulator(component, None, request.waves)
            return
        from tokensieve.rtl.flow import verilator

        waves = verilator.wave_format() if request.waves else ""
        built = verilator.build(
            component, module_name(request.unit), waves=waves, coverage=request.coverage, tell=tell,
            primitives=arch.primitives,
        )  # fmt: skip
    simulator = Simulator(component, built, request.waves)
    text = with_header(request.unit, arch, built.verilog)
    simulator.verilog_sha256 = hashlib.sha256(text.encode()).hexdigest()
    yield simulator


def _move(source: Path, target: Path) -> None:
    """Move a file, to another file system too, so that the target is whole or not there."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    draft.write_bytes(source.read_bytes())
    os.replace(draft, target)
