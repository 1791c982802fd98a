"""What a programmer relies on in the register block, on a unit whose every move the test decides.

`FAULTS` are planted in the block: each must be found by the behaviour beside it.
"""

import pytest
from bench.axilite import (
    BUSY,
    CODE,
    CONTROL,
    CYCLES,
    DONE,
    DROPPED,
    ENABLE,
    ENDED,
    SEND,
    STATUS,
    VERSION,
    WAITS,
    K,
    N,
    on_puppet,
)  # fmt: skip

from tokensieve.rtl.axilite import OKAY, SLVERR
from tokensieve.rtl.flow.mutants.base import Mutant


def test_cycles_begin_behind_the_taken_command_and_end_with_the_last_beat():
    """Of the second command too, and stalls of the packet count."""

    async def script(hand):
        for idle, waits in ((4, 3), (0, 1)):
            await hand.write(CONTROL, SEND)
            await hand.cycles(5)
            assert await hand.read(STATUS) & 3 == WAITS
            await hand.cycles(takes=1)
            await hand.cycles(idle)
            await hand.cycles(waits, gives=1, ends=1)
            await hand.end()

            assert await hand.read(CYCLES) == idle + waits + 1
            assert await hand.read(STATUS) & 3 == 0

    on_puppet(script)


def test_cycles_of_commands_under_way_together_begin_with_the_first():
    """Each is sent by the 2 cycles of a write, and taken in a third."""

    async def script(hand):
        await hand.command()
        await hand.command()
        assert await hand.read(STATUS) == BUSY
        await hand.end()
        assert await hand.read(CYCLES) == 3 + 3 + 1
        assert await hand.read(STATUS) == BUSY | DONE
        await hand.end()

        assert await hand.read(CYCLES) == 3 + 3 + 1 + 3 + 3 + 1
        assert await hand.read(STATUS) == DONE

    on_puppet(script)


def test_only_a_last_beat_that_moves_ends_a_packet():
    async def script(hand):
        await hand.command()
        await hand.cycles(gives=1, ends=1)  # the sink is not ready
        await hand.cycles(2, gives=1, m_axis_o_tready=1)  # not the last beat
        await hand.cycles(ends=1, m_axis_o_tready=1)  # not on offer
        assert (await hand.read(STATUS), await hand.read(ENDED), await hand.read(CYCLES)) == (BUSY, 0, 0)
        await hand.end()

        assert (await hand.read(STATUS), await hand.read(ENDED)) == (DONE, 1)

    on_puppet(script)


def test_interrupt_is_done_and_enabled():
    async def script(hand):
        def irq():
            return hand.ctx.get(hand.unit.irq)

        await hand.write(CONTROL, SEND)
        await hand.cycles(takes=1)
        await hand.end()
        assert (await hand.read(STATUS), irq()) == (DONE, 0)
        await hand.write(CONTROL, ENABLE)
        assert (irq(), await hand.read(CONTROL)) == (1, ENABLE)
        await hand.write(CONTROL, 0)
        assert (irq(), await hand.read(CONTROL)) == (0, 0)
        await hand.write(CONTROL, ENABLE)
        await hand.write(STATUS, DONE)

        assert irq() == 0

    on_puppet(script)


async def all_set(hand):
    """Set done, dropped and a code."""
    await hand.write(CONTROL, SEND)
    await hand.write(CONTROL, SEND)
    await hand.cycles(takes=1)
    await hand.cycles(says=5)
    await hand.end()
    assert await hand.read(STATUS) == DONE | DROPPED | 5 << 4


@pytest.mark.parametrize(
    ("written", "strobe", "left"),
    [
        (DONE, 0xF, DROPPED | 5 << 4),
        (DROPPED, 0xF, DONE | 5 << 4),
        (0x10, 0xF, DONE | DROPPED),
        (0x20, 0x1, DONE | DROPPED),
        (0x40, 0xF, DONE | DROPPED),
        (~(DONE | DROPPED | CODE) & 0xFFFFFFFF, 0xF, DONE | DROPPED | 5 << 4),
        (0xFFFFFFFF, 0xE, DONE | DROPPED | 5 << 4),
        (0xFFFFFFFF, 0xF, 0),
    ],
)
def test_each_part_of_status_is_cleared_by_a_one_of_its_own(written, strobe, left):
    async def script(hand):
        await all_set(hand)
        await hand.write(STATUS, written, strobe)

        assert await hand.read(STATUS) == left

    on_puppet(script)


def test_status_keeps_the_latest_code_and_what_happens_in_the_cycle_that_clears_it():
    async def script(hand):
        await hand.cycles(says=1)
        await hand.cycles(says=2)
        assert await hand.read(STATUS) == 2 << 4
        await hand.write(STATUS, CODE, says=3)
        assert await hand.read(STATUS) == 3 << 4
        await hand.write(STATUS, DONE, says=4)
        assert await hand.read(STATUS) == 4 << 4
        await hand.command()
        await hand.command()
        await hand.end()
        await hand.write(STATUS, DONE | CODE, gives=1, ends=1, m_axis_o_tready=1)

        assert (await hand.read(STATUS), await hand.read(ENDED)) == (DONE, 2)

    on_puppet(script)


def test_control_counts_by_its_lowest_byte():
    async def script(hand):
        for strobe in (0x0, 0x2, 0xE):
            assert await hand.write(CONTROL, 0xFFFFFFFF, strobe) == OKAY
        assert (await hand.read(STATUS), await hand.read(CONTROL)) == (0, 0)
        await hand.write(CONTROL, SEND | ENABLE, 0x1)

        assert (await hand.read(STATUS), await hand.read(CONTROL)) == (WAITS, ENABLE)

    on_puppet(script)


@pytest.mark.parametrize(("told", "offered"), [(9, 9), (15, 15), (16, 15), (136, 15), (0xFFFFFFFF, 15)])
def test_number_that_does_not_fit_its_field_counts_as_the_largest(told, offered):
    """Written at once or byte by byte, the high ones first; it reads as written."""

    async def script(hand):
        await hand.write(N, told)
        for byte in (3, 2, 1, 0):
            await hand.write(K, told, 1 << byte)
        assert (await hand.read(N), await hand.read(K)) == (told, told)
        await hand.write(CONTROL, SEND)
        command = hand.ctx.get(hand.unit.offered)

        assert (command.n, command.k) == (offered, offered)

    on_puppet(script)


def test_write_waits_until_the_answer_before_it_is_taken():
    """And an address waits for its data."""

    async def script(hand):
        unit, get = hand.unit, hand.ctx.get
        hand.put(s_axi_awvalid=1, s_axi_awaddr=N, s_axi_wdata=3, s_axi_wstrb=0xF, s_axi_bready=0)
        assert (get(unit.s_axi_awready), get(unit.s_axi_wready)) == (0, 0)
        await hand.cycles()
        hand.put(s_axi_wvalid=1)
        assert (get(unit.s_axi_awready), get(unit.s_axi_wready)) == (1, 1)
        await hand.cycles()
        hand.put(s_axi_awaddr=0x40, s_axi_wdata=5)
        for _ in range(3):
            assert (get(unit.s_axi_bvalid), get(unit.s_axi_bresp)) == (1, OKAY)
            assert (get(unit.s_axi_awready), get(unit.s_axi_wready)) == (0, 0)
            await hand.cycles()
        hand.put(s_axi_bready=1)
        assert (get(unit.s_axi_awready), get(unit.s_axi_wready)) == (1, 1)
        await hand.cycles()
        hand.put(s_axi_awvalid=0, s_axi_wvalid=0)
        assert (get(unit.s_axi_bvalid), get(unit.s_axi_bresp)) == (1, SLVERR)
        await hand.cycles()
        assert get(unit.s_axi_bvalid) == 0

        assert await hand.read(N) == 3

    on_puppet(script)


def test_read_waits_until_the_answer_before_it_is_taken():
    async def script(hand):
        unit, get = hand.unit, hand.ctx.get
        await hand.write(N, 3)
        hand.put(s_axi_arvalid=1, s_axi_araddr=N, s_axi_rready=0)
        assert get(unit.s_axi_arready) == 1
        await hand.cycles()
        hand.put(s_axi_araddr=VERSION)
        for _ in range(3):
            assert (get(unit.s_axi_rvalid), get(unit.s_axi_rdata), get(unit.s_axi_arready)) == (1, 3, 0)
            await hand.cycles()
        hand.put(s_axi_rready=1)
        assert get(unit.s_axi_arready) == 1
        await hand.cycles()
        hand.put(s_axi_arvalid=0)
        assert (get(unit.s_axi_rvalid), get(unit.s_axi_rdata)) == (1, 7)
        await hand.cycles()

        assert get(unit.s_axi_rvalid) == 0

    on_puppet(script)


def fault(behaviour, name, old, new, *arguments):
    """Return a case: a fault in the block, and the behaviour that finds it."""
    planted = Mutant(name=name, module="tokensieve.rtl.axilite", old=old, new=new, why=behaviour.__name__)
    return pytest.param(planted, behaviour, arguments, id=name)


_CLEARS = test_each_part_of_status_is_cleared_by_a_one_of_its_own
_EVENTS = test_status_keeps_the_latest_code_and_what_happens_in_the_cycle_that_clears_it
_TIMED = test_cycles_begin_behind_the_taken_command_and_end_with_the_last_beat
_ENDS = test_only_a_last_beat_that_moves_ends_a_packet
_FITS = test_number_that_does_not_fit_its_field_counts_as_the_largest
_END = 'out["tvalid"] & out["tready"] & out["tlast"]'

FAULTS = [
    fault(_TIMED, "cycles-one-less", "latest.eq(cycles + 1)", "latest.eq(cycles)"),
    fault(_TIMED, "cycles-from-one", "m.d.sync += cycles.eq(0)", "m.d.sync += cycles.eq(1)"),
    fault(_TIMED, "cycles-go-on", "m.d.sync += cycles.eq(0)", "pass"),
    fault(test_cycles_of_commands_under_way_together_begin_with_the_first, "one-under-way",
          "under_way = Signal(8)", "under_way = Signal(1)"),
    fault(_ENDS, "ends-without-ready", _END, 'out["tvalid"] & out["tlast"]'),
    fault(_ENDS, "ends-with-every-beat", _END, 'out["tvalid"] & out["tready"]'),
    fault(_ENDS, "ends-without-valid", _END, 'out["tready"] & out["tlast"]'),
    fault(test_interrupt_is_done_and_enabled, "interrupt-always", "self.irq.eq(done & enable)", "self.irq.eq(done)"),
    fault(_CLEARS, "dropped-stays", "dropped.eq(dropped & ~cleared[3])", "dropped.eq(dropped)", DROPPED, 0xF,
          DONE | 5 << 4),
    fault(_CLEARS, "anything-clears-the-code", "with m.If(cleared[4:7].any()):", "with m.If(cleared.any()):", DONE, 0xF,
          DROPPED | 5 << 4),
    fault(_CLEARS, "status-without-strobe", "Mux(self.s_axi_wstrb[0], self.s_axi_wdata, 0)", "self.s_axi_wdata",
          0xFFFFFFFF, 0xE, DONE | DROPPED | 5 << 4),
    fault(_EVENTS, "end-lost-at-clear", "with m.If(ends):  # an end", "with m.If(ends & ~writes[_STATUS]):  # an end"),
    fault(_EVENTS, "first-code-stays", "m.If(self.axi.status_valid):", "m.If(self.axi.status_valid & (code == 0)):"),
    fault(_EVENTS, "code-lost-at-write", "m.If(self.axi.status_valid):",
          "m.If(self.axi.status_valid & ~writes[_STATUS]):"),
    fault(test_control_counts_by_its_lowest_byte, "control-without-strobe",
          "with m.If(writes[_CONTROL] & self.s_axi_wstrb[0]):", "with m.If(writes[_CONTROL]):"),
    fault(_FITS, "high-bits-dropped", " | field[place.width :].any().replicate(place.width)", "", 136, 15),
    fault(test_write_waits_until_the_answer_before_it_is_taken, "answer-lost",
          "self.s_axi_wvalid & (~self.s_axi_bvalid | self.s_axi_bready)", "self.s_axi_wvalid"),
    fault(test_write_waits_until_the_answer_before_it_is_taken, "address-without-data", "self.s_axi_awready.eq(write)",
          "self.s_axi_awready.eq(1)"),
    fault(test_read_waits_until_the_answer_before_it_is_taken, "read-overwritten",
          "self.s_axi_arready.eq(~self.s_axi_rvalid | self.s_axi_rready)", "self.s_axi_arready.eq(1)"),
]  # fmt: skip


@pytest.mark.parametrize(("planted", "behaviour", "arguments"), FAULTS)
def test_fault_in_the_block_is_found(planted, behaviour, arguments):
    with planted.planted(), pytest.raises(AssertionError):
        behaviour(*arguments)
