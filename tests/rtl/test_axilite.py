"""Registers in place of a command stream: a whole selection as a processor would ask for it."""

import pytest
from bench.axilite import BUSY, CONTROL, CYCLES, DONE, DROPPED, ENDED, SEED, STATUS, VERSION, WAITS, K, N, played
from bench.units import small

from tokensieve.arch.topklaw import TopkWork
from tokensieve.cli.app import call
from tokensieve.rtl.axilite import OKAY, SLVERR, AxiLiteUnit
from tokensieve.rtl.topk import TopKEngine
from tokensieve.verify.units.base import with_fields

ARCH = with_fields(small(), "topk", engine="bitserial")


def played_on_topk(script):
    """Run a coroutine ``script(ctx, bus)`` on a small top-k engine with registers."""
    played(AxiLiteUnit(TopKEngine(ARCH.topk), version=0x010203), script)


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

    played_on_topk(script)

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

    played_on_topk(script)

    assert told["unknown"] == (SLVERR, SLVERR)
    assert told["bytes"] == [13, 4, 0xFF34]
    assert told["status"] == WAITS | BUSY | DROPPED
    assert told["held"] == 13  # what waits to be taken does not change


@pytest.mark.parametrize(("n", "code"), [(0, 1), (15, 2), (136, 2), (0xFFFFFFFF, 2), (3, 0)])
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

    played_on_topk(script)

    assert told == {"status": DONE | code << 4, "cleared": (DONE, 1)}


def test_cycles_are_those_of_the_law_where_scores_are_there_in_time():
    """They are on offer before each command; the second one is a wire, and begins when the first is over."""
    told = []

    async def script(ctx, bus):
        ctx.set(bus.unit.s_axis_score_tvalid, 1)
        ctx.set(bus.unit.m_axis_o_tready, 1)
        for n, k in ((6, 3), (3, 7)):
            for address, value in ((N, n), (K, k), (CONTROL, 1)):
                await bus.write(ctx, address, value)
            for _ in range(60):
                await bus.edge(ctx)
            told.append((await bus.read(ctx, CYCLES))[0])

    played_on_topk(script)

    assert told == [ARCH.topk.law.cycles(TopkWork(items=n, kept=k, sizes=())) for n, k in ((6, 3), (3, 3))]


def test_emitted_block_has_its_registers_in_the_header_and_passes_lint(capsys):
    small_unit = ["--set", "topk.lanes=2", "--set", "topk.max_tokens=8", "--prefix", "my"]

    assert call(["emit", "topk", "--wrapper", "axi-lite", "--lint", *small_unit]) == 0
    text = capsys.readouterr().out
    assert "module my_axi_lite_topk (" in text
    assert "// 24 K: bits 3:0 of k, held while a command waits; a value above 15 counts as 15.\n" in text
    assert "command_tvalid," not in text.partition("module my_axi_lite_topk__unit")[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zero-eliminator", "--wrapper", "axi-lite"], "axi-lite is for units with a packet for each command: topk"),
        (["topk", "--wrapper", "axi-lite", "--bench", "-o", "folder"], "it takes --wrapper axi, not axi-lite"),
        (
            ["topk", "--wrapper", "axi-light"],
            "--wrapper must be one of axi, axi-lite, got 'axi-light'; did you mean 'axi-lite'?",
        ),
    ],
)
def test_what_has_no_register_block_is_told(arguments, message, capsys):
    assert call(["emit", *arguments]) == 2

    assert message in capsys.readouterr().err
