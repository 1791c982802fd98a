"""How numbers are written: with thousands separated, or with an SI prefix and a unit."""

_PREFIXES = (
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "u"),
    (1e-9, "n"),
    (1e-12, "p"),
)


def count(value: float) -> str:
    """Return a count, or a mean of counts with one decimal.

    >>> count(1283172), count(118.25)
    ('1,283,172', '118.2')
    """
    return f"{value:,.0f}" if value == int(value) else f"{value:,.1f}"


def prefix(value: float) -> tuple[float, str]:
    """Return the SI prefix that suits `value`, as a factor and a letter; 0 has none.

    >>> prefix(83_700_000)
    (1000000.0, 'M')
    """
    return next(((f, p) for f, p in _PREFIXES if abs(value) >= f), _PREFIXES[-1] if value else (1.0, ""))


def quantity(value: float, unit: str) -> str:
    """Return `value` with four digits, an SI prefix and its unit.

    >>> quantity(83_712_345, "B"), quantity(0.00123456, "J"), quantity(0, "J")
    ('83.71 MB', '1.235 mJ', '0 J')
    """
    factor, letter = prefix(value)
    return f"{digits(value / factor)} {letter}{unit}"


def digits(value: float) -> str:
    """Return `value` with four significant digits and never an exponent.

    >>> digits(0.5), digits(12.3456), digits(1234.5), digits(0.0)
    ('0.5', '12.35', '1,234', '0')
    """
    if value and abs(value) < 1000:
        return f"{value:.4g}" if abs(value) >= 1e-4 else f"{value:.2e}"
    return f"{value:,.0f}"


def fixed(value: float) -> str:
    """Return `value` with three decimals, so that a column of them lines up.

    >>> fixed(3.125), fixed(0), fixed(0.00012)
    ('3.125', '0', '1.2e-04')
    """
    if not value:
        return "0"
    return f"{value:,.3f}" if abs(value) >= 1e-3 else f"{value:.1e}"


def percent(part: float, whole: float) -> str:
    """Return `part` as a share of `whole`, or a dash where there is no whole.

    >>> percent(1, 8), percent(0, 0)
    ('12.5 %', '-')
    """
    return f"{100 * part / whole:.1f} %" if whole else "-"


def times(value: float | None) -> str:
    """Return a ratio as a factor, or a dash where there is none.

    >>> times(10.6981), times(None)
    ('10.70x', '-')
    """
    return "-" if value is None else f"{value:.2f}x"
