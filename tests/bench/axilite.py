"""An AXI4-Lite master, for register blocks on Amaranth's simulator."""

from amaranth.sim import Simulator

VERSION, CONTROL, STATUS, CYCLES, ENDED, N, K, SEED = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x20, 0x24, 0x28
WAITS, BUSY, DONE, DROPPED = 1, 2, 4, 8


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
