"""What to try next: the advice of a run, in a line."""

from tokensieve.report.words import UNIT_WORDS
from tokensieve.sim.result import Result
from tokensieve.sim.result_advice import Advice


def advice_lines(result: Result) -> list[str]:
    """Return the best single change, what it buys and the bound above it, in a line; nothing where none was asked for.

    Of a speed-up at a coarser level than the run's, the line says so.
    """
    told = result.advice
    if told is None:
        return []
    unit = UNIT_WORDS.get(told.unit, told.unit)
    if not told.changes:
        reason = _as_busy(result, told)
        return [f"Nothing to gain: no single field buys 3 %{reason}; {unit} free: at most {told.if_free:.2f}x."]
    best = told.changes[0]
    coarse = f", {best.level}" if best.level == "analytic" and result.level != "analytic" else ""
    buys = f"{best.speedup:.2f}x, {best.area_mm2:+.2f} mm2, {best.energy - 1:+.0%} energy".replace("%", " %")
    # A field of another unit may gain more: the bound is that of the unit alone.
    free = f"{unit} free: at most" if best.speedup <= told.if_free else f"{unit} alone free: at most"
    return [f"Try {best.set}: {buys}{coarse} ({free} {told.if_free:.2f}x)."]


GAIN = 1.03
"""Speed-up of the 3 % that the line speaks of."""

AS_BUSY = 0.95
"""Share of the bottleneck's busy time from which another unit is called as busy: freeing one leaves the other."""


def _as_busy(result: Result, told: Advice) -> str:
    """Return which other units are about as busy as the bottleneck, the reason why freeing it gains nothing."""
    used = result.utilization
    most = used.get(result.bottleneck)
    if not most or told.if_free >= GAIN:
        return ""
    others = [UNIT_WORDS.get(u, u) for u, share in used.items() if u != result.bottleneck and share >= AS_BUSY * most]
    if not others:
        return ""
    *firsts, last = others
    units = f"{', '.join(firsts)} and {last} are" if firsts else f"{last} is"
    return f", as {units} about as busy"
