"""Of the cascade pruner: it tells of what it cannot obey, and of nothing else, and keeps as many as it should."""

from typing import Any

from amaranth.asserts import AnyConst
from amaranth.hdl import Assert, Assume, Module, Mux, Signal, Value
from amaranth.lib import stream

from tokensieve.arch.machine import Arch
from tokensieve.arch.presets import load_arch
from tokensieve.arch.status import Status
from tokensieve.rtl.beats import CascadeOp
from tokensieve.rtl.flow.formal import Bench, Claim, accept, offer
from tokensieve.rtl.flow.harness.base import unit_class

BITS = 4
"""Width of the counters of events and packets: more than there can be in the cycles of the claim."""


def small() -> Arch:
    """Return a machine that prunes up to three tokens and two heads, two at a time, with narrow sums."""
    return load_arch(
        "spatten",
        [
            "topk.engine=bitserial", "topk.lanes=2", "topk.max_tokens=3", "topk.score_bits=4", "topk.count_stages=1",
            "softmax.probability_bits=8", "softmax.lanes=1", "importance.lanes=1", "importance.token_bits=8",
            "importance.head_bits=16", "importance.max_heads=2", "importance.stages=1", "gather.max_row_bytes=2",
            "gather.address_bits=16", "dram.granule_bytes=8", "gather.outstanding=2",
        ],
    )  # fmt: skip


class Commands(Bench):
    """`CascadePruner` beside a model of how many tokens and heads are alive, and how many there have been.

    The commands are any, in any order, legal or not; so are importance and pauses. One event and one packet of numbers
    are followed, any of any, picked by the solver. No vector is fetched.
    """

    def check(self, m: Module) -> None:
        """Say of each command at the port what it comes to, and hold events and packets against that."""
        arch = small()
        m.submodules.unit = unit = unit_class("tokensieve.rtl.cascade_pruner", "CascadePruner")(arch)
        for name, member in unit.signature.members.items():
            if isinstance(member.signature, stream.Signature):
                (offer if member.flow.name == "In" else accept)(m, getattr(unit, name))
        m.d.comb += [Assume(~unit.fetch.valid), Assume(~unit.data.valid)]
        told = unit.command
        m.d.comb += Assume(~told.valid | (~told.p.fetch & (told.p.seed != 0)))
        code, kept = self._judge(m, arch, told)
        self._events(m, told, code, unit.status)
        self._packets(m, told, kept, unit.o)

    def _judge(self, m: Module, arch: Arch, told: Any) -> tuple[Signal, Signal]:
        """Return why a command is illegal, 0 if it is not, and how many a PRUNE keeps; follow what is alive."""
        op, n = told.p.op.as_value(), told.p.n
        bits = range(arch.topk.max_tokens + 1)
        tokens, heads = (
            [Signal(bits, name=f"{name}_{kind}") for name in ("alive", "given")] for kind in ("tokens", "heads")
        )
        alive, given = (Mux(told.p.heads, *both) for both in zip(heads, tokens, strict=True))
        most = Mux(told.p.heads, arch.importance.max_heads, arch.topk.max_tokens)
        m.d.comb += Assume(~told.valid | (op != Value.cast(CascadeOp.ADD)) | ~told.p.heads | (n < alive))
        code, kept = Signal(3), Signal(bits)
        after = [Signal(bits, name="alive_after"), Signal(bits, name="given_after")]
        m.d.comb += [kept.eq(Mux(told.p.k < alive, told.p.k, alive)), after[0].eq(alive), after[1].eq(given)]
        with m.Switch(op):
            with m.Case(CascadeOp.CLEAR):
                m.d.comb += [code.eq(Mux(n > most, Status.TOO_MANY, 0)), *(one.eq(n) for one in after)]
            with m.Case(CascadeOp.GROW):
                m.d.comb += [code.eq(Mux(given + n > most, Status.GROW, 0))]
                m.d.comb += [after[0].eq(alive + n), after[1].eq(given + n)]
            with m.Case(CascadeOp.ADD):
                m.d.comb += code.eq(Mux(~told.p.heads & (n == 0), Status.NONE_OFFERED, 0))
            with m.Case(CascadeOp.PRUNE):
                m.d.comb += [code.eq(Mux(alive == 0, Status.EMPTY_SET, 0)), after[0].eq(kept)]
        for mine, counts in ((told.p.heads, heads), (~told.p.heads, tokens)):
            with m.If(told.valid & told.ready & (code == 0) & mine):
                m.d.sync += [count.eq(now) for count, now in zip(counts, after, strict=True)]
        return code, kept

    def _events(self, m: Module, told: Any, code: Signal, status: Any) -> None:
        """Hold event number `which` against illegal command number `which`."""
        which, expected, came = AnyConst(BITS), Signal(3), Signal()
        illegal, raised = Signal(BITS), Signal(BITS)
        with m.If(told.valid & told.ready & (code != 0)):
            m.d.sync += illegal.eq(illegal + 1)
            with m.If(illegal == which):
                m.d.sync += [expected.eq(code), came.eq(1)]
        with m.If(status.valid):
            m.d.sync += raised.eq(raised + 1)
        mine = Signal()
        m.d.comb += mine.eq(status.valid & (raised == which))
        m.d.comb += Assert(~mine | came, "each illegal command raises an event, and no other command does")
        m.d.comb += Assert(
            ~mine | (status.payload.code == expected), "the event has the code of its reason, in the commands' order"
        )

    def _packets(self, m: Module, told: Any, kept: Signal, o: Any) -> None:
        """Hold packet number `which` against PRUNE number `which`."""
        which, expected, came = AnyConst(BITS), Signal.like(kept), Signal()
        prunes, packets, before = Signal(BITS), Signal(BITS), Signal(BITS)
        with m.If(told.valid & told.ready & (told.p.op.as_value() == Value.cast(CascadeOp.PRUNE))):
            m.d.sync += prunes.eq(prunes + 1)
            with m.If(prunes == which):
                m.d.sync += [expected.eq(kept), came.eq(1)]
        with m.If(o.valid & o.ready):
            m.d.sync += [packets.eq(packets + o.p.last), before.eq(Mux(o.p.last, 0, before + o.p["count"]))]
        mine = Signal()
        m.d.comb += mine.eq(o.valid & (packets == which))
        m.d.comb += Assert(~mine | came, "no packet of numbers leaves before its PRUNE")
        m.d.comb += Assert(
            ~(mine & o.p.last) | (before + o.p["count"] == expected),
            "min(k, alive) numbers leave, none of a wrong PRUNE",
        )


CLAIMS = (
    Claim(
        unit="cascade-pruner",
        name="obeys-the-legal",
        says="for any commands, an event with the right code for each that cannot be obeyed and for no other, in their "
        "order; min(k, alive) numbers leave for each PRUNE, and an illegal command changes neither; with any pauses",
        method="bmc",
        depth=11,
        bench=Commands,
    ),
)
