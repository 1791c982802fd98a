"""What a unit remembers: its registers and its memories, and how to fill them with anything.

A unit may rely on nothing that stood in it before a reset: what has no reset can hold any bits then.
"""

from dataclasses import dataclass
from random import Random
from typing import Any

from amaranth.hdl import Fragment, MemoryData, Signal
from amaranth.hdl._mem import MemoryInstance


@dataclass(frozen=True)
class State:
    """Registers and memories of a unit, its parts included."""

    registers: tuple[Signal, ...]
    memories: tuple[MemoryData, ...]

    def fill(self, ctx: Any, rng: Random) -> None:
        """Put random bits everywhere, in Amaranth's simulator. What has a reset must be reset afterwards."""
        for register in self.registers:
            ctx.set(register, rng.getrandbits(len(register)))
        for memory in self.memories:
            width = len(memory[0])
            for place in range(memory.depth):
                ctx.set(memory[place], rng.getrandbits(width))


def state_of(fragment: Fragment) -> State:
    """Return what `fragment` remembers; the registers of memories' read ports are among the registers."""
    registers, memories = dict[int, Signal](), list[MemoryData]()
    _collect(fragment, registers, memories)
    return State(tuple(registers.values()), tuple(memories))


def _collect(fragment: Fragment, registers: dict[int, Signal], memories: list[MemoryData]) -> None:
    driven = [
        signal
        for domain, statements in fragment.statements.items()
        if domain != "comb"
        for statement in statements
        for signal in statement._lhs_signals()
    ]
    if isinstance(fragment, MemoryInstance):
        memories.append(fragment._data)
        for port in fragment._read_ports:
            if port._domain != "comb":
                driven += port._data._lhs_signals()
    registers |= {id(signal): signal for signal in driven}
    for part, *_ in fragment.subfragments:
        _collect(part, registers, memories)
