"""Planted faults of parts that several units have: queues, pipelines, output registers."""

from tokensieve.rtl.flow.mutants.base import Mutant

PLACE_STICKS = Mutant(
    name="place-sticks",
    module="tokensieve.rtl.queue",
    old="tail.eq(tail + enters)",
    new="tail.eq(tail + (enters & (tail != self._depth - 1)))",
    why="the place to write to stays at the end of the queue, instead of beginning again",
)

BEAT_DROPPED = Mutant(
    name="beat-dropped",
    module="tokensieve.rtl.pipe",
    old="advance.eq(~end.valid | end.ready)",
    new="advance.eq(1)",
    why="a beat that waits is overwritten",
)

TVALID_WAITS = Mutant(
    name="valid-waits",
    module="tokensieve.rtl.axi",
    old='wires["tvalid"].eq(inner.valid)',
    new='wires["tvalid"].eq(inner.valid & wires["tready"])',
    why="a beat is offered only after its sink is ready, though it leaves in the cycle in which it should",
)

_FREE = "m.d.comb += free.eq(~self.o.valid | self.o.ready"
"""How output registers of their own say that they may be overwritten, without the last bracket."""


def impatient(name: str, module: str, old: str, new: str, waits: str, cycles: str) -> Mutant:
    """Return the fault that a beat is given up after `cycles` in which it `waits`: then ``late`` of `new` is high."""
    timer = [
        f"waited, late = Signal(range({cycles} + 1)), Signal()",
        f"m.d.comb += late.eq(waited == {cycles})",
        "m.d.sync += waited.eq(0)",
        f"with m.If({waits}):",
        "    m.d.sync += waited.eq(waited + ~late)",
        new,
    ]
    why = "a beat that waits for very long is given up"
    return Mutant(name=name, module=module, old=old, new=f"\n{' ' * 8}".join(timer), why=why)


def impatient_output(module: str, cycles: str, name: str = "impatient") -> Mutant:
    """Return that fault of the output register of `module`."""
    waits = "self.o.valid & ~self.o.ready"
    return impatient(name, module, f"{_FREE})", f"{_FREE} | late)", waits, cycles)
