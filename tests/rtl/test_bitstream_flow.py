"""How the tools are called on the way to a bitstream, and when they are asked anew. They are stubs."""

from dataclasses import replace

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from bench.fpgatools import ToolsStub

from tokensieve.arch import load_arch
from tokensieve.arch.folders import CACHE
from tokensieve.rtl.flow.bitstream.boards import BOARDS
from tokensieve.rtl.flow.bitstream.place import place
from tokensieve.rtl.flow.bitstream.request import Request, asked
from tokensieve.rtl.flow.bitstream.synthesis import Netlist, synthesise
from tokensieve.rtl.flow.bitstream.units import host_link


class Follower(wiring.Component):
    """A design that hands its input on, or its opposite."""

    i: In(1)
    o: Out(1)

    def __init__(self, inverts=False):
        super().__init__()
        self.inverts = inverts

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(self.i ^ self.inverts)
        return m


@pytest.fixture
def tools(tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE, str(tmp_path / "cache"))
    return ToolsStub(tmp_path, [100.0] * 4)


@pytest.fixture
def placed(tools, tmp_path):
    """Place a netlist on the HX8K board, for 98.7654 MHz with seed 7, or as `changes` say."""
    for name in ("netlist", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "design.json").write_text(f"{name}\n")

    def run(**changes):
        given = {
            "netlist": Netlist(tmp_path / "netlist"), "board": BOARDS["ice40-hx8k-b-evn"], "family": "ice40",
            "pins": "pins\n", "mhz": 98.7654, "seed": 7, "chain": tools.chain,
        }  # fmt: skip
        return place(**{**given, **changes})

    return run


def test_nextpnr_gets_the_boards_part_the_clock_and_the_seed(placed, tools):
    one = placed()
    (words,) = tools.nextpnr.calls

    assert words == (
        "--hx8k --package ct256 --json design.json --pcf pins.txt --asc placed.txt --freq 98.765 --seed 7 "
        "--timing-allow-fail --report report.json --detailed-timing-report"
    )
    assert tools.packer.calls == ["placed.txt bitstream"]
    assert (one.seed, one.bitstream.read_text()) == (7, "placement 1\npins\nnetlist\n")


@pytest.mark.parametrize(
    ("family", "board", "constraints", "packer"),
    [
        ("ecp5", "ulx3s-45f", "--lpf pins.txt --textcfg placed.txt", "--compress placed.txt bitstream"),
        ("gowin", "tang-nano-20k", "--vopt cst=pins.txt --write placed.txt", "-d GW2A-18C -o bitstream placed.txt"),
    ],
)
def test_each_familys_programs_get_their_own_options(family, board, constraints, packer, placed, tools):
    placed(family=family, board=BOARDS[board])
    part = {"ulx3s-45f": "--45k --package CABGA381 --speed 6",
            "tang-nano-20k": "--device GW2AR-LV18QN88C8/I7 --vopt family=GW2A-18C"}[board]  # fmt: skip

    assert tools.nextpnr.calls[0].startswith(f"{part} --json design.json {constraints} --freq 98.765")
    assert tools.packer.calls == [packer]


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 8}, {"mhz": 98.7664}, {"pins": "other pins\n"}, {"board": BOARDS["icebreaker"]}, {"netlist": "other"},
        {"place": "2"}, {"pack": "2"},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_what_is_placed_otherwise_is_placed_anew_and_the_same_is_not(change, placed, tools, tmp_path):
    """A bitstream of another seed, clock, board, netlist or tool would be taken for the one that was asked for."""
    if "netlist" in change:
        change = {"netlist": Netlist(tmp_path / change["netlist"])}
    for name in change.keys() & {"place", "pack"}:
        newer = replace(getattr(tools.chain, name), version=change[name])
        change = {"chain": replace(tools.chain, **{name: newer})}
    first, other, again = placed(), placed(**change), placed()

    assert first.folder == again.folder != other.folder
    assert (len(tools.nextpnr.calls), len(tools.packer.calls)) == (2, 2)
    assert other.bitstream.read_text().startswith("placement 2\n")


def test_yosys_gets_the_familys_script_and_is_asked_anew_for_another_one_or_another_design(tools):
    """The design is the same for all families; the script is what makes another netlist of it."""
    first = synthesise(Follower(), "ice40", tools.chain)
    others = [synthesise(Follower(), "ecp5", tools.chain), synthesise(Follower(inverts=True), "ice40", tools.chain)]
    again = synthesise(Follower(), "ice40", tools.chain)

    assert again.folder == first.folder
    assert len({one.key for one in (first, *others)}) == len(tools.yosys.calls) == 3
    assert set(tools.yosys.calls) == {"-q script.ys"}
    assert "\nsynth_ice40 -top top -dsp\n" in (first.folder / "script.ys").read_text()
    assert "\nsynth_ecp5 -top top\n" in (others[0].folder / "script.ys").read_text()


@pytest.mark.parametrize(("cycles", "divisor"), [(97.656, 98), (97.4, 97), (97.5, 98), (4.0, 4)])
def test_a_bit_takes_the_whole_cycles_that_are_nearest(cycles, divisor):
    """A divisor that is cut off would be wrong by up to a cycle; a host's clock may be off by 2 %, no more."""
    assert host_link("uart", cycles).divisor == divisor


def test_throughput_at_fmax_is_that_of_the_unit_at_fmax_and_no_lower():
    arch = load_arch("spatten", ["pruner.max_tokens=64", "pruner.keep=32", "pruner.engines=1"])
    wanted = asked(
        Request(unit="fixed-length-pruner", arch=arch, device="ice40-hx8k", board=None, link="uart", baud=1_000_000,
                seeds=1, clock_mhz=None, native=False, netlist_only=True)
    )  # fmt: skip
    told, interval = wanted.throughput(80.0, 100.0), arch.pruner.law.interval

    assert told["compute"] == pytest.approx(80e6 / interval)
    assert told["at_fmax"] == pytest.approx(100e6 / interval)
