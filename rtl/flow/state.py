"""What a unit remembers: its registers and its memories, and how to fill them with anything.

A unit may rely on nothing that stood in it before a reset: what has no reset can hold any bits then.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any

from amaranth.hdl import Fragment, MemoryData, Signal, Value
from amaranth.hdl._mem import MemoryInstance


@dataclass(frozen=True)
class State:
    """Registers and memories of a unit, its parts included, by their names: ``part.part.name``.

    Where registers have the same name, because several are made by one line, they are listed one behind another.
    """

    registers: tuple[tuple[str, Signal], ...]
    """Those of the memories' read ports among them."""

    memories: tuple[tuple[str, MemoryData], ...]

    settable: tuple[Signal, ...]
    """Registers that can be filled. The simulator lets nobody set one some of whose bits are wires; those are reset."""

    @property
    def kept(self) -> list[str]:
        """Names of all that a reset leaves as it is."""
        ports = {name for name, _ in self.memories}
        left = [name for name, register in self.registers if register.reset_less or name.rpartition(".")[0] in ports]
        return [*left, *ports]

    def fill(self, ctx: Any, rng: Random) -> None:
        """Put random bits everywhere, in Amaranth's simulator. What has a reset must be reset afterwards."""
        for register in self.settable:
            ctx.set(register, rng.getrandbits(len(register)))
        for _, memory in self.memories:
            for row in (Value.cast(memory[place]) for place in range(memory.depth)):
                ctx.set(row, rng.getrandbits(len(row)))


def state_of(fragment: Fragment) -> State:
    """Return what `fragment` remembers, all parts together."""
    registers, memories = dict[int, tuple[str, Signal]](), list[tuple[str, MemoryData]]()
    wires = set[int]()
    for name, part in _parts(fragment, ""):
        wires |= {id(signal) for statement in part.statements.get("comb", ()) for signal in statement._lhs_signals()}
        for signal in _driven(part):
            registers.setdefault(id(signal), (f"{name}.{signal.name}", signal))
        if isinstance(part, MemoryInstance):
            memories.append((name, part._data))
    for number in wires & registers.keys():
        name, register = registers[number]
        assert not register.reset_less, f"{name} has bits without a reset beside wires, and could not be filled"
    settable = tuple(register for number, (_, register) in registers.items() if number not in wires)
    return State(tuple(registers.values()), tuple(memories), settable)


def _parts(fragment: Fragment, name: str) -> Iterator[tuple[str, Fragment]]:
    yield name, fragment
    for part, own, *_ in fragment.subfragments:
        yield from _parts(part, f"{name}.{own}" if name else str(own))


def _driven(part: Fragment) -> Iterator[Signal]:
    """Yield the signals that a clock edge sets."""
    for domain, statements in part.statements.items():
        for statement in statements if domain != "comb" else ():
            yield from statement._lhs_signals()
    if isinstance(part, MemoryInstance):
        for port in part._read_ports:
            if port._domain != "comb":
                yield from port._data._lhs_signals()
