"""An AXI4-Lite master for Amaranth's simulator, and a unit behind a register block that does what a test says."""

from importlib import import_module

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from tokensieve.rtl.beats import event, packed_beat, status

VERSION, CONTROL, STATUS, CYCLES, ENDED, N, K, SEED = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x20, 0x24, 0x28
WAITS, BUSY, DONE, DROPPED = 1, 2, 4, 8
SEND, ENABLE, CODE = 1, 2, 0x70


class Bus:
    """An AXI4-Lite master of an `AxiLiteUnit`; it makes the clock too."""

    def __init__(self, unit):
        self.unit = unit

    async def write(self, ctx, address, data, strobe=0xF, then=None):
        """Write, and return the answer. ``then(ctx)`` is called between the write and its answer."""
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
        if then is not None:
            then(ctx)
        assert ctx.get(unit.s_axi_bvalid)
        answer = ctx.get(unit.s_axi_bresp)
        await self.edge(ctx)
        assert not ctx.get(unit.s_axi_bvalid)
        return answer

    async def read(self, ctx, address):
        """Read; return data and answer, which waits a cycle for the master."""
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
        """Go on by one cycle."""
        ctx.set(self.unit.aclk, 1)
        await ctx.delay(1e-9)
        ctx.set(self.unit.aclk, 0)
        await ctx.delay(1e-9)


def played(unit, script):
    """Run a coroutine ``script(ctx, bus)`` on an `AxiLiteUnit` after a reset."""
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


class Puppet(wiring.Component):
    """A unit that takes, gives and tells what plain ports say, and shows the command on offer."""

    def __init__(self):
        command = StructLayout({"n": 4, "k": 4})
        super().__init__(
            {
                "command": In(stream.Signature(command)),
                "o": Out(stream.Signature(packed_beat(2, StructLayout({"index": 4})))),
                "status": Out(event(status())),
                **dict.fromkeys(("takes", "gives", "ends"), In(1)),
                "says": In(3),
                "offered": Out(command),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.command.ready.eq(self.takes), self.offered.eq(self.command.payload)]
        m.d.comb += [self.o.valid.eq(self.gives), self.o.p.last.eq(self.ends)]
        m.d.comb += [self.status.valid.eq(self.says != 0), self.status.payload.code.eq(self.says)]
        return m


class Hand:
    """What a script does to a puppet in its register block."""

    def __init__(self, ctx, bus):
        self.ctx, self.bus, self.unit = ctx, bus, bus.unit

    def put(self, **ports):
        for name, value in ports.items():
            self.ctx.set(getattr(self.unit, name), value)

    def rest(self):
        """Neither take nor give nor tell from here on."""
        self.put(takes=0, gives=0, ends=0, says=0, m_axis_o_tready=0)

    async def cycles(self, count=1, **ports):
        """Run cycles in which the ports are as given, and rest."""
        self.put(**ports)
        for _ in range(count):
            await self.bus.edge(self.ctx)
        self.rest()

    async def end(self):
        """End a packet."""
        await self.cycles(gives=1, ends=1, m_axis_o_tready=1)

    async def write(self, address, data, strobe=0xF, **ports):
        """Write; in the cycle of the write itself the ports are as given."""
        self.put(**ports)
        return await self.bus.write(self.ctx, address, data, strobe, lambda ctx: self.rest())

    async def read(self, address):
        return (await self.bus.read(self.ctx, address))[0]

    async def command(self):
        """Send a command, and have it taken."""
        await self.write(CONTROL, SEND | ENABLE)
        await self.cycles(takes=1)


def on_puppet(script):
    """Run a coroutine ``script(hand)`` on a puppet in the register block, as it stands now: a fault may be in it."""
    block = import_module("tokensieve.rtl.axilite").AxiLiteUnit(Puppet(), version=7)

    async def bench(ctx, bus):
        await script(Hand(ctx, bus))

    played(block, bench)
