"""Area and power beside the paper's: what the model says, how sure it is, and why the two differ.

``python -m tokensieve.validate.power`` prints the tables of ``docs/reference/technology.md``. The paper's power is a
mean over its 30 benchmarks, it does not say of which kind. Ours are means over the 30 named workloads, whose lengths
and ratios are partly assumed: each counted once, weighted by its time, and the 8 of GPT-2 alone.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tokensieve.arch import Arch, load_arch
from tokensieve.arch.technology import ZERO, Quantity, load_technology
from tokensieve.report.markdown import table
from tokensieve.sim.cost.area import area, area_quantities
from tokensieve.sim.cost.energy import Energy, energy
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.result import POWER, Result
from tokensieve.validate.benchmarks import BERT, GPT2, NAMES, PAPER, cost
from tokensieve.validate.row import Band, Row, between, span
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.traces import load_trace

TOPK = ("topk", "ranking")
"""Units of the paper's "top-k engines"."""

FULL, EIGHTH = "spatten", "spatten-eighth"

CHECKS = "checks 23 to 26"

INSIDE = "the paper does not say what its area holds: ports and compiler of the memories, softmax, control"
EIGHTH_INSIDE = "SRAM of the 1/8 design is not published"
WORKLOADS = "the paper's lengths and pruning ratios are not published; those of the 30 named workloads are assumed"


@dataclass(frozen=True, kw_only=True)
class Power:
    """Mean power of a run, in watts."""

    name: str
    shares: dict[str, Quantity]
    """Of compute, SRAM and DRAM."""

    topk: Quantity
    """Of both top-k engines, a part of compute."""

    dram_gb_per_s: float

    seconds: float
    """Time of the run."""

    @property
    def total(self) -> Quantity:
        """Power of everything."""
        return sum(self.shares.values(), ZERO)


def power_rows() -> list[Row]:
    """Return area and power of both designs beside the paper's; takes a minute of CPU for the 2 x 30 runs."""
    rows = area_rows()
    for preset in (FULL, PAPER):
        of = powers(preset)
        gpt2 = [one for one in of if one.name in GPT2]
        rows += _split_rows(mean(of, f"{preset}, mean of 30"), _TRAFFIC)
        rows += _split_rows(mean(of, f"{preset}, weighted by time", by_time=True))
        rows += _split_rows(mean(gpt2, f"{preset}, GPT-2 alone"))
    return [*rows, _eighth_power(mean(powers(EIGHTH, BERT), f"{EIGHTH}, mean of 22 BERT"))]


def area_rows() -> list[Row]:
    """Return the areas, which no workload decides."""
    parts = area_quantities(load_arch(FULL), load_technology())
    share = share_of(sum((parts[unit] for unit in TOPK), ZERO), sum(parts.values(), ZERO))
    return [
        _area_row(FULL, 18.71, "HPCA 2021, V-A", INSIDE, _UNKNOWN),
        _area_row(EIGHTH, 1.55, "HPCA 2021, V and Table III", EIGHTH_INSIDE, _EIGHTH_SRAM),
        _share_row("top-k engines' share of the area", 2.7, share, between(1.35, 5.4), "HPCA 2021, V-B", INSIDE),
    ]


def _area_row(name: str, expected: float, source: str, assumption: str, cause: str) -> Row:
    whole = area(load_arch(name), load_technology())
    return Row(
        name=f"area of {name}",
        expected=expected,
        modelled=whole.total,
        interval=whole.interval,
        unit="mm2",
        band=between(0.7 * expected, 1.3 * expected),
        source=f"{CHECKS}: {source}",
        assumptions=(assumption,),
        causes=(cause,),
    )


def _split_rows(full: Power, *causes: str) -> Iterator[Row]:
    """Yield the shares of one mean beside the paper's; `causes` are those of a DRAM that draws less."""
    table2, text = "HPCA 2021, Table II", "HPCA 2021, V-B"
    for share, expected, why in (
        ("compute", 1.36, ()),
        ("sram", 1.24, ()),
        ("dram", 5.71, causes),
        ("total", 8.30, causes),
    ):
        watts = full.total if share == "total" else full.shares[share]
        yield _power_row(f"{full.name}: {share}", expected, watts, table2, *why)
    dram, topk = share_of(full.shares["dram"], full.total), share_of(full.topk, full.total)
    share, own = "share of the power", full.name
    yield _share_row(f"{own}: DRAM's {share}", 68.8, dram, between(60.8, 76.8), table2, WORKLOADS, *causes)
    yield _share_row(f"{own}: top-k engines' {share}", 1.0, topk, between(0.5, 2.0), text, WORKLOADS, _QUEUES)


def _eighth_power(eighth: Power) -> Row:
    source = "HPCA 2021, Table III: 360 GOP/s at 382 GOP/J"
    return _power_row(f"{eighth.name}: total", 360 / 382, eighth.total, source)


def _power_row(name: str, expected: float, watts: Quantity, source: str, *causes: str) -> Row:
    return Row(
        name=f"power of {name}",
        expected=expected,
        modelled=watts.value,
        interval=watts.interval,
        unit="W",
        band=between(0.75 * expected, 1.25 * expected),
        source=f"{CHECKS}: {source}",
        assumptions=(WORKLOADS,),
        causes=causes,
    )


def share_of(part: Quantity, whole: Quantity) -> tuple[float, tuple[float, float]]:
    """Return the share in percent, lowest where the part is low and the rest high."""
    low, high = part.interval
    rest = Quantity(whole.value - part.value, whole.half_width - part.half_width).interval
    return 100 * part.value / whole.value, (100 * low / (low + rest[1]), 100 * high / (high + rest[0]))


def _share_row(
    name: str,
    expected: float,
    share: tuple[float, tuple[float, float]],
    band: Band,
    source: str,
    assumption: str,
    *causes: str,
) -> Row:
    return Row(
        name=name,
        expected=expected,
        modelled=share[0],
        interval=share[1],
        unit="%",
        band=band,
        source=f"{CHECKS}: {source}",
        assumptions=(assumption,),
        causes=causes,
    )


@lru_cache
def powers(arch_name: str, names: tuple[str, ...] = NAMES) -> tuple[Power, ...]:
    """Return the power of named workloads on the preset `arch_name`; equal work is run once."""
    arch = load_arch(arch_name)
    return tuple(_power(name, arch, cost(name, arch_name)) for name in names)


def mean(of: Sequence[Power], name: str, by_time: bool = False) -> Power:
    """Return the mean of several runs, each counted once whatever its length; `by_time`, their energy by their time."""
    weights = [one.seconds if by_time else 1.0 for one in of]
    parts = [weight / sum(weights) for weight in weights]

    def weighted(values: Iterable[Quantity]) -> Quantity:
        return sum((part * value for part, value in zip(parts, values, strict=True)), ZERO)

    return Power(
        name=name,
        shares={share: weighted(one.shares[share] for one in of) for share in of[0].shares},
        topk=weighted(one.topk for one in of),
        dram_gb_per_s=sum(part * one.dram_gb_per_s for part, one in zip(parts, of, strict=True)),
        seconds=sum(one.seconds for one in of),
    )


def power_of(name: str, arch: Arch, decisions: Decisions) -> Power:
    """Return the mean power of a run at level `cycle`."""
    return _power(name, arch, cycle_result(arch, decisions))


def _power(name: str, arch: Arch, result: Result) -> Power:
    spent = energy(arch, load_technology(arch.technology), result.actions, result.seconds)
    rest = spent.joules.keys() - {unit for units in POWER.values() for unit in units}
    groups = {"compute": tuple(sorted(rest)), "sram": POWER["sram"], "dram": POWER["dram"]}
    return Power(
        name=name,
        shares={share: _watts(spent, units, result.seconds) for share, units in groups.items()},
        topk=_watts(spent, TOPK, result.seconds),
        dram_gb_per_s=result.traffic.dram_bytes["total"] / result.seconds * 1e-9,
        seconds=result.seconds,
    )


def _watts(spent: Energy, units: Iterable[str], seconds: float) -> Quantity:
    joules = sum((Quantity(spent.joules[unit], spent.half_widths[unit]) for unit in units), ZERO)
    return 1 / seconds * joules


_UNKNOWN = (
    "unknown; half of the modelled area is K and V SRAM, by a fit to CACTI's macros that is uncertain by 56 %, and a"
    " third port of theirs would add 1.3 mm2, but the release banks by parity and has none"
)
_EIGHTH_SRAM = "2 x 24 KiB are an inference: the full design's 2 x 192 KiB alone would take more than the paper's area"
_TRAFFIC = (
    "5.71 W at 3.9 pJ/bit is 183 GB/s, 36 % of the peak, which GPT-2 draws; in a mean that counts every run once, 22 of"
    " 30 are BERT, whose K and V are loaded once for all queries. Weighted by time, and GPT-2 alone, stand below"
)
_QUEUES = "the engines' queues are charged by their size alone, and idle registers as if their clock were gated"


def row_table(rows: Iterable[Row]) -> str:
    """Return `rows`, which have a band and an interval, as a table of Markdown."""
    return table(("figure", "paper", "modelled", "interval", "band", "in band"), map(_cells, rows))


def _cells(row: Row) -> tuple[str, ...]:
    assert row.interval is not None
    assert row.band is not None
    return (
        row.name,
        f"{row.expected:.3g} {row.unit}",
        f"{row.modelled:.3g} ({row.deviation:+.0%})",
        span(*row.interval),
        row.band.text,
        "yes" if row.verdict == "in" else "**no**",
    )


def _power_table(means: Iterable[Power]) -> str:
    titles = ("workload", "compute, W", "SRAM, W", "DRAM, W", "total, W", "DRAM, GB/s")
    return table(titles, map(_power_cells, means))


def _power_cells(power: Power) -> tuple[str, ...]:
    low, high = power.total.interval
    return (
        power.name,
        *(f"{power.shares[share].value:.2f}" for share in ("compute", "sram", "dram")),
        f"{power.total.value:.2f} ({low:.2f} to {high:.2f})",
        f"{power.dram_gb_per_s:.0f}",
    )


def main() -> None:
    """Print the rows, and the power by family of workloads and of a trace."""
    parser = argparse.ArgumentParser(prog="python -m tokensieve.validate.power", description=main.__doc__)
    parser.add_argument("--trace", metavar="FILE", help="decisions to add to the table of powers")
    given = parser.parse_args()
    families = {"22 BERT": "bert", "8 GPT-2": "gpt2", "all 30": ""}
    shown = [mean([p for p in powers(FULL) if p.name.startswith(head)], name) for name, head in families.items()]
    if given.trace:
        arch = load_arch(FULL)
        shown.append(power_of("trace", arch, load_trace(given.trace, arch)))
    print(row_table(power_rows()), _power_table(shown), sep="\n\n")


if __name__ == "__main__":
    main()
