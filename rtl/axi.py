"""AXI4-Stream around a unit, so that it drops into somebody's design."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Cat, ClockDomain, DomainRenamer, Module, Shape, Value
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, Layout, StructLayout
from amaranth.lib.wiring import In, Out


@dataclass(frozen=True)
class Piece:
    """A field of a payload, and where it stands on TDATA or TUSER."""

    lsb: int
    width: int
    to: int
    """Bit at which it stands there."""


@dataclass(frozen=True, kw_only=True)
class Bus:
    """How a payload lies on an AXI4-Stream bus.

    TDATA has every field on whole bytes, with zeros above it; a payload with lanes has only these on TDATA, lane 0
    lowest. Which lanes count is said by TKEEP, for `mask` or `count`. `last` is TLAST. What is left beside lanes is
    TUSER.
    """

    data_bytes: int
    """Bytes of TDATA."""

    data: tuple[Piece, ...]

    user_bits: int
    """Bits of TUSER; 0 where there is none."""

    user: tuple[Piece, ...]

    lanes: int
    """Lanes of which each has its own bits of TKEEP; 0 where there is no TKEEP."""

    keep: str
    """What TKEEP stands for: ``mask``, ``count`` (its first lanes) or nothing."""

    keep_field: Piece | None
    """The mask or the count; `to` says nothing."""

    last: int | None
    """Bit of the payload that is TLAST."""

    @property
    def lane_bytes(self) -> int:
        """Bytes of a lane that has its own bits of TKEEP."""
        return self.data_bytes // self.lanes


def bus_of(payload: Any) -> Bus:
    """Return how a stream's `payload` lies on its bus: a layout, or a plain number."""
    layout = payload if isinstance(payload, Layout) else StructLayout({"data": payload})
    fields = {str(name): field for name, field in layout}
    rest = dict(fields)
    last = rest.pop("last", None)
    lanes = next((name for name, field in fields.items() if isinstance(field.shape, ArrayLayout)), "")
    keep = next((name for name in ("mask", "count") if lanes and name in rest), "")
    kept = rest.pop(keep) if keep else None
    on_data = {lanes: rest.pop(lanes)} if lanes else {name: rest.pop(name) for name in list(rest)}
    data, end = list[Piece](), 0
    for field in on_data.values():
        pieces, end = _on_bytes(field.shape, field.offset, end)
        data += pieces
    user, bits = list[Piece](), 0
    for field in rest.values():
        user.append(Piece(field.offset, field.width, bits))
        bits += field.width
    return Bus(
        data_bytes=max(1, end // 8), data=tuple(data), user_bits=bits, user=tuple(user),
        lanes=on_data[lanes].shape.length if keep else 0, keep=keep,
        keep_field=Piece(kept.offset, kept.width, 0) if kept else None, last=last.offset if last else None,
    )  # fmt: skip


def _on_bytes(shape: Any, lsb: int, to: int) -> tuple[list[Piece], int]:
    """Return the numbers that `shape` holds, each on bytes of its own from bit `to` on, and the bit after them."""
    if not isinstance(shape, Layout):
        width = Shape.cast(shape).width
        return [Piece(lsb, width, to)] if width else [], to + -(-width // 8) * 8
    pieces = []
    for _, field in shape:
        more, to = _on_bytes(field.shape, lsb + field.offset, to)
        pieces += more
    return pieces, to


class AxiStreamUnit(wiring.Component):
    """Gives a unit AXI4-Stream ports. It adds no cycle and no register: only wires, and counting of lanes to keep.

    Timing
    ------
    As the unit's. ``aresetn`` is synchronous to ``aclk``. Whatever the unit promises of streams holds for the buses:
    TVALID does not wait for TREADY, and neither it nor what it stands for changes until the transfer.

    Parameters
    ----------
    unit : `wiring.Component`
        A unit whose ports are streams, events and plain ports.

    Members
    -------
    aclk, aresetn : ``In(1)``
        Clock, and reset, active low.
    s_axis_NAME_tdata, _tvalid, _tready, and _tkeep, _tlast, _tuser where the payload calls for them :
        Stream NAME into the unit; see `Bus`.
    m_axis_NAME_tdata, ... :
        Stream NAME out of the unit.
    NAME_valid, NAME_FIELD : ``Out``
        Event NAME: its fields are meant while ``NAME_valid`` is high.
    NAME :
        Plain ports.
    """

    def __init__(self, unit: wiring.Component) -> None:
        self.unit = unit
        self.buses: Mapping[str, Bus] = {
            name: bus_of(getattr(unit, name).payload.shape())
            for name, member in unit.signature.members.items()
            if not member.is_port and isinstance(member.signature, stream.Signature)
        }
        ports: dict[str, wiring.Member] = {"aclk": In(1), "aresetn": In(1)}
        for name, member in unit.signature.members.items():
            ports |= self._ports(name, member)
        super().__init__(ports)

    def _ports(self, name: str, member: wiring.Member) -> dict[str, wiring.Member]:
        if member.is_port:
            return {name: member}
        if name not in self.buses:
            fields = StructLayout.cast(getattr(self.unit, name).payload.shape())
            return {f"{name}_valid": Out(1), **{f"{name}_{field}": Out(inner.shape) for field, inner in fields}}
        bus, inward, forth = self.buses[name], member.flow == In, member.flow
        ports = {"tdata": forth(8 * bus.data_bytes), "tvalid": forth(1), "tready": Out(1) if inward else In(1)}
        if bus.keep:
            ports["tkeep"] = forth(bus.data_bytes)
        if bus.last is not None:
            ports["tlast"] = forth(1)
        if bus.user_bits:
            ports["tuser"] = forth(bus.user_bits)
        return {f"{'s' if inward else 'm'}_axis_{name}_{port}": shape for port, shape in ports.items()}

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.domains += (domain := ClockDomain("axis", local=True))
        m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]
        m.submodules.unit = DomainRenamer("axis")(self.unit)
        for name, member in self.unit.signature.members.items():
            inner = getattr(self.unit, name)
            if member.is_port:
                outer = getattr(self, name)
                m.d.comb += inner.eq(outer) if member.flow == In else outer.eq(inner)
            elif name not in self.buses:
                self._event(m, name, inner)
            elif member.flow == In:
                self._source(m, name, inner)
            else:
                self._sink(m, name, inner)
        return m

    def _event(self, m: Module, name: str, inner: Any) -> None:
        m.d.comb += getattr(self, f"{name}_valid").eq(inner.valid)
        for field, place in StructLayout.cast(inner.payload.shape()):
            wires = Value.cast(inner.payload)[place.offset :][: place.width]
            m.d.comb += Value.cast(getattr(self, f"{name}_{field}")).eq(wires)

    def _source(self, m: Module, name: str, inner: Any) -> None:
        """Connect a stream into the unit."""
        wires = bus_wires(self, name)
        m.d.comb += [inner.valid.eq(wires["tvalid"]), wires["tready"].eq(inner.ready)]
        from_bus(m, self.buses[name], wires, inner.payload)

    def _sink(self, m: Module, name: str, inner: Any) -> None:
        """Connect a stream out of the unit."""
        wires = bus_wires(self, name)
        m.d.comb += [wires["tvalid"].eq(inner.valid), inner.ready.eq(wires["tready"])]
        to_bus(m, self.buses[name], inner.payload, wires)


def bus_wires(component: Any, name: str) -> dict[str, Any]:
    """Return the wires of stream `name` of an `AxiStreamUnit`, by the end of their names."""
    found = {}
    for wire in ("tdata", "tvalid", "tready", "tkeep", "tlast", "tuser"):
        for prefix in ("s_axis_", "m_axis_"):
            if hasattr(component, f"{prefix}{name}_{wire}"):
                found[wire] = getattr(component, f"{prefix}{name}_{wire}")
    return found


def from_bus(m: Module, bus: Bus, wires: Mapping[str, Any], payload: Any) -> None:
    """Give `payload` what stands on a bus."""
    bits = Value.cast(payload)
    for pieces, wire in ((bus.data, "tdata"), (bus.user, "tuser")):
        m.d.comb += [bits[one.lsb :][: one.width].eq(wires[wire][one.to :][: one.width]) for one in pieces]
    if bus.last is not None:
        m.d.comb += bits[bus.last].eq(wires["tlast"])
    if bus.keep_field is not None:
        kept = [wires["tkeep"][lane * bus.lane_bytes] for lane in range(bus.lanes)]
        told = sum(kept, start=Value.cast(0)) if bus.keep == "count" else Cat(kept)
        m.d.comb += bits[bus.keep_field.lsb :][: bus.keep_field.width].eq(told)


def to_bus(m: Module, bus: Bus, payload: Any, wires: Mapping[str, Any]) -> None:
    """Put `payload` onto a bus."""
    bits = Value.cast(payload)
    for pieces, wire in ((bus.data, "tdata"), (bus.user, "tuser")):
        m.d.comb += [wires[wire][one.to :][: one.width].eq(bits[one.lsb :][: one.width]) for one in pieces]
    if bus.last is not None:
        m.d.comb += wires["tlast"].eq(bits[bus.last])
    if bus.keep_field is not None:
        told = bits[bus.keep_field.lsb :][: bus.keep_field.width]
        kept = [told > lane if bus.keep == "count" else told[lane] for lane in range(bus.lanes)]
        m.d.comb += wires["tkeep"].eq(Cat(keep.replicate(bus.lane_bytes) for keep in kept))
