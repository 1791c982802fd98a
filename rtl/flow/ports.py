"""The ports of a unit, read off its signature: streams, events and plain ports."""

from typing import Any, Literal

from amaranth.hdl import Shape
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Flow, In

from tokensieve.rtl.flow.case import Port, Ports

Kind = Literal["sources", "sinks", "events", "constants", "outputs", "registers"]
"""What a member of a signature is. The first four are fields of `Ports`; registers are a wrapper's."""


def ports_of(component: wiring.Component) -> Ports:
    """Return the ports of `component`. Nested and repeated ports are refused: a unit's border is flat."""
    found: dict[str, list[Port]] = {"sources": [], "sinks": [], "events": [], "constants": []}
    for name, member in component.signature.members.items():
        assert not member.dimensions, f"port {name}: arrays of ports are not known here"
        kind = kind_of(name, member)
        if kind != "outputs":
            found[kind].append(Port(name, _width(getattr(component, name), member)))
    return Ports(**{kind: tuple(ports) for kind, ports in found.items()})


def kind_of(name: str, member: wiring.Member) -> Kind:
    """Return what a member of a unit's signature is; plain outputs are in no test bench."""
    inward = member.flow == In
    if member.is_port:
        return "constants" if inward else "outputs"
    if isinstance(member.signature, stream.Signature):
        return "sources" if inward else "sinks"
    names = set(member.signature.members)
    assert names == {"payload", "valid"}, f"port {name} is neither a stream nor an event"
    assert member.flow is Flow.Out, f"event {name} must be an output"
    return "events"


def _width(port: Any, member: wiring.Member) -> int:
    shape = member.shape if member.is_port else port.payload.shape()
    return int(Shape.cast(shape).width)
