"""One line of the validation: what somebody else found, what this project models, and whether that is near enough."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["in", "out", "printed"]

ROUNDING = 1e-9
"""Relative difference below which two floating-point numbers count as equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Values that a modelled figure may have, and the same in words."""

    low: float
    high: float
    text: str
    share: float | None = None
    """Share of the expected figure to either side, where that is how the band is given."""

    def holds(self, value: float) -> bool:
        """Return whether `value` is a number within the band."""
        return self.low <= value <= self.high


def exactly(expected: float) -> Band:
    """Return the band of one value and the rounding of floating point about it."""
    slack = ROUNDING * abs(expected)
    return Band(low=expected - slack, high=expected + slack, text="exact")


def within(expected: float, share: float) -> Band:
    """Return the band of `share` to either side of `expected`.

    >>> within(200.0, 0.05)
    Band(low=190.0, high=210.0, text='±5 %', share=0.05)
    """
    slack = share * abs(expected)
    return Band(low=expected - slack, high=expected + slack, text=f"±{100 * share:g} %", share=share)


def between(low: float, high: float) -> Band:
    """Return the band from `low` to `high`.

    >>> between(1.35, 5.4)
    Band(low=1.35, high=5.4, text='1.35 to 5.4', share=None)
    """
    return Band(low=low, high=high, text=span(low, high))


def span(low: float, high: float) -> str:
    """Return two figures as they are printed where they bound a third."""
    return f"{low:.3g} to {high:.3g}"


def at_most(limit: float, text: str | None = None) -> Band:
    """Return the band of all values up to `limit`."""
    return Band(low=-math.inf, high=limit, text=f"at most {limit:g}" if text is None else text)


def at_least(limit: float, text: str | None = None) -> Band:
    """Return the band of all values from `limit` on."""
    return Band(low=limit, high=math.inf, text=f"at least {limit:g}" if text is None else text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure of others beside ours."""

    name: str
    """What is compared, in words; unique within a section."""

    expected: float | None
    """Figure of the source; None where there is only a limit, or nothing to compare with."""

    modelled: float
    unit: str
    """Unit of both figures; empty for a ratio."""

    source: str
    """Where `expected` (or the limit) stands."""

    band: Band | None = None
    """What `modelled` may be; None for a row that is printed only."""

    assumptions: tuple[str, ...] = ()
    """What the comparison rests on that nobody published; empty where it needs nothing."""

    causes: tuple[str, ...] = ()
    """Why the two differ, by name."""

    interval: tuple[float, float] | None = None
    """Lowest and highest modelled figure within the uncertainties of the constants, where they matter."""

    @property
    def assumption(self) -> str | None:
        """All assumptions in one line; None without any."""
        return "; ".join(self.assumptions) or None

    @property
    def cause(self) -> str | None:
        """All causes in one line, with the interval behind them; None without any."""
        return "; ".join((*self.causes, *self._interval_words())) or None

    def _interval_words(self) -> tuple[str, ...]:
        if self.interval is None:
            return ()
        return (f"modelled {span(*self.interval)} within the uncertainties of the constants",)

    @property
    def deviation(self) -> float | None:
        """Relative difference of `modelled` from `expected`; None where there is nothing to divide by."""
        if not self.expected:
            return None
        return self.modelled / self.expected - 1

    @property
    def verdict(self) -> Verdict:
        """Whether `modelled` is in its band; `printed` without one."""
        if self.band is None:
            return "printed"
        return "in" if self.band.holds(self.modelled) else "out"

    @property
    def fails(self) -> bool:
        """Whether this row alone fails the validation: out of its band, with no assumption to put it down to."""
        return self.verdict == "out" and not self.assumptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How well the figures of many rows agree."""

    rows: int
    mean: float
    """Mean of the absolute relative deviations."""

    largest: float
    """Largest absolute relative deviation."""

    correlation: float | None
    """Pearson's, of expected and modelled; None below three rows, or where either does not vary."""


def agreement(rows: Iterable[Row]) -> Agreement:
    """Return the agreement of the rows that have something to deviate from; there must be one."""
    pairs = [(r.expected, r.modelled) for r in rows if r.expected]
    deviations = [abs(modelled / expected - 1) for expected, modelled in pairs]
    return Agreement(
        rows=len(pairs),
        mean=math.fsum(deviations) / len(pairs),
        largest=max(deviations),
        correlation=correlation([p[0] for p in pairs], [p[1] for p in pairs]),
    )


def correlation(expected: Sequence[float], modelled: Sequence[float]) -> float | None:
    """Return Pearson's coefficient, or None below three points or where a side does not vary.

    >>> correlation([1, 2, 3], [2, 4, 6]), correlation([1, 1, 1], [2, 4, 6])
    (1.0, None)
    """
    x, y = np.asarray(expected, float), np.asarray(modelled, float)
    if len(x) < 3:
        return None
    x, y = x - x.mean(), y - y.mean()
    scale = float(np.sqrt((x * x).sum() * (y * y).sum()))
    return float((x * y).sum()) / scale if scale else None
