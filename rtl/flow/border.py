"""The border of a unit as others connect it: one port for each field of a payload, in the order of its signature.

A port of numbers in lanes holds lane 0 in its lowest bits. Which bits of the payload are on which port is said here
once, for the module around the unit, for the test benches and for vectors in files.
"""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout, Layout, View
from amaranth.lib.wiring import In

from tokensieve.rtl.axilite import LITE_PORTS, Register
from tokensieve.rtl.flow.axiframe import is_axi, on_bus
from tokensieve.rtl.flow.ports import Kind, kind_of


@dataclass(frozen=True)
class Pin:
    """A port that carries a field of a payload."""

    name: str
    width: int
    """Bits of one lane's number."""

    places: tuple[int, ...]
    """Lowest bit in the payload, lane by lane; empty on an AXI4-Stream bus, which is not a plain choice of bits."""

    says: str = ""
    """What a reader should know beside the name: lanes, sign, the meaning of values."""

    lanes: int = 1

    way: str = ""
    """``input`` or ``output`` where that is another than the bundle's."""

    @property
    def bits(self) -> int:
        """Bits of the port."""
        return self.width * self.lanes


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A stream, an event or a plain port, with its ports."""

    name: str
    kind: Kind
    says: str
    """What the unit's docstring says of it."""

    valid: str = ""
    ready: str = ""
    pins: tuple[Pin, ...]

    @property
    def inward(self) -> bool:
        """Whether payload and `valid` are inputs of the unit."""
        return self.kind in ("sources", "constants")

    @property
    def bits(self) -> int:
        """Bits of all its fields side by side."""
        return sum(pin.bits for pin in self.pins)


@dataclass(frozen=True, kw_only=True)
class Border:
    """All ports of a unit."""

    clock: str
    reset: str
    active: int
    """Level of the reset at which it resets."""

    bundles: tuple[Bundle, ...]

    axi: Mapping[str, Any] = field(default_factory=dict)
    """Buses of a unit in its AXI4-Stream wrapper, by stream."""

    registers: tuple[Register, ...] = ()
    """Registers of a unit in its AXI4-Lite wrapper."""


def border_of(component: wiring.Component) -> Border:
    """Return the border of `component`: of a unit, or of one in its AXI4-Stream wrapper."""
    lite: Any = component if hasattr(component, "registers") else None
    if lite:
        inner = border_of(lite.axi)
        kept = tuple(bundle for bundle in inner.bundles if bundle.name != "command")
        block = _registers(lite, _said(lite.axi.unit).get("command", ""))
        return replace(inner, bundles=(block, *kept), registers=tuple(lite.registers))
    axi: Any = component if is_axi(component) else None
    unit: wiring.Component = axi.unit if axi else component
    said, bundles = _said(unit), list[Bundle]()
    for name in unit.signature.members:
        bundle = _bundle(unit, name, said.get(name, ""))
        bundles.append(_on_axi(axi, bundle) if axi and name in axi.buses else bundle)
    clock, reset = ("aclk", "aresetn") if axi else ("clk", "rst")
    return Border(clock=clock, reset=reset, active=int(not axi), bundles=tuple(bundles), axi=axi.buses if axi else {})


def _registers(lite: Any, says: str) -> Bundle:
    """Return the ports of the register block and its interrupt; `says` is what the unit says of its command."""
    members = {name: lite.signature.members[name] for name in LITE_PORTS}
    pins = tuple(
        Pin(name, Shape.cast(member.shape).width, (), way="input" if member.flow == In else "output")
        for name, member in members.items()
    )
    return Bundle(name="registers", kind="registers", says=f"The command in them: {says}", pins=pins)


def _on_axi(axi: Any, stream: Bundle) -> Bundle:
    """Return the ports of a stream's bus."""
    prefix = f"{'s' if stream.inward else 'm'}_axis_{stream.name}"
    wires = [wire for wire in ("tdata", "tkeep", "tlast", "tuser") if hasattr(axi, f"{prefix}_{wire}")]
    widths = {wire: Shape.cast(axi.signature.members[f"{prefix}_{wire}"].shape).width for wire in wires}
    pins = tuple(Pin(f"{prefix}_{wire}", width, ()) for wire, width in widths.items())
    says = " ".join(filter(None, [stream.says, _layout(axi.buses[stream.name], stream)]))
    return replace(stream, says=says, valid=f"{prefix}_tvalid", ready=f"{prefix}_tready", pins=pins)


def _layout(bus: Any, stream: Bundle) -> str:
    """Return which bits of TDATA and TUSER are which fields; of lanes, those of lane 0."""
    fields, told = {pin.places[0]: pin for pin in stream.pins}, []
    for wire, pieces in (("TDATA", bus.data), ("TUSER", bus.user)):
        pins = [(piece.to, fields[piece.lsb]) for piece in pieces if piece.lsb in fields]
        bits = [_bits(low, pin, stream.name) for low, pin in pins]
        lanes = pins[0][1].lanes if pins else 1
        each = f", {lanes} lanes of {8 * bus.data_bytes // lanes} bits, of lane 0" if lanes > 1 else ""
        told += [f"{wire}{each}: {', '.join(bits)}."] if pins else []
    return " ".join(told)


def _bits(low: int, pin: Pin, stream: str) -> str:
    span = f"{low + pin.width - 1}:{low}" if pin.width > 1 else f"{low}"
    return f"{span} {pin.name.removeprefix(f'{stream}_')}{f' ({pin.says})' if pin.says else ''}"


def _bundle(component: wiring.Component, name: str, says: str) -> Bundle:
    member = component.signature.members[name]
    kind, port = kind_of(name, member), getattr(component, name)
    if member.is_port:
        pins = fields_of(name, member.shape, alone=name)
        return Bundle(name=name, kind=kind, says=says, pins=pins)
    pins = fields_of(name, port.payload.shape(), alone=f"{name}_data")
    taken = {f"{name}_valid", f"{name}_ready"} & {pin.name for pin in pins}
    assert not taken, f"a field of {name} has the name of a handshake: {taken}"
    ready = "" if kind == "events" else f"{name}_ready"
    return Bundle(name=name, kind=kind, says=says, valid=f"{name}_valid", ready=ready, pins=pins)


def fields_of(name: str, shape: Any, alone: str) -> tuple[Pin, ...]:
    """Return the ports of a payload of `shape`; one that has no fields is a single port, called `alone`.

    >>> from amaranth.lib.data import StructLayout
    >>> beat = StructLayout({"items": ArrayLayout(StructLayout({"index": 4, "score": 8}), 2), "last": 1})
    >>> [(pin.name, pin.places) for pin in fields_of("o", beat, "o")]
    [('o_items_index', (0, 12)), ('o_items_score', (4, 16)), ('o_last', (24,))]
    """
    leaves = _leaves(shape, 0)
    return tuple(
        Pin("_".join([name, *path]) if path else alone, width, tuple(places), says, len(places))
        for path, (width, says, places) in leaves.items()
        if width
    )


_Leaf = tuple[int, str, list[int]]


def _leaves(shape: Any, offset: int) -> dict[tuple[str, ...], _Leaf]:
    """Return the numbers in `shape` by the path of their names: width, remark, and the lowest bit in each lane."""
    if isinstance(shape, type) and issubclass(shape, View):
        shape = shape.__layout__  # type: ignore[attr-defined]  # a data.Struct
    if isinstance(shape, ArrayLayout):
        return _array(shape, offset)
    if isinstance(shape, Layout):
        found: dict[tuple[str, ...], _Leaf] = {}
        for name, part in shape:
            for path, leaf in _leaves(part.shape, offset + part.offset).items():
                found[(str(name), *path)] = leaf
        return found
    plain = Shape.cast(shape)
    return {(): (int(plain.width), _remark(shape, plain), [offset])}


def _array(shape: ArrayLayout, offset: int) -> dict[tuple[str, ...], _Leaf]:
    found: dict[tuple[str, ...], _Leaf] = {}
    step = Shape.cast(shape.elem_shape).width
    for lane in range(shape.length):
        for path, (width, says, places) in _leaves(shape.elem_shape, offset + lane * step).items():
            found.setdefault(path, (width, says, []))[2].extend(places)
    return found


def _remark(shape: Any, plain: Shape) -> str:
    if isinstance(shape, type) and issubclass(shape, Enum):
        return ", ".join(f"{one.value} {one.name}" for one in shape)
    return "two's complement" if plain.signed else ""


_MEMBER = re.compile(r"^(\w+(?:, \w+)*) :.*\n((?:    .*\n?)*)", re.MULTILINE)


def _said(component: wiring.Component) -> dict[str, str]:
    """Return what the docstring of the component's class says of its members."""
    text = inspect.cleandoc(type(component).__doc__ or "").partition("Members\n-------\n")[2]
    return {
        name: " ".join(told.replace("`", "").split())
        for names, told in _MEMBER.findall(text + "\n")
        for name in names.split(", ")
    }


def word_on(border: Border, bundle: Bundle, payload: int) -> int:
    """Return what stands on the bundle's ports for `payload`, side by side, the first port lowest.

    A mask of bits of the payload gives a mask of bits of the ports, except that of a mask all of TKEEP counts.
    """
    if bundle.name in border.axi:
        bus = border.axi[bundle.name]
        told = on_bus(bus, payload)
        values = {"tdata": told.data, "tkeep": told.keep, "tlast": told.last, "tuser": told.user}
        parts = [(values[pin.name.rpartition("_")[2]], pin.bits) for pin in bundle.pins]
        return sum(value << sum(bits for _, bits in parts[:place]) for place, (value, _) in enumerate(parts))
    word, end = 0, 0
    for pin in bundle.pins:
        for place in pin.places:
            word |= (payload >> place & (1 << pin.width) - 1) << end
            end += pin.width
    return word
