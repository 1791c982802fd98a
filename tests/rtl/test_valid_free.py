"""No valid and no payload waits for ready: ways through a flat netlist, and what the claim says of units and faults."""

import json

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Out

from tokensieve.arch import load_arch
from tokensieve.cli.app import call
from tokensieve.rtl.beats import event
from tokensieve.rtl.flow.mutants.base import Mutant, find_mutant
from tokensieve.rtl.flow.valid_free import way_from_ready
from tokensieve.verify import valid_free as claim
from tokensieve.verify.units import UNITS, find_unit
from tokensieve.verify.units.axi import on_axi

SMALL = ("topk.max_tokens=13", "topk.lanes=4", "topk.score_bits=8", "softmax.probability_bits=8")
SAMPLE = ("zero-eliminator", "requant-decision", "head-accumulator", "axi-zero-eliminator")
"""What is looked at in every run of the tests; the others take longer."""

EVERY = [(name, engine) for name in UNITS for engine in find_unit(name).engines()]


class Waits(wiring.Component):
    """An output of two bits that may depend on its own `ready`, in the way that `how` names."""

    def __init__(self, how):
        super().__init__({"o": Out(stream.Signature(2)), "saw": Out(event(1))})
        self._how = how

    def elaborate(self, platform):
        m, ready, now = Module(), self.o.ready, Signal(2)
        m.d.comb += [self.o.valid.eq(1), self.o.payload.eq(now)]
        m.d.sync += now.eq(now + 1)
        match self._how:
            case "gate":
                m.d.comb += self.o.valid.eq(now[0] & ready)
            case "choice":
                with m.If(ready):
                    m.d.comb += self.o.payload.eq(1)
            case "carry":
                m.d.comb += self.o.payload[1].eq((now + ready)[1])
            case "memory" | "clocked memory":
                m.submodules.memory = memory = Memory(shape=1, depth=2, init=[0, 1])
                read = memory.read_port(domain="comb" if self._how == "memory" else "sync")
                m.d.comb += [read.addr.eq(ready), self.o.valid.eq(read.data)]
            case "register":
                m.d.sync += now.eq(now + ready + 1)
            case "other bit":
                both = Signal(2)
                m.d.comb += [both.eq(now ^ ready), self.o.payload.eq(both[1])]
            case "event":
                m.d.comb += [self.saw.valid.eq(ready), self.saw.payload.eq(ready)]
        return m


@pytest.mark.parametrize("how", ["gate", "choice", "carry", "memory"])
def test_a_way_from_ready_is_found_through_gates_and_memories_without_a_clock(how):
    way = way_from_ready(Waits(how))

    assert way[0].net == "o__ready"
    assert way[-1].net.startswith(("o__valid", "o__payload"))
    assert how == "memory" or any(step.source.startswith("rtl/test_valid_free.py:") for step in way)


@pytest.mark.parametrize("how", ["register", "clocked memory", "other bit", "event"])
def test_registers_clocked_memories_other_bits_and_events_are_no_way(how):
    assert way_from_ready(Waits(how)) is None


def way(name, engine, size, fault=None):
    """Return a way in a unit with a fault, if there is one."""
    unit, arch = find_unit(name), load_arch("spatten", size)
    if fault is None:
        return way_from_ready(unit.harness().component(unit.arch(arch, engine)))
    with fault.planted():
        return way_from_ready(unit.harness().component(unit.arch(arch, engine)))


@pytest.mark.parametrize("name", SAMPLE)
def test_a_unit_s_outputs_wait_for_no_ready_and_a_fault_that_makes_them_wait_is_found(name):
    found = way(name, "", SMALL, find_mutant(name, "valid-waits"))

    assert way(name, "", SMALL) is None
    assert found[0].net.endswith("ready")
    assert found[-1].net.endswith("valid")


@pytest.mark.long
@pytest.mark.parametrize("size", [SMALL, ()], ids=["small", "spatten"])
@pytest.mark.parametrize(("name", "engine"), EVERY)
def test_no_output_of_any_unit_waits_for_ready_and_a_fault_is_found_in_each(name, engine, size):
    assert way(name, engine, size) is None
    assert way(name, engine, size, find_mutant(name, "valid-waits"))


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in UNITS if not name.startswith("axi-")])
def test_no_output_of_a_wrapped_unit_waits_for_ready(name):
    unit = on_axi(find_unit(name))
    arch = unit.arch(load_arch("spatten", SMALL), unit.engines()[0])

    assert way_from_ready(unit.harness().component(arch)) is None


def test_the_command_names_the_way_and_two_copies_that_come_to_differ(capsys):
    sets = [word for one in SMALL for word in ("--set", one)]
    asked = ["prove", "zero-eliminator", "--claim", "valid-free", *sets]

    assert call([*asked, "--mutant", "zero-eliminator:valid-waits"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("zero-eliminator valid-free: failed (always, netlist, ")
    assert "  does not hold: o offers whatever ready is\n  way o__ready > o__valid (rtl/zero_eliminator.py:" in said
    assert said.rstrip().endswith("engine_0/trace.vcd")

    assert call([*asked, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["unit"], told["claim"], told["status"], told["way"]) == ("zero-eliminator", claim.NAME, "proved", [])


def test_a_way_that_was_not_seen_to_matter_leaves_the_claim_open(monkeypatch):
    monkeypatch.setattr(claim, "DEPTH", 3)  # no beat has come through by then
    fault = find_mutant("axi-zero-eliminator", "valid-waits")
    unit = find_unit("axi-zero-eliminator")
    told = claim.valid_free(unit, "", load_arch("spatten", SMALL), fault)

    assert (told.status, told.waves) == ("open", None)
    assert told.why == "a way exists, though two small copies are alike for 3 cycles"
    assert [step.net for step in told.way][:: len(told.way) - 1] == ["m_axis_o_tready", "m_axis_o_tvalid"]


def test_payloads_that_wait_are_told_from_valids_that_do():
    connects = "wiring.connect(m, beats.o, wiring.flipped(self.o))"
    fault = Mutant(
        name="payload-waits",
        module="tokensieve.rtl.zero_eliminator",
        old=connects,
        new=f"{connects}; m.d.comb += self.o.p.last.eq(self.o.ready)",
        why="a payload follows ready",
    )

    assert way("zero-eliminator", "", SMALL, fault)[-1].net.startswith("o__payload")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["topk", "--engine", "radix"], "--engine, --arch and --set are for --claim valid-free"),
        (["stage", "--claim", "valid-free"], "stage has no claim 'valid-free'; --list shows them"),
        (["topk", "--claim", "valid-free", "--engine", "radx"], "got 'radx'; did you mean 'radix'"),
        (["axi-topkk"], "got 'axi-topkk'; did you mean 'axi-topk'"),
    ],
)
def test_what_cannot_be_asked_is_refused(words, message, capsys):
    assert call(["prove", *words]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
