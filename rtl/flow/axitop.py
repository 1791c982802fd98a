"""What stands around a unit in its AXI4-Stream wrapper while it is simulated."""

from typing import Any

from amaranth.hdl import Cat, ClockSignal, Module, ResetSignal, Shape
from amaranth.lib import wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In

from tokensieve.rtl.axi import bus_wires, from_bus, to_bus
from tokensieve.rtl.flow.ports import ports_of
from tokensieve.rtl.flow.wrapper import SEEN, TOP


class StreamsOfAxi(wiring.Component):
    """Drives the buses of an `AxiStreamUnit` from streams, for Amaranth's simulator. It adds no cycle.

    Parameters
    ----------
    axi : `AxiStreamUnit`
        A unit in its wrapper.

    Members
    -------
    As those of the unit in the wrapper.
    """

    def __init__(self, axi: Any) -> None:
        self._axi = axi
        super().__init__(dict(axi.unit.signature.members))

    def elaborate(self, platform: Any) -> Module:
        """Return the wires."""
        m = Module()
        m.submodules.axi = self._axi
        m.d.comb += [self._axi.aclk.eq(ClockSignal()), self._axi.aresetn.eq(~ResetSignal())]
        for name, member in self.signature.members.items():
            own = getattr(self, name)
            if member.is_port:
                outer = getattr(self._axi, name)
                m.d.comb += outer.eq(own) if member.flow == In else own.eq(outer)
            elif name in self._axi.buses:
                self._stream(m, name, own, inward=member.flow == In)
            else:
                fields = [(own.payload[field], f"{name}_{field}") for field, _ in own.payload.shape()]
                pairs = [*fields, (own.valid, f"{name}_valid")]
                m.d.comb += [to.eq(getattr(self._axi, port)) for to, port in pairs]
        return m

    def _stream(self, m: Module, name: str, own: Any, inward: bool) -> None:
        bus, wires = self._axi.buses[name], bus_wires(self._axi, name)
        if inward:
            m.d.comb += [wires["tvalid"].eq(own.valid), own.ready.eq(wires["tready"])]
            to_bus(m, bus, own.payload, wires)
        else:
            m.d.comb += [own.valid.eq(wires["tvalid"]), wires["tready"].eq(own.ready)]
            if bus.keep:  # a lane counts if all its bytes are kept
                lanes = [wires["tkeep"].word_select(lane, bus.lane_bytes).all() for lane in range(bus.lanes)]
                wires["tkeep"] = Cat(lane.replicate(bus.lane_bytes) for lane in lanes)
            from_bus(m, bus, wires, own.payload)


def axi_bench_text(name: str, component: Any) -> str:
    """Return the Verilog of the module around the `AxiStreamUnit` called `name`.

    It has the same ports, which cocotb can see. `flags` are as `player` describes them, and events have their payload
    in one word, so that the test bench reads little.
    """
    ports = {
        port: ("input" if member.flow == In else "output", Shape.cast(member.shape).width)
        for port, member in component.signature.members.items()
    }
    events = ports_of(component.unit).events
    words = [("flags", _flags(component))] + [
        (f"{event.name}__payload", _fields(component, event.name)) for event in events
    ]
    heads = [f"{way} [{width - 1}:0] {port} {SEEN}" for port, (way, width) in ports.items() if width]
    heads += [f"output [{_width(component, of) - 1}:0] {word} {SEEN}" for word, of in words]
    return "\n".join([
        f"module {TOP}({', '.join(heads)});",
        *[f"  assign {word} = {{{', '.join(reversed(of))}}};" for word, of in words],
        f"  {name} unit({', '.join(f'.{port}({port})' for port, (_, width) in ports.items() if width)});",
        "endmodule", "",
    ])  # fmt: skip


def _flags(component: Any) -> list[str]:
    """Return the ports whose bits make up `flags`, lowest first."""
    ports = ports_of(component.unit)
    prefixes = [f"s_axis_{port.name}" for port in ports.sources] + [f"m_axis_{port.name}" for port in ports.sinks]
    handshakes = [f"{prefix}_{wire}" for wire in ("tvalid", "tready") for prefix in prefixes]
    return handshakes + [f"{event.name}_valid" for event in ports.events]


def _fields(component: Any, event: str) -> list[str]:
    """Return the ports of an event's fields, lowest first."""
    layout = StructLayout.cast(getattr(component.unit, event).payload.shape())
    return [f"{event}_{field}" for field, place in layout if place.width]


def _width(component: Any, ports: list[str]) -> int:
    return sum(Shape.cast(component.signature.members[port].shape).width for port in ports)
