"""Cells of an ECP5: block memory DP16KD and multiplier MULT18X18D, with the registers that are in them.

The way words lie on a DP16KD's pins is Yosys's (``lattice/brams_map_16kd.v``): 36 bits are both ports' pins together,
written by port A and read by port B.
"""

from collections.abc import Iterator
from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value

_SHAPES = ((9, 36), (10, 18), (11, 9), (12, 4), (13, 2), (14, 1))
"""Address bits and width of a DP16KD."""

_ADDRESS = 14
"""Address pins."""

FACTOR_BITS = 18
"""Widest factor of a MULT18X18D."""


def block_ram(m: Module, write: Any, read: Any, out: Value, depth: int) -> bool:
    """Add DP16KDs with output registers that hold `depth` words of `out`'s width; return False if it is too deep."""
    bits, width = next((shape for shape in _SHAPES if depth <= 1 << shape[0]), (0, 0))
    if width == 0:
        return False
    data = Value.cast(write.data)
    for number, place in enumerate(range(0, len(out), width)):
        part = out[place : place + width]
        word = Signal(width, name=f"word{number}")
        m.d.comb += part.eq(word)
        pins = dict(_memory_pins(write, read, data[place : place + width], word, bits))
        m.submodules[f"block{number}"] = Instance("DP16KD", **_memory_parameters(width), **pins)
    return True


def _memory_parameters(width: int) -> dict[str, Any]:
    both = {"REGMODE": "OUTREG", "CSDECODE": "0b000", "DATA_WIDTH": width}
    told = {f"p_{name}_{port}": value for name, value in both.items() for port in "AB"}
    written = {} if width == 36 else {"p_WRITEMODE_A": "NORMAL", "p_WRITEMODE_B": "NORMAL"}
    return {**told, **written, "p_RESETMODE": "SYNC", "p_GSR": "AUTO", "p_CLKAMUX": "CLKA", "p_CLKBMUX": "CLKB"}


def _memory_pins(write: Any, read: Any, data: Value, word: Signal, bits: int) -> Iterator[tuple[str, Any]]:
    """Yield the pins of one DP16KD that holds `data` and gives `word`."""
    width, low = len(word), _ADDRESS - bits
    bytes_ = {36: 4, 18: 2}.get(width, 0)
    lanes = Const((1 << bytes_) - 1, bytes_)  # all bytes are written
    places = {"A": Cat(lanes, Const(0, low - len(lanes)), write.addr), "B": Cat(Const(0, low), read.addr)}
    enables = {"A": write.en, "B": read.en}
    for port in "AB":
        yield from ((f"i_CLK{port}", ClockSignal()), (f"i_CE{port}", enables[port]), (f"i_OCE{port}", read.en))
        yield from ((f"i_WE{port}", int(port == "A")), (f"i_RST{port}", 0))
        yield from ((f"i_CS{port}{bit}", 0) for bit in range(3))
        yield from ((f"i_AD{port}{bit}", _bit(places[port], bit)) for bit in range(_ADDRESS))
    into = Cat(data, Const(0, 36 - len(data)))
    yield from ((f"i_DI{'AB'[bit // 18]}{bit % 18}", into[bit]) for bit in range(36))
    if width == 36:
        yield from ((f"o_DO{'AB'[bit // 18]}{bit % 18}", word[bit]) for bit in range(36))
    else:
        yield from ((f"o_DOB{bit}", word[bit]) for bit in range(width))


def multiplier(m: Module, a: Value, b: Value, signed: bool, enable: Value, product: Value) -> bool:
    """Add a MULT18X18D with input and output registers; return False if the factors are too wide."""
    if max(len(a), len(b)) > FACTOR_BITS:
        return False
    word = Signal(2 * FACTOR_BITS)
    clocked = {f"p_REG_{name}_CLK": "CLK0" for name in ("INPUTA", "INPUTB", "OUTPUT")}
    wide = {"A": _widened(a, signed), "B": _widened(b, signed)}
    factors = {f"i_{name}{bit}": value[bit] for name, value in wide.items() for bit in range(FACTOR_BITS)}
    unused = {f"i_C{bit}": 0 for bit in range(FACTOR_BITS)} | {"i_SOURCEA": 0, "i_SOURCEB": 0}
    control = {f"i_{name}{number}": 0 for name in ("CLK", "CE", "RST") for number in range(1, 4)} | {"i_RST0": 0}
    m.submodules.cell = Instance(
        "MULT18X18D", **clocked, **factors, **unused, **control, p_RESETMODE="SYNC", p_GSR="DISABLED",
        i_CLK0=ClockSignal(), i_CE0=enable, i_SIGNEDA=int(signed), i_SIGNEDB=int(signed),
        **{f"o_P{bit}": word[bit] for bit in range(len(word))},
    )  # fmt: skip
    m.d.comb += product.eq(word)
    return True


def _widened(factor: Value, signed: bool) -> Value:
    sign = factor[-1].replicate(FACTOR_BITS - len(factor)) if signed else Const(0, FACTOR_BITS - len(factor))
    return Cat(factor, sign)


def _bit(value: Value, place: int) -> Value:
    return value[place] if place < len(value) else Const(0)
