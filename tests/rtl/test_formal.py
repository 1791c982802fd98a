"""Claims of the hardware, proved; and planted faults, refuted."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import pytest
from amaranth.hdl import Fragment

from tokensieve.arch.errors import TokensieveError
from tokensieve.cli.app import call
from tokensieve.rtl.flow import formal
from tokensieve.rtl.flow.claims import CLAIMS, claims_of, streams, unit_names
from tokensieve.rtl.flow.formal import prove
from tokensieve.rtl.flow.mutants.base import Mutant, find_mutant
from tokensieve.verify.units import UNITS

QUICK = [
    ("stage", "holds-one-beat"),
    ("banked-fifo", "reads-what-was-written"),
    ("compactor", "ranks"),
    ("zero-eliminator", "stream-rules"),
    ("topk", "bitserial-keeps-the-largest"),
    ("topk", "radix-stream-rules"),
]
"""What is proved in every run of the tests; `tokensieve prove all` does all."""

TAKES_BACK = Mutant(
    name="beat-taken-back",
    module="tokensieve.rtl.zero_eliminator",
    old="with m.If(free):\n            m.d.sync += self.o.valid.eq(wants)",
    new="m.d.sync += self.o.valid.eq(wants)\n        with m.If(free):",
    why="a beat that waits is no longer offered",
)
FULL_STAGE = Mutant(
    name="full-stage",
    module="tokensieve.rtl.pipe",
    old="self.i.ready.eq(~self.o.valid | self.o.ready)",
    new="self.i.ready.eq(self.o.ready)",
    why="an empty register takes nothing while its sink is not ready",
)
ROWS_GO_ON = Mutant(
    name="rows-go-on",
    module="tokensieve.rtl.topk",
    old="Mux(self._last, 0, self._row + 1)",
    new="self._row + 1",
    why="a command's first beat is not number 0 unless the one before filled the memory",
)
ONE_BEAT = (
    "it offers a beat exactly while it holds one",
    "it offers the beat that came",
    "it takes a beat unless one stays",
)
FAULTS = [
    ("stage", "holds-one-beat", FULL_STAGE, "it takes a beat unless one stays"),
    ("zero-eliminator", "stream-rules", TAKES_BACK, "o takes its valid back"),
    (
        "zero-eliminator",
        "items-4",
        find_mutant("zero-eliminator", "rest-lost"),
        "items leave as they came and in the order that they came in",
    ),
    ("compactor", "ranks", find_mutant("zero-eliminator", "offset-stays"), "the offset is the model's in gaps too"),
    (
        "banked-fifo",
        "reads-what-was-written",
        find_mutant("quickselect", "quickselect-same-place"),
        "an item is read back from its place",
    ),
    (
        "token-gather",
        "fetches-the-vectors",
        find_mutant("token-gather", "step-without-reset"),
        "a byte of a vector is what memory holds",
    ),
    (
        "token-gather",
        "fetches-the-vectors",
        find_mutant("token-gather", "illegal-fetched"),
        "a packet ends with the vector of its last token",
    ),
    (
        "cascade-pruner",
        "obeys-the-legal",
        find_mutant("cascade-pruner", "grows-anyway"),
        "the event has the code of its reason, in the commands' order",
    ),
    ("topk", "bitserial-keeps-the-largest", find_mutant("topk", "tie-too-few"), "exactly min(k, n) items leave"),
    ("topk", "bitserial-keeps-the-largest", find_mutant("topk", "last-ties"), "only what is to be kept leaves"),
    ("topk", "bitserial-two-commands", ROWS_GO_ON, "a score has its own index"),
    ("topk", "wire-loses-nothing", find_mutant("topk", "wire-early"), "a wire waits until the command before has left"),
    ("topk", "wire-loses-nothing", find_mutant("topk", "wire-index-stays"), "a wire's items have their indices"),
    ("topk", "wire-loses-nothing", find_mutant("topk", "wire-beats-full"), "a wire's beats are full to the end"),
    *(
        pytest.param(
            "fixed-length-pruner", claim, find_mutant("fixed-length-pruner", name), why, marks=pytest.mark.long
        )
        for claim, name, why in (
            ("two-sequences-in-time", "short-early", "a beat leaves when the law says so"),
            ("two-sequences-in-time", "keeps-one-less", "only what is to be kept leaves"),
            ("two-sequences", "late-not-awaited", "only what is to be kept leaves"),
        )
    ),
]


def find_claim(unit, name):
    """Return the claim `name` of `unit`."""
    (claim,) = claims_of(unit, name)
    return claim


@pytest.mark.parametrize(("unit", "name"), QUICK)
def test_what_is_claimed_is_proved(unit, name):
    proof = prove(find_claim(unit, name))

    assert (proof.status, proof.why) == ("proved", "")


@pytest.mark.parametrize(("unit", "name", "fault", "why"), FAULTS, ids=lambda one: getattr(one, "name", None))
def test_a_planted_fault_is_refuted_with_the_claim_that_it_breaks(unit, name, fault, why):
    """Alone, as some faults break several assertions in one cycle, and a solver may find any of these broken first."""
    proof = prove(find_claim(unit, name), fault, only=why)

    assert (proof.status, proof.why) == ("failed", why)
    assert (proof.folder / "engine_0" / "trace.vcd").exists()


def test_two_commands_in_a_row_keep_the_largest_of_each_in_their_first_cycles():
    """As far as is quick: through wires, commands that keep nothing, and into the first search."""
    assert prove(replace(find_claim("topk", "bitserial-two-commands"), depth=12)).status == "proved"


def test_so_does_a_bit_serial_search_whose_scores_lie_in_several_banks(monkeypatch):
    monkeypatch.setattr("tokensieve.rtl.search.bitserial._BANK", 2)

    assert prove(find_claim("topk", "bitserial-two-commands")).status == "proved"


@pytest.mark.long
def test_a_fault_between_commands_is_not_seen_by_the_claim_about_one():
    assert prove(find_claim("topk", "bitserial-keeps-the-largest"), ROWS_GO_ON).status == "proved"


def test_of_a_claim_that_is_broken_in_part_the_other_parts_are_proved_alone():
    claim, (*whole, broken) = find_claim("stage", "holds-one-beat"), ONE_BEAT

    assert [prove(claim, FULL_STAGE, only=words).status for words in whole] == ["proved", "proved"]
    assert prove(claim, FULL_STAGE).why == broken


def test_words_that_no_assertion_has_are_refused():
    message = (
        r"only must be one of it offers a beat .*, got 'it offers .*'; did you mean 'it offers the beat that came'"
    )
    with pytest.raises(TokensieveError, match=message):
        prove(find_claim("stage", "holds-one-beat"), only="it offers the beat that comes")


@pytest.mark.parametrize("first", ["basecase", "induction"])
def test_what_is_said_to_be_broken_is_so_in_the_run_from_reset_whichever_run_tells_first(first, monkeypatch):
    """A proof by induction is two runs side by side, and the other one begins in any state."""
    broken = {"basecase": ONE_BEAT[0], "induction": ONE_BEAT[1]}

    def log(folder):
        cells = re.findall(r'cell \$check \$(\d+)\n +parameter \\FORMAT "(.+)"', (folder / "design.il").read_text())
        number = {words: cell for cell, words in cells}
        lines = {run: f"Assert failed in claim: x.py:1 (_witness_.check_{number[broken[run]]})" for run in broken}
        told = sorted(lines, key=lambda run: run != first)
        return "failed", "\n".join(f"SBY 1:02:03 [job] engine_0.{run}: ##   0:00:00  {lines[run]}" for run in told)

    monkeypatch.setattr(formal, "_run", log)

    assert prove(find_claim("stage", "holds-one-beat")).why == broken["basecase"]


def test_a_claim_that_no_induction_closes_is_open_and_not_proved():
    claim = replace(find_claim("block-queue", "keeps-order"), method="induction", depth=3)

    assert prove(claim).status == "open"


@pytest.mark.long
@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.unit}-{claim.name}")
def test_all_that_is_claimed_is_proved(claim):
    assert prove(claim).status == "proved"


def test_every_unit_has_its_stream_rules_proved():
    covered = {claim.unit for claim in streams.CLAIMS}

    assert covered >= {unit for unit in UNITS if not unit.startswith("axi-")}
    assert {claim.name.partition("-")[0] for claim in claims_of("topk")} == {*streams.ENGINES, "wire"}


@pytest.mark.parametrize("unit", unit_names())
def test_the_unit_of_every_claim_is_found(unit):
    assert all(Fragment.get(claim.bench(), None).subfragments for claim in claims_of(unit))


def test_claims_have_names_of_their_own_and_say_how_long_they_hold():
    names = [(claim.unit, claim.name) for claim in CLAIMS]

    assert len(names) == len(set(names))
    assert find_claim("stage", "holds-one-beat").holds == "always, 2-induction"
    assert find_claim("zero-eliminator", "items-4").holds == "for 8 cycles after reset, bmc"


def test_the_page_lists_every_claim_with_how_long_it_holds(root):
    page = (root / "docs" / "explanation" / "formal.md").read_text()

    for claim in CLAIMS:
        assert f"| `{claim.unit}` | `{claim.name}` | {claim.says} | {claim.holds} |" in page


def test_an_unknown_unit_is_refused_with_the_known_ones():
    with pytest.raises(TokensieveError, match=r"unit must be all or one of stage, .* got 'topkk'; did you mean 'topk'"):
        claims_of("topkk")


def test_the_command_prints_method_and_seconds_and_exits_with_0(monkeypatch, capsys):
    clock = iter([10.0, 12.54])  # a proof takes as long as the machine likes
    monkeypatch.setattr(formal, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    code = call(["prove", "stage", "--json"])
    out, err = capsys.readouterr()

    assert code == 0
    assert err.startswith("stage holds-one-beat: proved (always, 2-induction, 2.5 s)\n")
    (told,) = json.loads(out)["results"]
    assert (told["unit"], told["status"], told["method"], told["depth"]) == ("stage", "proved", "induction", 2)
    assert told["seconds"] == 2.5


def test_the_command_exits_with_1_where_a_claim_does_not_hold(capsys):
    code = call(["prove", "zero-eliminator", "--claim", "items-4", "--mutant", "zero-eliminator:rest-lost"])

    assert code == 1
    assert "does not hold: items leave as they came" in capsys.readouterr().out


@pytest.mark.parametrize("unit", ["topk", "all"])
def test_the_command_refuses_a_claim_that_nobody_makes(unit, capsys):
    assert call(["prove", unit, "--claim", "nothing"]) == 2
    assert f"{unit} has no claim 'nothing'; --list shows them" in capsys.readouterr().err


def test_the_command_exits_with_3_without_its_tools(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("tokensieve.rtl.flow.tools.scripts", lambda: tmp_path)

    assert call(["prove", "stage"]) == 3
    assert "yowasp-sby is missing: pip install" in capsys.readouterr().err


def test_the_command_lists_what_is_claimed(capsys):
    assert call(["prove", "--list"]) == 0

    printed = capsys.readouterr().out
    assert all(f"{claim.unit} {claim.name}: {claim.says}" in " ".join(printed.split()) for claim in CLAIMS)
    assert {*unit_names(), *UNITS} == {line.split()[0] for line in printed.splitlines() if ":" in line}
