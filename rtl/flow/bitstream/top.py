"""What stands on a board around a design with pins: the PLL, and a reset after power-on."""

from collections.abc import Callable, Sequence
from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, Instance, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import Flow, In

from tokensieve.rtl.flow.bitstream.devices import Family
from tokensieve.rtl.flow.bitstream.pll import Setting

CLOCK = "clk"
"""Pin of the oscillator."""

_POWER_ON_BITS = 12
"""Of the counter that holds the reset after the PLL has locked: 15 us or more up to 273 MHz, which is when iCE40's
block memories may be read."""


class BoardTop(wiring.Component):
    """Runs a design on a PLL's clock, and resets it until that clock is stable. The design is made in `elaborate`.

    The PLL's lock goes through two flip-flops to a counter; the design's reset is high until the counter is full, and
    again when the lock is lost. It changes with the PLL's clock.

    Parameters
    ----------
    make : () -> `wiring.Component`
        Returns what is to run, in the clock domain `sync`.
    pins : `wiring.Signature`
        Its members.
    family : `Family`
        Whose PLL.
    setting : `Setting`
        The PLL's clock.
    pll_pad : bool
        iCE40: the oscillator is at the PLL's pad.

    Members
    -------
    clk : ``In(1)``
        The oscillator.
    all others
        As `pins` has them.
    """

    def __init__(
        self, make: Callable[[], wiring.Component], pins: wiring.Signature, family: Family, setting: Setting,
        pll_pad: bool,
    ) -> None:  # fmt: skip
        super().__init__({CLOCK: In(1), **dict(pins.members)})
        self._make, self._pins, self._family, self._setting, self._pll_pad = make, pins, family, setting, pll_pad

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.design = design = self._make()
        for name, member in self._pins.members.items():
            inner, outer = getattr(design, name), getattr(self, name)
            m.d.comb += inner.eq(outer) if member.flow is Flow.In else outer.eq(inner)

        m.domains.sync = sync = ClockDomain()
        m.domains.power_on = power_on = ClockDomain(reset_less=True)
        lock, locked = Signal(), Signal()
        m.submodules.pll = pll(self._family, self.clk, sync.clk, lock, self._setting, self._pll_pad)
        m.d.comb += power_on.clk.eq(ClockSignal())
        m.submodules.lock_synchronizer = FFSynchronizer(lock, locked, o_domain="power_on")

        count, held = Signal(_POWER_ON_BITS), Signal(init=1)
        with m.If(~locked):
            m.d.power_on += count.eq(0)
        with m.Elif(~count.all()):
            m.d.power_on += count.eq(count + 1)
        m.d.power_on += held.eq(~count.all())
        m.d.comb += sync.rst.eq(held)
        return m


def pll(family: Family, clock: Any, out: Any, lock: Any, setting: Setting, pad: bool) -> Instance:
    """Return the PLL of `family` that makes `out` of `clock` by `setting`, and raises `lock`."""
    make = {"ecp5": _ecp5, "ice40": _ice40, "gowin": _gowin}[family]
    return make(clock, out, lock, setting, pad)


def _ecp5(clock: Any, out: Any, lock: Any, setting: Setting, pad: bool) -> Instance:
    """EHXPLLL as ecppll of Project Trellis sets it: filter and charge pump are theirs."""
    feedback = Signal()
    phase = {f"p_CLKO{one}_CPHASE": int(setting.parameters[f"CLKO{one}_DIV"]) - 1 for one in ("P", "S")}
    filters = {"ICP_CURRENT": "12", "LPF_RESISTOR": "8", "MFG_ENABLE_FILTEROPAMP": "1", "MFG_GMCREF_SEL": "2"}
    low = ("RST", "STDBY", "PHASESEL0", "PHASESEL1", "PHASEDIR", "PHASESTEP", "PHASELOADREG", "ENCLKOP", "ENCLKOS")
    return Instance(
        "EHXPLLL",
        **{f"p_{name}": value for name, value in setting.parameters.items()},
        **phase, p_CLKOP_ENABLE="ENABLED", p_CLKOS_ENABLE="ENABLED", p_CLKOP_FPHASE=0, p_CLKOS_FPHASE=0,
        p_FEEDBK_PATH="CLKOP", p_OUTDIVIDER_MUXA="DIVA", p_OUTDIVIDER_MUXB="DIVB",
        **{f"a_{name}": value for name, value in filters.items()},
        **{f"i_{name}": 0 for name in low}, i_PLLWAKESYNC=0,
        i_CLKI=clock, i_CLKFB=feedback, o_CLKOP=feedback, o_CLKOS=out, o_LOCK=lock,
    )  # fmt: skip


def _ice40(clock: Any, out: Any, lock: Any, setting: Setting, pad: bool) -> Instance:
    source = {"i_PACKAGEPIN": clock} if pad else {"i_REFERENCECLK": clock}
    return Instance(
        "SB_PLL40_PAD" if pad else "SB_PLL40_CORE",
        **{f"p_{name}": value for name, value in setting.parameters.items()},
        p_FEEDBACK_PATH="SIMPLE", **source, i_RESETB=1, i_BYPASS=0, o_PLLOUTGLOBAL=out, o_LOCK=lock,
    )  # fmt: skip


def _gowin(clock: Any, out: Any, lock: Any, setting: Setting, pad: bool) -> Instance:
    low = {"RESET": 1, "RESET_P": 1, "CLKFB": 1, "FBDSEL": 6, "IDSEL": 6, "ODSEL": 6, "PSDA": 4, "DUTYDA": 4, "FDLY": 4}
    return Instance(
        "rPLL",
        **{f"p_{name}": value for name, value in setting.parameters.items()},
        p_DEVICE="GW2A-18C", **{f"i_{name}": Signal(width, name=name) for name, width in low.items()},
        i_CLKIN=clock, o_CLKOUT=out, o_LOCK=lock,
    )  # fmt: skip


def wires(pins: wiring.Signature) -> Sequence[tuple[str, bool]]:
    """Return every wire of a design's pins, and whether it comes in; a member of several bits is numbered.

    >>> from amaranth.lib.wiring import In, Out
    >>> wires(wiring.Signature({"rx": In(1), "led": Out(2)}))
    [('rx', True), ('led[0]', False), ('led[1]', False)]
    """
    found = list[tuple[str, bool]]()
    for name, member in pins.members.items():
        width, comes = member.shape, member.flow is Flow.In
        found += [(name, comes)] if width == 1 else [(f"{name}[{bit}]", comes) for bit in range(width)]
    return found
