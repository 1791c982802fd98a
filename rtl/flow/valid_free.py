"""Whether `valid` or a payload of a unit waits for `ready`: two neighbours that both wait would lock up.

On the flat netlist no `ready` of an output may reach a `valid` or payload of an output through gates alone. Where such
a way exists, two copies of the unit tell whether it matters: they see the same up to a cycle in which their sinks
differ, and must offer the same in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import Assert, Cat, ClockSignal, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from tokensieve.rtl.axi import bus_wires
from tokensieve.rtl.flow.axiframe import is_axi
from tokensieve.rtl.flow.formal import Bench, offer
from tokensieve.rtl.flow.netlist import Step, netlist_of


@dataclass(frozen=True, kw_only=True)
class Handshake:
    """A stream at a unit's border, whichever its ports are called."""

    name: str
    inward: bool
    valid: Any
    ready: Any
    payload: Any
    """The rest, as one value."""

    ready_port: str
    offer_ports: tuple[str, ...]
    """Ports of `valid` and payload."""


def handshakes(component: Any) -> Iterator[Handshake]:
    """Yield the streams of a unit, or of a unit in its AXI4-Stream wrapper. Events cannot wait, and are left out."""
    inside = component.unit if is_axi(component) else component
    for name, member in inside.signature.members.items():
        if member.is_port or not isinstance(member.signature, stream.Signature):
            continue
        inward = member.flow == In
        if is_axi(component):
            wires, prefix = bus_wires(component, name), f"{'s' if inward else 'm'}_axis_{name}_"
            rest = {wire: one for wire, one in wires.items() if wire not in ("tvalid", "tready")}
            yield Handshake(
                name=name, inward=inward, valid=wires["tvalid"], ready=wires["tready"], payload=Cat(*rest.values()),
                ready_port=f"{prefix}tready", offer_ports=tuple(f"{prefix}{wire}" for wire in ("tvalid", *rest)),
            )  # fmt: skip
        else:
            port = getattr(component, name)
            yield Handshake(
                name=name, inward=inward, valid=port.valid, ready=port.ready, payload=Value.cast(port.payload),
                ready_port=f"{name}__ready", offer_ports=(f"{name}__valid", f"{name}__payload"),
            )  # fmt: skip


def way_from_ready(component: wiring.Component) -> list[Step] | None:
    """Return a way from a sink's `ready` to any `valid` or payload within a cycle; nothing if none exists."""
    sinks = [one for one in handshakes(component) if not one.inward]
    netlist, ends = netlist_of(component), [port for one in sinks for port in one.offer_ports]
    ways = [way for one in sinks if (way := netlist.way(one.ready_port, ends))]
    return min(ways, key=len, default=None)


class TwoCopies(Bench):
    """Two copies of a unit with the same sources, which keep the rules of streams; sinks may come to differ."""

    def __init__(self, one: Any, other: Any) -> None:
        self._copies = one, other

    def check(self, m: Module) -> None:
        """Claim that up to the first cycle in which any `ready` differs, that one included, both offer the same."""
        one, other = m.submodules.one, m.submodules.other = self._copies
        alike, differs = Signal(init=1), Signal()
        self._same_inputs(m, one, other)
        unequal = []
        for mine, its in zip(handshakes(one), handshakes(other), strict=True):
            if mine.inward:
                offer(m, mine)
                m.d.comb += [its.valid.eq(mine.valid), its.payload.eq(mine.payload)]
                continue
            m.d.comb += [mine.ready.eq(AnySeq(1)), its.ready.eq(AnySeq(1))]
            unequal.append(mine.ready != its.ready)
            same_payload = ~mine.valid | (mine.payload == its.payload)
            m.d.comb += Assert(~alike | (mine.valid == its.valid), f"{mine.name} offers whatever ready is")
            m.d.comb += Assert(~alike | same_payload, f"{mine.name} has the same payload whatever ready is")
        m.d.comb += differs.eq(Cat(*unequal).any())
        with m.If(differs):
            m.d.sync += alike.eq(0)

    def _same_inputs(self, m: Module, one: Any, other: Any) -> None:
        """Connect the clock of wrappers, and give both copies the same at their plain inputs."""
        for name, member in one.signature.members.items():
            if not member.is_port or member.flow != In or (is_axi(one) and "_axis_" in name):
                continue
            port = Value.cast(getattr(one, name))
            fixed = {"aclk": ClockSignal(), "aresetn": 1} if is_axi(one) else {}
            m.d.comb += [port.eq(fixed.get(name, AnySeq(len(port)))), Value.cast(getattr(other, name)).eq(port)]
