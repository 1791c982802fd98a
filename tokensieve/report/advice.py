"""What to try next: the advice of a run, in a line."""

from tokensieve.report.words import UNIT_WORDS
from tokensieve.sim.result import Result


def advice_lines(result: Result) -> list[str]:
    """Return the best single change, what it buys and the bound above it, in a line; nothing where none was asked for.

    Of a speed-up at a coarser level than the run's, the line says so.
    """
    told = result.advice
    if told is None:
        return []
    bound = f"{UNIT_WORDS.get(told.unit, told.unit)} free: at most {told.if_free:.2f}x"
    if not told.changes:
        return [f"Nothing to gain: no single field buys 3 %; {bound}."]
    best = told.changes[0]
    coarse = f", {best.level}" if best.level == "analytic" and result.level != "analytic" else ""
    buys = f"{best.speedup:.2f}x, {best.area_mm2:+.2f} mm2, {best.energy - 1:+.0%} energy".replace("%", " %")
    return [f"Try {best.set}: {buys}{coarse} ({bound})."]
