"""Cells of an iCE40: block memory SB_RAM40_4K, which has no output register, and multiplier SB_MAC16."""

from typing import Any

from amaranth.hdl import Cat, ClockSignal, Const, Instance, Module, Signal, Value

_SHAPES = ((8, tuple(range(16))), (9, tuple(range(0, 16, 2))), (10, (1, 5, 9, 13)), (11, (3, 11)))
"""Address bits of an SB_RAM40_4K in each mode, and the data pins that it then has."""

_ADDRESS = 11
"""Address pins."""

FACTOR_BITS = 16
"""Widest factor of an SB_MAC16."""


def block_ram(m: Module, write: Any, read: Any, out: Value, depth: int) -> bool:
    """Add SB_RAM40_4Ks that hold `depth` words of `out`'s width, a register behind; return False if it is too deep."""
    mode = next((number for number, (bits, _) in enumerate(_SHAPES) if depth <= 1 << bits), None)
    if mode is None:
        return False
    pins = _SHAPES[mode][1]
    data = Value.cast(write.data)
    words = Signal(len(out))
    behind = Signal(len(out), reset_less=True)
    for number, place in enumerate(range(0, len(out), len(pins))):
        part = data[place : place + len(pins)]
        m.submodules[f"block{number}"] = _memory(m, write, read, part, words[place : place + len(pins)], mode)
    with m.If(read.en):
        m.d.sync += behind.eq(words)
    m.d.comb += out.eq(behind)
    return True


def _memory(m: Module, write: Any, read: Any, data: Value, word: Value, mode: int) -> Instance:
    pins = _SHAPES[mode][1]
    into: list[Value] = [Const(0)] * 16
    outof = Signal(16)
    for bit in range(len(data)):
        into[pins[bit]] = data[bit]
        m.d.comb += word[bit].eq(outof[pins[bit]])
    places = {side: Cat(port.addr, Const(0, _ADDRESS - len(port.addr))) for side, port in (("W", write), ("R", read))}
    return Instance(
        "SB_RAM40_4K", p_READ_MODE=mode, p_WRITE_MODE=mode,
        i_RCLK=ClockSignal(), i_RCLKE=read.en, i_RE=Const(1), i_RADDR=places["R"], o_RDATA=outof,
        i_WCLK=ClockSignal(), i_WCLKE=write.en, i_WE=Const(1), i_WADDR=places["W"], i_WDATA=Cat(into),
        i_MASK=Const(0, 16),
    )  # fmt: skip


def multiplier(m: Module, a: Value, b: Value, signed: bool, enable: Value, product: Value) -> bool:
    """Add an SB_MAC16 with input and output registers; return False if the factors are too wide."""
    if max(len(a), len(b)) > FACTOR_BITS:
        return False
    word = Signal(2 * FACTOR_BITS)
    registers = {f"p_{name}": Const(1, 1) for name in ("A_REG", "B_REG", "PIPELINE_16x16_MULT_REG2")}
    sign = {f"p_{name}_SIGNED": Const(int(signed), 1) for name in "AB"}
    low = (*(f"{name}HOLD" for name in "ABCD"), "IRSTTOP", "IRSTBOT", "ORSTTOP", "ORSTBOT", "OLOADTOP", "OLOADBOT",
           "ADDSUBTOP", "ADDSUBBOT", "OHOLDTOP", "OHOLDBOT", "CI", "ACCUMCI", "SIGNEXTIN")  # fmt: skip
    m.submodules.cell = Instance(
        "SB_MAC16", **registers, **sign, p_TOPOUTPUT_SELECT=Const(3, 2), p_BOTOUTPUT_SELECT=Const(3, 2),
        i_CLK=ClockSignal(), i_CE=enable, i_A=_widened(a, signed), i_B=_widened(b, signed),
        i_C=Const(0, 16), i_D=Const(0, 16), **{f"i_{name}": Const(0) for name in low}, o_O=word,
    )  # fmt: skip
    m.d.comb += product.eq(word)
    return True


def _widened(factor: Value, signed: bool) -> Value:
    sign = factor[-1].replicate(FACTOR_BITS - len(factor)) if signed else Const(0, FACTOR_BITS - len(factor))
    return Cat(factor, sign)
