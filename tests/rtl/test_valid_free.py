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
from tokensieve.rtl.flow.netlist import netlist_of
from tokensieve.rtl.flow.valid_free import handshakes, way_from_ready
from tokensieve.verify import valid_free as claim
from tokensieve.verify.units import UNITS, find_unit
from tokensieve.verify.units.axi import on_axi

SMALL = ("topk.max_tokens=13", "topk.lanes=4", "topk.score_bits=8", "softmax.probability_bits=8")
SAMPLE = ("zero-eliminator", "requant-decision", "head-accumulator", "axi-zero-eliminator")
"""What is looked at in every run of the tests; the others take longer."""

EVERY = [(name, engine) for name in UNITS for engine in find_unit(name).engines()]


WAYS = ("gate", "choice", "carry", "memory")
NO_WAYS = ("register", "clocked_memory", "other_bit", "event")


class Outputs(wiring.Component):
    """Outputs of two bits, each named after the way in which it depends, or does not, on its own `ready`."""

    _MustUse__silence = True  # a test wants its ports alone

    def __init__(self):
        outputs = {name: Out(stream.Signature(2)) for name in (*WAYS, *NO_WAYS)}
        super().__init__({**outputs, "saw": Out(event(1))})

    def elaborate(self, platform):
        m, now, both = Module(), Signal(2), Signal(2)
        m.d.sync += now.eq(now + self.register.ready + 1)
        for name in (*WAYS, *NO_WAYS):
            m.d.comb += [getattr(self, name).valid.eq(1), getattr(self, name).payload.eq(now)]
        m.d.comb += self.gate.valid.eq(now[0] & self.gate.ready)
        with m.If(self.choice.ready):
            m.d.comb += self.choice.payload.eq(1)
        m.d.comb += self.carry.payload[1].eq((now + self.carry.ready)[1])
        for output, domain in ((self.memory, "comb"), (self.clocked_memory, "sync")):
            m.submodules[domain] = memory = Memory(shape=1, depth=2, init=[0, 1])
            read = memory.read_port(domain=domain)
            m.d.comb += [read.addr.eq(output.ready), output.valid.eq(read.data)]
        m.d.comb += [both.eq(now ^ self.other_bit.ready), self.other_bit.payload.eq(both[1])]
        m.d.comb += [self.saw.valid.eq(self.event.ready), self.saw.payload.eq(now[0])]
        return m


@pytest.fixture(scope="module")
def outputs():
    return netlist_of(Outputs())


@pytest.mark.parametrize("name", WAYS)
def test_a_way_from_ready_is_found_through_gates_and_memories_without_a_clock(name, outputs):
    way = outputs.way(f"{name}__ready", [f"{name}__valid", f"{name}__payload"])

    assert way[0].net == f"{name}__ready"
    assert way[-1].net in (f"{name}__valid", f"{name}__payload[0]", f"{name}__payload[1]")
    assert name != "gate" or way[1].source.startswith("rtl/test_valid_free.py:")


@pytest.mark.parametrize("name", NO_WAYS)
def test_registers_clocked_memories_other_bits_and_events_are_no_way(name, outputs):
    assert outputs.way(f"{name}__ready", [f"{name}__valid", f"{name}__payload"]) is None


def test_an_event_may_follow_ready(outputs):
    assert outputs.way("event__ready", ["saw__valid"])
    assert "saw" not in [one.name for one in handshakes(Outputs())]


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


@pytest.mark.parametrize(
    ("sets", "fault"),
    [
        (["embedding_beats=2"], "embedding-valid-waits"),
        (["embedding_beats=2", "embedding_bits=16", "score_source=embedding_norm"], "embedding-valid-waits"),
        (["score_source=accumulated", "query_rows=3"], "valid-waits"),
    ],
    ids=["embeddings", "norms", "sums"],
)
def test_no_output_of_the_pruner_with_more_than_tokens_waits_for_ready_and_a_fault_is_found(sets, fault):
    size = ("max_tokens=5", "keep=2", "lanes=2", "engines=1", *sets)
    size = tuple(f"pruner.{one}" for one in size)

    assert way("fixed-length-pruner", "", size) is None
    assert way("fixed-length-pruner", "", size, find_mutant("fixed-length-pruner", fault))


def test_the_command_names_the_way_and_two_copies_that_come_to_differ(capsys):
    sets = [word for one in SMALL for word in ("--set", one)]
    asked = ["prove", "zero-eliminator", "--claim", "valid-free", *sets]

    assert call([*asked, "--mutant", "zero-eliminator:valid-waits"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("zero-eliminator valid-free: failed (always, netlist, ")
    assert "  does not hold: o offers whatever ready is\n  way o__ready > o__valid (rtl/zero_eliminator.py:" in said
    assert said.rstrip().endswith("engine_0/trace.vcd")

    assert call([*asked, "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["results"]
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
        (["topk", "--mutant", "x"], "--mutant must be UNIT:NAME, for example topk:valid-waits, got 'x'"),
    ],
)
def test_what_cannot_be_asked_is_refused(words, message, capsys):
    assert call(["prove", *words]) == 2
    assert message in " ".join(capsys.readouterr().err.split())
