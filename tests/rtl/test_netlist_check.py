"""The netlist that place and route takes, simulated: it answers as golden does, and a wrong cell in it is found."""

import json
from dataclasses import replace

import pytest

from tokensieve.arch import load_arch
from tokensieve.cli.app import call
from tokensieve.rtl.flow.bitstream.build import netlist_alone
from tokensieve.rtl.flow.bitstream.request import Request, asked
from tokensieve.rtl.flow.bitstream.resimulate import play_design
from tokensieve.rtl.flow.bitstream.units import host_link
from tokensieve.verify.netlist import NetlistCheck, Playing, check_netlist

TINY = {"max_tokens": 4, "keep": 2, "lanes": 1, "engines": 1, "score_bits": 4, "id_bits": 3, "count_stages": 1}
SETS = [f"pruner.{name}={value}" for name, value in TINY.items()]
BASE = Request(
    unit="fixed-length-pruner", arch=load_arch("spatten", SETS), device="ice40-hx8k", board=None, link="parallel",
    baud=1_000_000, seeds=1, clock_mhz=None, native=False,
)  # fmt: skip


def silent(text):
    """Take a line of progress."""


def flipped(design):
    """Return a netlist in which one LUT of the search gives the opposite."""
    cells = design["modules"]["top"]["cells"]
    name = min(name for name, cell in cells.items() if cell["type"] == "SB_LUT4" and "drain.stage" in name)
    told = cells[name]["parameters"]
    wrong = "".join("10"[int(bit)] for bit in told["LUT_INIT"])
    cells[name] = {**cells[name], "parameters": {**told, "LUT_INIT": wrong}}
    return design


def test_a_netlist_answers_as_golden_does():
    wanted = asked(BASE)
    netlist, mhz = netlist_alone(wanted.plan, silent)
    told = check_netlist(wanted, netlist, mhz, 20, 1)

    assert (told.sequences, told.mismatches) == (19, 0)
    assert told.cycles < 20_000


@pytest.mark.long
def test_a_flipped_lut_in_a_netlist_is_found():
    wanted = asked(BASE)
    netlist, _ = netlist_alone(wanted.plan, silent)
    design, playing = json.loads((netlist.folder / "design.json").read_text()), Playing(wanted.arch, 20, 1)
    played = play_design(flipped(design), "ice40", host_link("parallel", 1.0), list(playing.sent()), playing.awaited)

    assert playing.judged(played).mismatches > 0


def test_wrong_answers_are_exit_code_1(monkeypatch, capsys):
    told = {"sequences": 19, "mismatches": 2, "cycles": 5000}
    monkeypatch.setattr("tokensieve.rtl.flow.bitstream.build.netlist_alone", lambda plan, tell: (None, 99.0))
    monkeypatch.setattr(
        "tokensieve.verify.netlist.check_netlist",
        lambda *_: NetlistCheck(**told),
    )
    sets = [word for one in SETS for word in ("--set", one)]

    assert call(["fpga", "check", "fixed-length-pruner", "--device", "ice40-hx8k", "--json", *sets]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out).items() >= told.items()
    assert "error: the netlist answers 2 of 19 sequences wrongly" in said.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["topk", "--device", "ice40-hx8k"], "a netlist is checked through its host link, which topk does not have"),
        (
            ["fixed-length-pruner", "--device", "ice40-hx8k", "--set", "primitives=ecp5"],
            "primitives must be generic or ice40 for --device ice40-hx8k, got ecp5",
        ),
        (
            ["fixed-length-pruner", "--device", "gw2a-18c", "--set", "primitives=ecp5"],
            "primitives must be generic for --device gw2a-18c, got ecp5",
        ),
    ],
)
def test_what_cannot_be_checked_is_refused_at_once(arguments, message, capsys):
    sets = [word for one in SETS for word in ("--set", one)] if "topk" not in arguments else []

    assert call(["fpga", "check", *arguments, *sets]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.long
def test_a_netlist_with_a_uart_answers_as_golden_does():
    wanted = asked(replace(BASE, link="uart", baud=2_000_000, clock_mhz=40.0))
    netlist, mhz = netlist_alone(wanted.plan, silent)
    told = check_netlist(wanted, netlist, mhz, 6, 1)

    assert (told.sequences, told.mismatches) == (6, 0)


@pytest.mark.long
@pytest.mark.parametrize(
    ("device", "primitives"), [("ice40-hx8k", "generic"), ("ice40-hx8k", "ice40"), ("ecp5-85k", "ecp5")]
)
def test_netlists_of_64_tokens_answer_as_golden_does(device, primitives):
    sets = ["pruner.max_tokens=64", "pruner.keep=32", "pruner.engines=1", f"primitives={primitives}"]
    wanted = asked(replace(BASE, arch=load_arch("spatten", sets), device=device))
    netlist, mhz = netlist_alone(wanted.plan, silent)
    told = check_netlist(wanted, netlist, mhz, 60, 1)

    assert (told.sequences, told.mismatches) == (57, 0)
