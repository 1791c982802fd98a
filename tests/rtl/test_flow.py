"""The flow by means of a small unit of its own: a stage that adds a constant, with a probe."""

import os
import sys
from pathlib import Path

import pytest
from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import CheckError, TokensieveError, ToolError
from tokensieve.rtl.beats import event
from tokensieve.rtl.flow import amsim, coverage, exchange, tools, verilator
from tokensieve.rtl.flow.case import Case
from tokensieve.rtl.flow.lint import lint
from tokensieve.rtl.flow.mutants.base import Mutant, edited, find_mutant, mutants_of, planted
from tokensieve.rtl.flow.ports import ports_of
from tokensieve.rtl.flow.verilog import verilog_body
from tokensieve.verify.units import UNITS

WIDE = StructLayout({"value": unsigned(40), "last": 1})


class Adder(wiring.Component):
    """A register that adds a constant; a side channel of requests; a probe of what went in."""

    _MustUse__silence = True  # some tests want its ports alone

    def __init__(self, breaks: str = "") -> None:
        beat, tag = stream.Signature(WIDE), stream.Signature(unsigned(3))
        super().__init__(
            {
                "i": In(beat),
                "reply": In(tag),
                "o": Out(beat),
                "ask": Out(tag),
                "plus": In(4),
                "saw": Out(event(unsigned(40))),
            }
        )
        self._breaks = breaks

    def elaborate(self, platform):
        m, asked = Module(), Signal(3)
        free = ~self.o.valid | self.o.ready
        m.d.comb += [self.i.ready.eq(free), self.reply.ready.eq(1)]
        m.d.comb += [self.ask.valid.eq(asked < 5), self.ask.payload.eq(asked)]
        m.d.comb += [self.saw.valid.eq(self.i.valid & free), self.saw.payload.eq(self.i.p.value)]
        with m.If(free):
            m.d.sync += [self.o.valid.eq(self.i.valid), self.o.p.eq(self.i.p)]
            m.d.sync += self.o.p.value.eq(self.i.p.value + self.plus)
        with m.Elif(self._breaks == "valid"):
            m.d.sync += self.o.valid.eq(0)
        with m.Elif(self._breaks == "payload"):
            m.d.sync += self.o.p.value.eq(self.o.p.value + 1)
        with m.If(self.ask.valid & self.ask.ready):
            m.d.sync += asked.eq(asked + 1)
        return m


class Forgetful(wiring.Component):
    """Adds what it has held since before the reset, in a register or in a memory."""

    def __init__(self, kind):
        super().__init__({"i": In(stream.Signature(1)), "o": Out(stream.Signature(1))})
        self._kind = kind

    def elaborate(self, platform):
        m, held = Module(), Signal(reset_less=True)
        m.submodules.memory = memory = Memory(shape=1, depth=2, init=[])
        read, write = memory.read_port(domain="comb"), memory.write_port()
        m.d.comb += [read.addr.eq(1), write.en.eq(0), self.i.ready.eq(self.o.ready), self.o.valid.eq(self.i.valid)]
        m.d.comb += self.o.payload.eq(self.i.payload ^ (held if self._kind == "register" else read.data))
        m.d.sync += held.eq(held)
        return m


def adder_case(beats=(1, 2, 3), **fields):
    ends = {"limit": 200, **fields}
    return Case(
        beats={"i": list(beats), "reply": list(range(5))},
        expect={"o": len(beats), "ask": 5},
        after={"reply": ("ask", 2)},
        **ends,
    )


pauses = st.lists(st.integers(0, 5), max_size=8)
stalls = st.lists(st.booleans(), max_size=30)
cases = st.builds(
    lambda beats, gaps, late, o, ask, plus, resets: adder_case(
        beats, gaps={"i": gaps, "reply": late}, stalls={"o": o, "ask": ask}, constants={"plus": plus}, resets=resets
    ),
    st.lists(st.integers(0, 2**41 - 1), max_size=8), pauses, pauses, stalls, stalls, st.integers(0, 15),
    st.lists(st.integers(1, 20), max_size=2).map(tuple),
)  # fmt: skip


@pytest.fixture(scope="module")
def built(needs_tool):
    for tool, package in (("c++", "g++"), ("make", "make"), ("perl", "perl")):
        needs_tool(tool, package)
    return verilator.build(Adder(), "adder")


def test_beats_keep_their_gaps_and_wait_for_what_they_answer():
    record = amsim.run(Adder(), [adder_case(gaps={"i": [2, 0, 3]}, stalls={"ask": [False, True]})])[0]

    assert record.cycles_of("i") == [2, 3, 7]
    assert record.cycles_of("ask") == [0, 2, 3, 4, 5]
    assert record.cycles_of("reply") == [2, 4, 5, 6, 7]
    assert record.cycles_of("o") == [3, 4, 8]
    assert record.cycles == 8 + 1 + 4
    assert record.complete


def test_a_stalled_beat_stays_and_the_probe_sees_each_beat_once():
    record = amsim.run(Adder(), [adder_case(stalls={"o": [True] * 6}, constants={"plus": 5})])[0]

    assert record.transfers["o"] == ((6, 6), (7, 7), (8, 8))
    assert record.offered_of("o") == [1, 7, 8]
    assert record.events["saw"] == ((0, 1), (6, 2), (7, 3))
    assert record.broken == ()


def test_after_resets_a_case_is_played_from_its_first_beat_on():
    """The second reset comes while the unit rests, with the case played to its end."""
    fields = {"gaps": {"i": [2, 0, 3]}, "stalls": {"ask": [False, True]}, "constants": {"plus": 5}}
    plain, again = amsim.run(Adder(), [adder_case(**fields), adder_case(**fields, resets=(4, 40))])

    assert plain.complete
    assert again.same_as(plain)


@pytest.mark.parametrize("kind", ["register", "memory"])
def test_whatever_has_no_reset_holds_anything_after_it(kind):
    """What a beat of the run before, or nothing, has left would not show in every case."""
    records = amsim.run(Forgetful(kind), [Case(beats={"i": [0]}, expect={"o": 1}, limit=9)] * 8)

    assert len({payload for record in records for payload in record.payloads("o")}) == 2


def test_a_run_that_gets_nowhere_is_given_up():
    record = amsim.run(Adder(), [adder_case(stalls={"o": [True] * 100}, limit=50)])[0]

    assert (record.complete, record.cycles) == (False, 50)


def test_a_surplus_beat_is_seen():
    case = Case(beats={"i": [1, 2, 3], "reply": []}, expect={"o": 1, "ask": 5}, limit=99)

    assert len(amsim.run(Adder(), [case])[0].transfers["o"]) == 3


@pytest.mark.parametrize("fault", ["valid", "payload"])
def test_a_beat_that_is_withdrawn_or_changed_while_it_waits_is_noted(fault):
    record = amsim.run(Adder(fault), [adder_case(stalls={"o": [True] * 6})])[0]

    assert record.broken


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beats": {"i": []}}, "beats: 'reply' is missing"),
        ({"expect": {"o": 1, "ask": 5, "x": 0}}, "expect: unknown port 'x', known: o, ask"),
        ({"gaps": {"o": [1]}}, "gaps: unknown port 'o', known: i, reply"),
        ({"gaps": {"i": [-1]}}, "none is negative"),
        ({"stalls": {"i": [True]}}, "stalls: unknown port 'i'"),
        ({"after": {"reply": ("nobody", 1)}}, "after: unknown port 'nobody'"),
        ({"after": {"reply": ("ask", 0)}}, "at least 1 cycle later"),
        ({"beats": {"i": [1 << 41], "reply": []}}, "i: payloads must fit in 41 bits"),
        ({"constants": {"plus": 16}}, "plus: payloads must fit in 4 bits"),
        ({"limit": 0}, "limit is at least 1"),
        ({"resets": [3, 0]}, "resets: at least 1 cycle passes before each"),
    ],
)
def test_a_case_that_does_not_fit_the_ports_is_refused(changes, message):
    plain = {"beats": {"i": [], "reply": []}, "expect": {"o": 0, "ask": 5}, "limit": 9}

    with pytest.raises(ValueError, match=message):
        amsim.run(Adder(), [Case(**{**plain, **changes})])


@given(st.lists(cases, min_size=1, max_size=3))
def test_cases_and_records_survive_their_files(tmp_path_factory, some):
    path, ports = tmp_path_factory.mktemp("files") / "cases", ports_of(Adder())

    exchange.write_cases(path, ports, some)

    assert exchange.read_cases(path) == (ports, some)


def test_verilator_and_amaranths_simulator_see_the_same(built):
    some = []

    @settings(max_examples=60)
    @given(cases)
    def collect(case):
        some.append(case)

    collect()
    ours, theirs = amsim.run(Adder(), some), verilator.run(built, some)

    assert len(ours) == len(theirs) == len(some)
    assert all(left.same_as(right) for left, right in zip(ours, theirs, strict=True))


def test_a_build_is_found_again(built, monkeypatch):
    def fail(*_):
        raise AssertionError("built twice")

    monkeypatch.setattr(verilator, "_build", fail)

    assert verilator.build(Adder(), "adder") == built


@pytest.mark.parametrize(
    "text",
    [
        "import cocotb\n@cocotb.test()\nasync def fails(dut):\n    assert False, 'a planted failure'\n",
        "import cocotb\n",
        "import nothing_like_it\n",
    ],
    ids=["fails", "no test", "does not load"],
)
def test_a_test_bench_that_does_not_pass_is_noticed(built, text, tmp_path, monkeypatch):
    (tmp_path / "planted_bench.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(verilator, "_TEST", "planted_bench")

    with pytest.raises((CheckError, ToolError), match=r"did not end well|Verilator"):
        verilator.run(built, [adder_case()])


def test_verilog_does_not_depend_on_the_cache_and_is_made_below_tmp(tmp_path, monkeypatch):
    texts = []
    for name in ("one", "two"):
        monkeypatch.setenv(tools.CACHE, str(tmp_path / name))
        texts.append(verilog_body(Adder(), "adder"))

    assert texts[0] == texts[1]
    assert texts[0].count("module adder(") == 1


def test_lint_passes_a_unit_and_names_what_is_wrong_with_another():
    clean = verilog_body(Adder(), "adder")
    wrong = "module wrong(input [3:0] a, output [1:0] b);\n  assign b = a;\nendmodule\n"

    assert lint("adder", clean) == []
    assert any("WIDTHTRUNC" in warning for warning in lint("wrong", wrong))


def test_the_environment_is_rid_of_what_make_and_pytest_left_there(monkeypatch):
    monkeypatch.setenv("MAKEFLAGS", "w -- X=1")
    monkeypatch.setenv("VERILATOR_ROOT", "/nowhere")
    env = tools.environment()

    assert env["MAKEFLAGS"] == tools.MAKE_VARIABLES
    assert not {"VERILATOR_ROOT", "PYTEST_CURRENT_TEST"} & env.keys()
    assert env["PATH"].split(os.pathsep)[1] == str(Path(sys.executable).parent)


def test_a_missing_tool_is_named_with_its_package(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ToolError, match=r"c\+\+ is missing: apt-get install g\+\+"):
        tools.check_verilator()


def test_a_folder_that_could_not_be_filled_is_not_there(tmp_path):
    def fail(draft):
        (draft / "half").write_text("done")
        raise ToolError("no")

    with pytest.raises(ToolError):
        tools.made_once(tmp_path / "folder", fail)

    assert [path.name for path in tmp_path.iterdir()] == ["folder.lock"]


def test_coverage_counts_points_of_the_unit_alone(tmp_path):
    source = tmp_path / "design.v"
    source.write_text("if (a) begin\nif (at_start_1 ) begin end\nx\n")
    points = [
        ("v_line/unit", 1, 3),
        ("v_line/unit", 1, 0),
        ("v_line/unit", 2, 0),
        ("v_toggle/unit", 3, 1),
        ("v_line/bench", 3, 0),
    ]
    lines = [
        f"C '\x01f\x02design.v\x01l\x02{line}\x01page\x02{page}\x01h\x02top' {hits}" for page, line, hits in points
    ]
    (tmp_path / "coverage.dat").write_text("# SystemC::Coverage-3\n" + "\n".join(lines) + "\n")

    told = coverage.read(tmp_path / "coverage.dat", source, "bench")

    assert told == {"lines": 2, "lines_hit": 1, "toggles": 1, "toggles_hit": 1}


FAULTY = [*UNITS, "host-link"]


def every_mutant():
    return [pytest.param(mutant, id=f"{unit}-{mutant.name}") for unit in FAULTY for mutant in mutants_of(unit)]


@pytest.mark.parametrize("mutant", every_mutant())
def test_a_mutants_text_occurs_once_and_compiles(mutant):
    compile(edited(mutant), mutant.module, "exec")

    assert mutant.old != mutant.new


@pytest.mark.parametrize("unit", FAULTY)
def test_mutants_of_a_unit_have_names_of_their_own(unit):
    names = [mutant.name for mutant in mutants_of(unit)]

    assert len(names) == len(set(names))


def test_a_planted_fault_is_gone_afterwards():
    import tokensieve.rtl.pipe as before

    mutant = Mutant(
        name="m", module="tokensieve.rtl.pipe", old="class Stage", new="PLANTED = 1\n\n\nclass Stage", why=""
    )
    with planted(mutant):
        import tokensieve.rtl.pipe as within

        inside = hasattr(within, "PLANTED")

    assert inside
    assert sys.modules["tokensieve.rtl.pipe"] is before
    assert sys.modules["tokensieve.rtl"].pipe is before
    assert not hasattr(before, "PLANTED")


def test_an_unknown_mutant_is_refused_with_the_nearest_name():
    with pytest.raises(TokensieveError, match="did you mean 'offset-stays'"):
        find_mutant("zero-eliminator", "ofset-stays")
