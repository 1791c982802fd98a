"""A multiplier with registers in front of it and behind it."""

from typing import Any

from amaranth.hdl import Module, Signal, Value, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from tokensieve.rtl.primitives import ecp5, ice40
from tokensieve.rtl.primitives.target import primitives_of

_CELLS = {"ecp5": ecp5.multiplier, "ice40": ice40.multiplier}


class Multiplier(wiring.Component):
    """Multiplies two numbers, both signed or both unsigned, a product a cycle.

    Timing
    ------
    A product stands on ``o`` two cycles with `en` after its factors, be they in a row or not.

    Parameters
    ----------
    bits : int
        Width of a factor.
    is_signed : bool
        Whether factors are signed.

    Members
    -------
    en : ``In(1)``
        All registers move on.
    a, b : ``In(bits)``
        Factors.
    o : ``Out(2 * bits)``
        Product.
    """

    def __init__(self, bits: int, is_signed: bool) -> None:
        shape = signed if is_signed else unsigned
        super().__init__({"en": In(1), "a": In(shape(bits)), "b": In(shape(bits)), "o": Out(shape(2 * bits))})
        self._signed = is_signed

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        cells = _CELLS.get(primitives_of(platform))
        a, b, product = (Value.cast(one) for one in (self.a, self.b, self.o))
        if cells is None or not cells(m, a, b, self._signed, self.en, product):
            self._infer(m)
        return m

    def _infer(self, m: Module) -> None:
        factors = [Signal(port.shape(), name=f"factor_{name}", reset_less=True) for name, port in self._factors]
        product = Signal(self.o.shape(), reset_less=True)
        with m.If(self.en):
            m.d.sync += [factor.eq(port) for factor, (_, port) in zip(factors, self._factors, strict=True)]
            m.d.sync += product.eq(factors[0] * factors[1])
        m.d.comb += self.o.eq(product)

    @property
    def _factors(self) -> list[tuple[str, Any]]:
        return [("a", self.a), ("b", self.b)]
