"""Registers in place of a command stream: a whole selection as a processor would ask for it."""

import pytest
from amaranth.sim import Simulator
from bench.units import small

from tokensieve.arch.topklaw import TopkWork
from tokensieve.cli.app import call
from tokensieve.rtl.axilite import OKAY, SLVERR, AxiLiteUnit
from tokensieve.rtl.topk import TopKEngine
from tokensieve.verify.units.base import with_fields

ARCH = with_fields(small(), "topk", engine="bitserial")
VERSION, CONTROL, STATUS, CYCLES, ENDED, N, K, SEED = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x20, 0x24, 0x28
BUSY, DONE, DROPPED = 2, 4, 8


class Bus:
    """An AXI4-Lite master, a source of scores and a sink of items, in Amaranth's simulator."""

    def __init__(self, unit):
        self.unit = unit

    async def write(self, ctx, address, data, strobe=0xF):
        unit = self.unit
        for port, value in (("aw", address), ("w", data)):
            ctx.set(getattr(unit, f"s_axi_{port}valid"), 1)
            ctx.set(unit.s_axi_awaddr if port == "aw" else unit.s_axi_wdata, value)
        ctx.set(unit.s_axi_wstrb, strobe)
        ctx.set(unit.s_axi_bready, 1)
        assert ctx.get(unit.s_axi_awready & unit.s_axi_wready)
        await self.edge(ctx)
        ctx.set(unit.s_axi_awvalid, 0)
        ctx.set(unit.s_axi_wvalid, 0)
        assert ctx.get(unit.s_axi_bvalid)
        answer = ctx.get(unit.s_axi_bresp)
        await self.edge(ctx)
        assert not ctx.get(unit.s_axi_bvalid)
        return answer

    async def read(self, ctx, address):
        unit = self.unit
        ctx.set(unit.s_axi_araddr, address)
        ctx.set(unit.s_axi_arvalid, 1)
        ctx.set(unit.s_axi_rready, 0)
        assert ctx.get(unit.s_axi_arready)
        await self.edge(ctx)
        ctx.set(unit.s_axi_arvalid, 0)
        await self.edge(ctx)  # the answer waits
        assert ctx.get(unit.s_axi_rvalid)
        answer = ctx.get(unit.s_axi_rdata), ctx.get(unit.s_axi_rresp)
        ctx.set(unit.s_axi_rready, 1)
        await self.edge(ctx)
        assert not ctx.get(unit.s_axi_rvalid)
        return answer

    async def edge(self, ctx):
        ctx.set(self.unit.aclk, 1)
        await ctx.delay(1e-9)
        ctx.set(self.unit.aclk, 0)
        await ctx.delay(1e-9)


def played(script):
    """Run a coroutine ``script(ctx, bus)`` after a reset."""
    unit = AxiLiteUnit(TopKEngine(ARCH.topk), version=0x010203)
    bus = Bus(unit)

    async def bench(ctx):
        ctx.set(unit.aresetn, 0)
        await bus.edge(ctx)
        await bus.edge(ctx)
        ctx.set(unit.aresetn, 1)
        await script(ctx, bus)

    simulator = Simulator(unit)
    simulator.add_testbench(bench)
    simulator.run()


def test_a_selection_is_asked_for_by_registers_and_told_by_interrupt():
    scores, got, told = [9, 200, 3, 77, 77, 8], [], {}

    async def script(ctx, bus):
        unit = bus.unit
        told["version"] = await bus.read(ctx, VERSION)
        for address, value in ((N, len(scores)), (K, 3), (SEED, 5), (CONTROL, 0b11)):
            assert await bus.write(ctx, address, value) == OKAY
        told["asked"] = [(await bus.read(ctx, address))[0] for address in (N, K, SEED, CONTROL)]
        told["busy"] = (await bus.read(ctx, STATUS))[0]
        told["irq before"] = ctx.get(unit.irq)
        ctx.set(unit.m_axis_o_tready, 1)
        beats, sent = [scores[:4], [*scores[4:], 255, 255]], 0
        for _ in range(120):
            ctx.set(unit.s_axis_score_tvalid, sent < len(beats))
            if sent < len(beats):
                ctx.set(unit.s_axis_score_tdata, sum(score << 8 * lane for lane, score in enumerate(beats[sent])))
            moves = sent < len(beats) and ctx.get(unit.s_axis_score_tready)
            if ctx.get(unit.m_axis_o_tvalid):
                got.append((ctx.get(unit.m_axis_o_tdata), ctx.get(unit.m_axis_o_tkeep), ctx.get(unit.m_axis_o_tlast)))
            await bus.edge(ctx)
            sent += moves
        told["irq"] = ctx.get(unit.irq)
        told["done"] = [(await bus.read(ctx, address))[0] for address in (STATUS, ENDED, CYCLES)]
        await bus.write(ctx, STATUS, DONE)
        told["cleared"] = (await bus.read(ctx, STATUS))[0], ctx.get(unit.irq)

    played(script)

    ((data, keep, last),) = got
    items = [(data >> 16 * lane & 0xFF, data >> 16 * lane + 8 & 0xFF) for lane in range(3)]
    assert (items, keep, last) == ([(1, 200), (3, 77), (4, 77)], 0b00111111, 1)
    assert told["version"] == (0x010203, OKAY)
    assert told["asked"] == [6, 3, 5, 0b10]
    assert (told["busy"], told["irq before"], told["irq"]) == (BUSY, 0, 1)
    status, ended, cycles = told["done"]
    assert (status, ended) == (DONE, 1)
    assert cycles > ARCH.topk.law.cycles(TopkWork(items=6, kept=3, sizes=()))  # the scores came later than the command
    assert told["cleared"] == (0, 0)


def test_what_is_not_there_is_an_error_and_a_second_command_waits_or_is_dropped():
    told = {}

    async def script(ctx, bus):
        told["unknown"] = await bus.write(ctx, 0x40, 1), (await bus.read(ctx, 0x40))[1]
        for address, value, strobe in (
            (N, 0x0D, 0xF),
            (K, 0xFF04, 0b0001),
            (SEED, 0x1234, 0xF),
            (SEED, 0xFFFF, 0b0010),
        ):
            await bus.write(ctx, address, value, strobe)
        told["bytes"] = [(await bus.read(ctx, address))[0] for address in (N, K, SEED)]
        for _ in range(6):
            await bus.write(ctx, CONTROL, 1)
        told["status"] = (await bus.read(ctx, STATUS))[0]
        await bus.write(ctx, N, 1)
        told["held"] = (await bus.read(ctx, N))[0]

    played(script)

    assert told["unknown"] == (SLVERR, SLVERR)
    assert told["bytes"] == [13, 4, 0xFF34]
    assert told["status"] == 1 | BUSY | DROPPED
    assert told["held"] == 13  # what waits to be taken does not change


@pytest.mark.parametrize(("n", "code"), [(0, 1), (15, 2), (3, 0)])
def test_an_illegal_command_is_told_by_its_code_until_that_is_cleared(n, code):
    told = {}

    async def script(ctx, bus):
        ctx.set(bus.unit.s_axis_score_tvalid, 1)
        ctx.set(bus.unit.m_axis_o_tready, 1)
        for address, value in ((N, n), (K, 2), (SEED, 5), (CONTROL, 1)):
            await bus.write(ctx, address, value)
        for _ in range(60):
            await bus.edge(ctx)
        told["status"] = (await bus.read(ctx, STATUS))[0]
        await bus.write(ctx, STATUS, 1 << 5)
        told["cleared"] = (await bus.read(ctx, STATUS))[0], (await bus.read(ctx, ENDED))[0]

    played(script)

    assert told == {"status": DONE | code << 4, "cleared": (DONE, 1)}


def test_emitted_block_has_its_registers_in_the_header_and_passes_lint(capsys):
    small_unit = ["--set", "topk.lanes=2", "--set", "topk.max_tokens=8", "--prefix", "my"]

    assert call(["emit", "topk", "--wrapper", "axi-lite", "--lint", *small_unit]) == 0
    text = capsys.readouterr().out
    assert "module my_axi_lite_topk (" in text
    assert "// 24 K: bits 3:0 of k.\n" in text
    assert "command_tvalid," not in text.partition("module my_axi_lite_topk__unit")[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zero-eliminator", "--wrapper", "axi-lite"], "axi-lite is for units with a packet for each command: topk"),
        (["topk", "--wrapper", "axi-lite", "--bench", "-o", "folder"], "it takes --wrapper axi, not axi-lite"),
        (["topk", "--wrapper", "axi-light"], "'axi-light' is not one of 'axi', 'axi-lite'"),
    ],
)
def test_what_has_no_register_block_is_told(arguments, message, capsys):
    assert call(["emit", *arguments]) == 2

    assert message in capsys.readouterr().err
