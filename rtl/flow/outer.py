"""The module that others instantiate: one port for each field, in groups, around the module that Yosys wrote.

It has no logic. The unit inside is the module ``NAME__unit``; in front stand a description of the border and an
instantiation template, as comments.
"""

import textwrap
from collections.abc import Iterator, Sequence
from operator import itemgetter

from amaranth.lib import wiring

from tokensieve.rtl.flow.border import Border, Bundle, Pin, border_of

INSIDE = "__unit"
"""What the name of the module inside has behind that of the module around it."""

_COLUMNS = 100

_STREAMS = (
    "Streams: a beat moves at the rising edge at which its valid and ready are both high. valid does not wait for "
    "ready; a beat on offer stays on offer, unchanged, until it moves. Whoever drives a stream into the unit must keep "
    "the same rules."
)

_BUSES = (
    "Buses: AXI4-Stream. Each number of a payload begins on a byte of its own; TKEEP marks the lanes that count, TLAST "
    "ends a packet."
)

_LANES = "Lanes: a port of several lanes has lane 0 in its lowest bits."

_EVENTS = "Events: the fields are meant in the cycles in which valid is high. An event cannot wait."


def outer_text(name: str, component: wiring.Component, clocked: bool = True) -> str:
    """Return the Verilog of the module `name` around ``NAME__unit``, with its description.

    `clocked` says whether the unit has clock and reset at all.
    """
    border = border_of(component)
    ports, pins = list(_ports(border)), list(_connections(border, clocked))
    lines = [*_described(border), *_template(name, border), "", f"module {name} ("]
    lines += [*ports, ");", f"  {name}{INSIDE} unit ("]
    for place, pin in enumerate(pins, 1):
        told = f"{pin}{',' if place < len(pins) else ''}"
        lines += textwrap.wrap(told, _COLUMNS, initial_indent="    ", subsequent_indent="      ")
    return "\n".join([*lines, "  );", "endmodule", "", ""])


def port_names(border: Border) -> Iterator[str]:
    """Yield the names of all ports, in their order."""
    yield from (border.clock, border.reset)
    for bundle in border.bundles:
        yield from (port for port in (bundle.valid, bundle.ready) if port)
        yield from (pin.name for pin in bundle.pins)


def _described(border: Border) -> Iterator[str]:
    """Yield comments: what holds of all ports."""
    kinds = {bundle.kind for bundle in border.bundles}
    level = "high" if border.active else "low"
    texts = [
        f"Clock {border.clock}: rising edge. Reset {border.reset}: active {level}, synchronous to {border.clock}; hold "
        "it for one rising edge or more. While it is held, no stream out of the unit is valid from the first edge on.",
        _BUSES if border.axi else _STREAMS,
        "" if border.axi else _LANES,
        _EVENTS if "events" in kinds else "",
    ]
    for text in filter(None, texts):
        yield from _comment(text, "")
    if border.registers:
        yield "// Registers, by byte address, each of 32 bits:"
    for one in border.registers:
        yield from _comment(f"{one.address:02x} {one.name}: {one.says}.", "")
    yield "//"


def _template(name: str, border: Border) -> Iterator[str]:
    """Yield an instantiation template as comments."""
    yield "// Instantiation template:"
    yield f"//   {name} {name}_0 ("
    ports = list(port_names(border))
    for place, port in enumerate(ports, 1):
        yield f"//     .{port}({port}){',' if place < len(ports) else ''}"
    yield "//   );"


def _ports(border: Border) -> Iterator[str]:
    """Yield the lines of the module's ports, streams and events apart from one another."""
    groups: list[tuple[list[str], list[tuple[str, Pin]]]] = [
        ([], [("input", Pin(border.clock, 1, ())), ("input", Pin(border.reset, 1, ()))])
    ]
    groups += [(list(_comment(_title(bundle), "  ")), list(_directed(bundle))) for bundle in border.bundles]
    last = groups[-1][1][-1]
    for number, (remarks, ports) in enumerate(groups):
        if number:
            yield ""
        yield from remarks
        for one in ports:
            yield _port(*one, comma=one is not last)


def _title(bundle: Bundle) -> str:
    kind = {
        "sources": "stream into the unit", "sinks": "stream out of the unit", "events": "event",
        "constants": "plain input, held still", "outputs": "plain output", "registers": "AXI4-Lite, and its interrupt",
    }[bundle.kind]  # fmt: skip
    return f"{bundle.name}, {kind}{': ' if bundle.says else ''}{bundle.says}"


def _directed(bundle: Bundle) -> Iterator[tuple[str, Pin]]:
    forth, back = ("input", "output") if bundle.inward else ("output", "input")
    if bundle.valid:
        yield forth, Pin(bundle.valid, 1, ())
    if bundle.ready:
        yield back, Pin(bundle.ready, 1, ())
    for pin in bundle.pins:
        yield pin.way or forth, pin


def _port(way: str, pin: Pin, comma: bool) -> str:
    size = f"[{pin.bits - 1}:0]" if pin.bits > 1 else ""
    lanes = f"{pin.lanes} lanes of {pin.width} bit{'s' if pin.width > 1 else ''}" if pin.lanes > 1 else ""
    remark = ", ".join(filter(None, [lanes, pin.says]))
    line = f"  {way:6} wire {size:9} {pin.name}{',' if comma else ''}"
    return f"{line:48} // {remark}" if remark else line


def _connections(border: Border, clocked: bool) -> Iterator[str]:
    """Yield what the ports of the unit inside are connected to."""
    if clocked:
        yield from (f".{port}({port})" for port in (border.clock, border.reset))
    for bundle in border.bundles:
        if border.axi:  # the wrapper has the same ports
            yield from (f".{port}({port})" for _, port in _named(bundle))
            continue
        inner = f"{bundle.name}__" if bundle.valid else ""
        yield from (
            f".{inner}{wire}({port})" for wire, port in (("valid", bundle.valid), ("ready", bundle.ready)) if port
        )
        if bundle.pins:
            yield f".{f'{inner}payload' if inner else bundle.name}({payload_of(bundle.pins)})"


def _named(bundle: Bundle) -> Iterator[tuple[str, str]]:
    return ((port.name, port.name) for _, port in _directed(bundle))


def payload_of(pins: Sequence[Pin]) -> str:
    """Return the payload as a concatenation of ports or of their lanes.

    >>> payload_of([Pin("o_index", 4, (0, 12), "", 2), Pin("o_score", 8, (4, 16), "", 2)])
    '{o_score[15:8], o_index[7:4], o_score[7:0], o_index[3:0]}'
    >>> payload_of([Pin("o_scores", 8, (0, 8), "", 2), Pin("o_last", 1, (16,))])
    '{o_last, o_scores}'
    """
    lanes = sorted(
        ((place, lane * pin.width, pin) for pin in pins for lane, place in enumerate(pin.places)), key=itemgetter(0)
    )
    pieces = list[tuple[Pin, int, int]]()  # a port, its lowest bit, its bits
    for _, low, pin in lanes:
        if pieces and pieces[-1][0] is pin and sum(pieces[-1][1:]) == low:
            pieces[-1] = pin, pieces[-1][1], pieces[-1][2] + pin.width
        else:
            pieces.append((pin, low, pin.width))
    names = [_slice(*piece) for piece in reversed(pieces)]
    return names[0] if len(names) == 1 else f"{{{', '.join(names)}}}"


def _slice(pin: Pin, low: int, bits: int) -> str:
    if bits == pin.bits:
        return pin.name
    return f"{pin.name}[{low + bits - 1}:{low}]" if bits > 1 else f"{pin.name}[{low}]"


def _comment(text: str, indent: str) -> Iterator[str]:
    lead = f"{indent}// "
    yield from textwrap.wrap(text, _COLUMNS, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)
