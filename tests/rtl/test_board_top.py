"""What stands on a board around the design: its pins, its PLL, and a reset after power-on; by the makers' documents."""

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out
from amaranth.sim import Simulator

from tokensieve.rtl.flow.bitstream import pll, top
from tokensieve.rtl.flow.bitstream.boards import BOARDS

BOARD_FACTS = {
    # FTDI's TXD is at ball M1, its RXD at L4: ulx3s_v20.lpf names them ftdi_txd and ftdi_rxd
    "ulx3s-85f": (25.0, "G2", "M1", "L4"),
    "ulx3s-45f": (25.0, "G2", "M1", "L4"),
    "ulx3s-25f": (25.0, "G2", "M1", "L4"),
    # amaranth-boards: the FT2232H speaks to B10 and hears B12
    "ice40-hx8k-b-evn": (12.0, "J3", "B10", "B12"),
    # icebreaker.pcf: RX at 6, TX at 9
    "icebreaker": (12.0, "35", "6", "9"),
    # LiteX-Boards, sipeed_tang_nano_20k: tx at 69, rx at 70
    "tang-nano-20k": (27.0, "4", "70", "69"),
}
"""Oscillator in MHz, its pin, the one that hears the host and the one that speaks to it, as the FPGA sees them."""

VCO = {"ecp5": (25.0, 400, 800), "ice40": (12.0, 533, 1066), "gowin": (27.0, 500, 1250)}
"""An oscillator, and what a PLL's own may be in MHz: Lattice FPGA-DS-02012 and FPGA-DS-02029, Gowin DS226."""


def test_every_boards_oscillator_and_uart_are_where_its_documents_have_them():
    told = {name: (board.clock_mhz, board.pins()) for name, board in BOARDS.items()}

    assert {
        name: (mhz, pins.clock.site, pins.rx.site, pins.tx.site) for name, (mhz, pins) in told.items()
    } == BOARD_FACTS


@pytest.mark.parametrize("family", VCO)
def test_no_setting_has_an_oscillator_outside_its_data_sheet_and_all_the_range_is_used(family):
    clock, least, most = VCO[family]
    every = {one.vco for one in pll.settings(family, clock)}

    assert least <= min(every) <= least + clock
    assert most - clock <= max(every) <= most


@pytest.fixture(params=[("ecp5", 25, 122.5, False), ("ice40", 12, 97.9, False), ("ice40", 12, 40.6, True),
                        ("gowin", 27, 99, False)], ids=["ecp5", "ice40", "ice40 pad", "gowin"])  # fmt: skip
def instance(request):
    """Return a family, the PLL of a board, and the wires that it was given."""
    family, clock, limit, pad = request.param
    wires = {name: Signal(name=name) for name in ("clock", "out", "lock")}
    made = top.pll(family, *wires.values(), pll.fastest(family, clock, limit), pad)
    return f"{family} pad" if pad else family, made, wires


PLLS = {
    "ecp5": (
        "EHXPLLL", {"in": "CLKI", "out": "CLKOS", "lock": "LOCK"},
        {  # 25 / 2 x 49 = 612.5 MHz, / 5 = 122.5 MHz; a phase of 0 is the divider less 1 (FPGA-TN-02200)
            "CLKI_DIV": 2, "CLKFB_DIV": 1, "CLKOP_DIV": 49, "CLKOP_CPHASE": 48, "CLKOP_FPHASE": 0, "CLKOS_DIV": 5,
            "CLKOS_CPHASE": 4, "CLKOS_FPHASE": 0, "CLKOP_ENABLE": "ENABLED", "CLKOS_ENABLE": "ENABLED",
            "FEEDBK_PATH": "CLKOP", "OUTDIVIDER_MUXA": "DIVA", "OUTDIVIDER_MUXB": "DIVB",
        },
    ),
    "ice40": (
        "SB_PLL40_CORE", {"in": "REFERENCECLK", "out": "PLLOUTGLOBAL", "lock": "LOCK"},
        {"DIVR": 0, "DIVF": 64, "DIVQ": 3, "FILTER_RANGE": 1, "FEEDBACK_PATH": "SIMPLE"},  # icepll -i 12 -o 97.5
    ),
    "ice40 pad": (
        "SB_PLL40_PAD", {"in": "PACKAGEPIN", "out": "PLLOUTGLOBAL", "lock": "LOCK"},
        {"DIVR": 0, "DIVF": 53, "DIVQ": 4, "FILTER_RANGE": 1, "FEEDBACK_PATH": "SIMPLE"},  # icepll -i 12 -o 40.5
    ),
    "gowin": (
        "rPLL", {"in": "CLKIN", "out": "CLKOUT", "lock": "LOCK"},
        {"FCLKIN": "27", "IDIV_SEL": 2, "FBDIV_SEL": 10, "ODIV_SEL": 8, "DEVICE": "GW2A-18C"},  # gowin_pll -i 27 -o 99
    ),
}  # fmt: skip


def test_the_primitive_has_the_parameters_that_its_makers_tools_give_it(instance):
    name, made, _ = instance
    kind, _, parameters = PLLS[name]

    assert (made.type, made.parameters) == (kind, parameters)


def test_the_primitives_ports_are_the_oscillator_the_clock_and_the_lock(instance):
    """Of an ECP5 CLKOP is the feedback alone: it is as fast as the phase detector, not as the clock."""
    name, made, wires = instance
    ports = {port: value for port, (value, _) in made.ports.items()}
    came = {role: ports[port] for role, port in PLLS[name][1].items()}

    assert came["in"] is wires["clock"]
    assert came["out"] is wires["out"]
    assert came["lock"] is wires["lock"]
    if name == "ecp5":
        assert ports["CLKFB"] is ports["CLKOP"] is not wires["out"]


class Runner(wiring.Component):
    """A design that says from when on it runs."""

    runs: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.runs.eq(1)
        return m


class PllStub(wiring.Elaboratable):
    """Hands the oscillator on, and locks when `line` says so."""

    def __init__(self, clock, out, lock, line):
        self.wires = clock, out, lock, line

    def elaborate(self, platform):
        m = Module()
        clock, out, lock, line = self.wires
        m.d.comb += [out.eq(clock), lock.eq(line)]
        return m


def test_the_design_is_in_reset_until_the_lock_has_lasted_15_us_and_again_when_it_is_lost(monkeypatch):
    """With the fastest clock that there is for iCE40, 273 MHz, whose block memories may be read only then."""
    line, least, seen = Signal(), 15e-6 * 273e6, []
    monkeypatch.setattr(top, "pll", lambda family, clock, out, lock, setting, pad: PllStub(clock, out, lock, line))
    runner = Runner()
    board = top.BoardTop(lambda: runner, runner.signature, "ice40", pll.fastest("ice40", 12, 97.9), False)

    async def bench(ctx):
        async def cycles_until(level, most):
            for cycle in range(most):
                if ctx.get(board.runs) == level:
                    return cycle
                for clock in (1, 0):
                    ctx.set(board.clk, clock)
                    await ctx.delay(1e-9)
            return most

        seen.append(await cycles_until(1, 100))  # without a lock
        for locked, level in ((1, 1), (0, 0), (1, 1)):
            ctx.set(line, locked)
            seen.append(await cycles_until(level, 6000))

    simulator = Simulator(board)
    simulator.add_testbench(bench)
    simulator.run()
    never, first, lost, again = seen

    assert never == 100
    assert least <= first < 5000
    assert lost < 10
    assert least <= again < 5000
