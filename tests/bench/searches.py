"""Searches on a core of its own in Amaranth's simulator, each loaded as soon as the one before it is done."""

from dataclasses import dataclass

from amaranth.sim import Simulator

from tokensieve.rtl.flow.harness.base import unit_class


@dataclass(frozen=True)
class Search:
    """One search: what is reported of it, and the cycles from its last beat to that."""

    threshold: int
    ties: int
    sizes: list[int]
    cycles: int


def searches(topk, commands):
    """Return the searches of those of `commands`, triples of scores, k and seed, that have something to search.

    The list ends with `None` where a search does not end.
    """
    core, found = unit_class(f"tokensieve.rtl.search.{topk.engine}", f"{topk.engine.capitalize()}Core")(topk), []

    async def bench(ctx):
        for scores, k, seed in commands:
            await _load(ctx, core, topk.lanes, scores, k, seed)
            if 0 < k < len(scores):
                found.append(await _search(ctx, core))
            if found and found[-1] is None:
                break

    simulator = Simulator(core)
    simulator.add_clock(1e-9)
    simulator.add_testbench(bench)
    simulator.run()
    return found


async def _load(ctx, core, lanes, scores, k, seed):
    """Load a beat a cycle; the lanes behind the last score hold all ones."""
    for port, value in ((core.n, len(scores)), (core.k, k), (core.seed, seed)):
        ctx.set(port, value)
    ctx.set(core.load, 1)
    for start in range(0, len(scores), lanes):
        beat = scores[start : start + lanes]
        padding = [(1 << len(core.threshold)) - 1] * (lanes - len(beat))
        ctx.set(core.row, {"scores": beat + padding, "mask": (1 << len(beat)) - 1})
        ctx.set(core.first, start == 0)
        ctx.set(core.last, start + lanes >= len(scores))
        ctx.set(core.search, 0 < k < len(scores))
        await ctx.tick()
    ctx.set(core.load, 0)


async def _search(ctx, core, limit=2000):
    sizes = []
    for cycle in range(1, limit):
        if ctx.get(core.round.valid):
            sizes.append(ctx.get(core.round.payload.size))
        found = Search(ctx.get(core.threshold), ctx.get(core.ties), sizes, cycle) if ctx.get(core.done) else None
        await ctx.tick()
        if found:
            return found
    return None
