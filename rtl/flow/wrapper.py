"""The module around a unit on Verilator: all its handshakes in one word.

A test bench that reads a port costs more than the simulation itself. With every `valid` and `ready` in one word it
reads once a cycle, and payloads only where something moved.
"""

from collections.abc import Iterator

from tokensieve.rtl.flow.border import Border, Bundle, Pin
from tokensieve.rtl.flow.case import Port, Ports

TOP = "bench"
"""Module name. The unit is its instance ``unit``."""


SEEN = "/*verilator public_flat_rw*/"
"""What cocotb can read and write. Only these ports: were it every net, Verilator could not optimize, and a build would
take several times as long."""


def bench_text(name: str, ports: Ports, border: Border) -> str:
    """Return the Verilog of the module around the unit `name`, whose ports are those of `border`.

    `drive` and `flags` are words as `player` describes them.
    """
    streams = len(ports.streams)
    heads = ["input clk", "input rst", f"input {_range(streams)}drive"]
    heads += [f"output {_range(2 * streams + len(ports.events))}flags"]
    heads += [f"input {_range(port.width)}{port.name}__payload" for port in ports.sources if port.width]
    heads += [f"output {_range(port.width)}{port.name}__payload" for port in _seen(ports)]
    heads += [f"input {_range(port.width)}{port.name}" for port in ports.constants if port.width]
    pins = [f".{pin}({net})" for pin, net in _pins(ports, border)]
    return "\n".join([
        f"module {TOP}({', '.join(f'{head} {SEEN}' for head in heads)});",
        *[f"  assign flags[{flag}] = drive[{bit}];" for flag, bit in _driven(ports)],
        f"  {name} unit({', '.join(pins)});",
        "endmodule", "",
    ])  # fmt: skip


def _range(width: int) -> str:
    return f"[{width - 1}:0] "


def _seen(ports: Ports) -> list[Port]:
    """Return the ports whose payload is read."""
    return [port for port in (*ports.sinks, *ports.events) if port.width]


def _driven(ports: Ports) -> list[tuple[int, int]]:
    """Return which flags are driven by the bench itself, and by which bit: `valid` of sources, `ready` of sinks."""
    streams, sources = len(ports.streams), len(ports.sources)
    return [(bit if bit < sources else streams + bit, bit) for bit in range(streams)]


def _pins(ports: Ports, border: Border) -> Iterator[tuple[str, str]]:
    """Yield the pins of the unit and what each is connected to."""
    streams, sources = len(ports.streams), len(ports.sources)
    flags = {port.name: (f"drive[{number}]", f"flags[{streams + number}]") for number, port in enumerate(ports.sources)}
    for number, port in enumerate(ports.sinks, sources):
        flags[port.name] = f"flags[{number}]", f"drive[{number}]"
    for number, port in enumerate(ports.events):
        flags[port.name] = f"flags[{2 * streams + number}]", ""
    yield from ((border.clock, "clk"), (border.reset, "rst"))
    for bundle in border.bundles:
        if bundle.kind == "outputs":
            continue
        handshake = zip((bundle.valid, bundle.ready), flags.get(bundle.name, ("", "")), strict=True)
        yield from ((pin, net) for pin, net in handshake if pin)
        yield from ((pin.name, _bits(bundle, pin)) for pin in bundle.pins)


def _bits(bundle: Bundle, pin: Pin) -> str:
    """Return the bits of the bundle's word that are on a port, the last lane first."""
    word = f"{bundle.name}__payload" if bundle.valid else bundle.name
    parts = [f"{word}[{place + pin.width - 1}:{place}]" for place in reversed(pin.places)]
    return parts[0] if len(parts) == 1 else f"{{{', '.join(parts)}}}"
