"""What a design has to take of an FPGA by its structure, beside what synthesis took: nothing was lost on the way.

Logic whose outputs nobody sees is swept away by synthesis, and then cells and clock are those of another design. So
memories, their blocks and multipliers are counted twice, from the design and in the netlist, and every register behind
the unit's input must still reach an output pin. Yosys names the cells of a memory after it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tokensieve.rtl.flow.bitstream.devices import Family
from tokensieve.rtl.flow.bitstream.synthesis import Netlist, is_block, is_multiplier

_REGISTERS = re.compile(r"^\$(sdff|adff|aldff|dff)\w*$")


_WIDE = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
_SHAPES: Mapping[Family, Sequence[tuple[int, int]]] = {
    "ecp5": _WIDE,
    "gowin": _WIDE,
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
}
"""Words and bits of a block memory with one port to read and one to write."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """A memory of the design."""

    name: str
    depth: int
    """Words."""

    width: int
    """Bits of a word."""

    reads: int
    """Ports that read."""

    def blocks(self, family: Family) -> int:
        """Return the block memories that it takes if it is made of them; small ones may be made of LUTs instead.

        >>> Memory(name="side", depth=16, width=112, reads=1).blocks("ice40")
        7
        """
        return self.reads * min(-(-self.depth // words) * -(-self.width // bits) for words, bits in _SHAPES[family])


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was counted twice."""

    what: str
    expected: int
    """By the design's structure."""

    found: int
    """In the netlist that was placed."""

    @property
    def holds(self) -> bool:
        """Whether both are equal."""
        return self.expected == self.found


def checks(netlist: Netlist, family: Family, port: str) -> list[Check]:
    """Return what is counted twice of `netlist`: block memories, multipliers, registers behind the nets `port`.

    `port` is a regular expression that the flat name of the unit's input matches.
    """
    structure, mapped = netlist.structure, netlist.mapped
    every, blocks = list(memories(structure)), blocks_of(mapped)
    kinds = [cell["type"] for cell in structure["cells"].values()]
    named = sum(map(is_block, kinds))  # cells that the design asks for by name
    there = [memory for memory in every if any(name.startswith(f"{memory.name}.") for name in mapped["cells"])]
    multiplications = kinds.count("$mul") + sum(map(is_multiplier, kinds))
    registers = registers_behind(structure, port)
    seen = observed(mapped)
    reach = sum(not names.isdisjoint(seen) for names in registers)
    return [
        Check(what="memories", expected=len(every), found=len(there)),
        Check(what="block memories", found=netlist.bram,
              expected=named + sum(one.blocks(family) for one in every if one.name in blocks)),
        Check(what="multipliers", expected=multiplications, found=netlist.dsp),
        Check(what="input registers that reach an output", expected=len(registers), found=reach),
    ]  # fmt: skip


def memories(structure: Mapping[str, Any]) -> Iterator[Memory]:
    """Yield the memories of a flat design."""
    for name, cell in structure["cells"].items():
        if cell["type"] == "$mem_v2":
            told = cell["parameters"]
            size, width, reads = (int(told[name], 2) for name in ("SIZE", "WIDTH", "RD_PORTS"))
            yield Memory(name=name, depth=size, width=width, reads=reads)


def blocks_of(mapped: Mapping[str, Any]) -> dict[str, int]:
    """Return the block memories of each memory that has some: Yosys numbers them behind its name."""
    found = dict[str, int]()
    for name, cell in mapped["cells"].items():
        if is_block(cell["type"]):
            memory = re.sub(r"(\.\d+)+$", "", name)
            found[memory] = found.get(memory, 0) + 1
    return found


def registers_behind(design: Mapping[str, Any], port: str) -> list[set[str]]:
    """Return all names of each register bit that the nets matching `port` come from, through gates alone."""
    drivers = {bit: cell for cell in design["cells"].values() for bit in _bits(cell, "output")}
    names = _names(design)
    begun = [bit for name, net in design["netnames"].items() if re.fullmatch(port, name) for bit in net["bits"]]
    ahead = list(dict.fromkeys(begun))
    seen, found = set(ahead), list[set[str]]()
    while ahead:
        bit = ahead.pop()
        cell = drivers.get(bit)
        if cell is None:
            continue
        if _REGISTERS.match(cell["type"]):
            found.append(names[bit])
            continue
        fresh = [one for one in _bits(cell, "input") if one not in seen]
        seen.update(fresh)
        ahead += fresh
    return found


def observed(design: Mapping[str, Any]) -> set[str]:
    """Return names of all bits that an output of the flat `design` depends on, over any number of cycles."""
    drivers = {bit: cell for cell in design["cells"].values() for bit in _bits(cell, "output")}
    ports = design["ports"].values()
    ahead = [bit for port in ports if port["direction"] == "output" for bit in port["bits"] if isinstance(bit, int)]
    seen = set(ahead)
    while ahead:
        cell = drivers.get(ahead.pop())
        fresh = [bit for bit in (_bits(cell, "input") if cell else ()) if bit not in seen]
        seen.update(fresh)
        ahead += fresh
    return {name for bit, names in _names(design).items() if bit in seen for name in names}


def _bits(cell: Mapping[str, Any], way: str) -> Iterator[int]:
    """Yield the bits of all of a cell's inputs or outputs; constants are none."""
    for pin, bits in cell["connections"].items():
        if cell.get("port_directions", {}).get(pin) == way:
            yield from (bit for bit in bits if isinstance(bit, int))


def _names(design: Mapping[str, Any]) -> dict[Any, set[str]]:
    """Return all names of every bit."""
    names = dict[Any, set[str]]()
    for name, net in design["netnames"].items():
        for place, bit in enumerate(net["bits"]):
            names.setdefault(bit, set()).add(_bit(name, place, net))
    return names


def _bit(name: str, place: int, net: Mapping[str, Any]) -> str:
    return name if len(net["bits"]) == 1 else f"{name}[{place}]"
