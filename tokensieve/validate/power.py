"""Area and power beside the paper's: what the model says, how sure it is, and why the two differ.

``python -m tokensieve.validate.power`` prints the tables of ``docs/reference/technology.md``. The paper's power is a
mean over its 30 benchmarks; ours is the mean over the 30 named workloads, whose lengths and ratios are partly assumed.
"""

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from tokensieve.arch import Arch, load_arch
from tokensieve.arch.technology import ZERO, Quantity, load_technology
from tokensieve.sim.cost.area import area, area_quantities
from tokensieve.sim.cost.energy import Energy, energy
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.result import POWER
from tokensieve.workloads import Decisions, load_trace, load_workload, workload_names

TOPK = ("topk", "ranking")
"""Units of the paper's "top-k engines"."""

FULL, EIGHTH = "spatten", "spatten-eighth"

WORKLOADS = "the paper's lengths and pruning ratios are not published; those of the 30 named workloads are assumed"


@dataclass(frozen=True, kw_only=True)
class PowerRow:
    """One figure of the paper beside ours."""

    name: str
    expected: float
    modelled: float
    interval: tuple[float, float]
    """Lowest and highest modelled figure within the uncertainties of the constants."""

    unit: str
    low: float
    high: float
    """Band: what `modelled` may be."""

    source: str
    """Where `expected` stands."""

    assumption: str | None = None
    """What the row rests on that nobody published."""

    cause: str | None = None
    """Why the two differ, by name."""

    @property
    def in_band(self) -> bool:
        """Whether `modelled` is in the band."""
        return self.low <= self.modelled <= self.high


@dataclass(frozen=True, kw_only=True)
class Power:
    """Mean power of a run, in watts."""

    name: str
    shares: dict[str, Quantity]
    """Of compute, SRAM and DRAM."""

    topk: Quantity
    """Of both top-k engines, a part of compute."""

    dram_gb_per_s: float

    @property
    def total(self) -> Quantity:
        """Power of everything."""
        return sum(self.shares.values(), ZERO)


def power_rows() -> list[PowerRow]:
    """Return area and power of both designs beside the paper's; takes a minute of CPU for the 2 x 30 runs."""
    full, eighth = mean_power(FULL), mean_power(EIGHTH)
    return [*area_rows(), *_split_rows(full), _eighth_power(eighth)]


def area_rows() -> list[PowerRow]:
    """Return the areas, which no workload decides."""
    rows = []
    for name, expected, source, cause in (
        (FULL, 18.71, "HPCA 2021, V-A", _SRAM_PORTS),
        (EIGHTH, 1.55, "HPCA 2021, V and Table III", _EIGHTH_SRAM),
    ):
        whole = area(load_arch(name), load_technology())
        rows.append(
            PowerRow(
                name=f"area of {name}",
                expected=expected,
                modelled=whole.total,
                interval=whole.interval,
                unit="mm2",
                low=0.7 * expected,
                high=1.3 * expected,
                source=source,
                assumption="SRAM of the 1/8 design is not published" if name == EIGHTH else None,
                cause=cause,
            )
        )
    parts = area_quantities(load_arch(FULL), load_technology())
    share = share_of(sum((parts[unit] for unit in TOPK), ZERO), sum(parts.values(), ZERO))
    return [
        *rows,
        _share_row("top-k engines' share of the area", 2.7, share, (1.35, 5.4), "HPCA 2021, V-B", None, None),
    ]


def _split_rows(mean: Power) -> Iterator[PowerRow]:
    for share, expected, cause in (
        ("compute", 1.36, None),
        ("sram", 1.24, None),
        ("dram", 5.71, _TRAFFIC),
        ("total", 8.30, _TRAFFIC),
    ):
        watts = mean.total if share == "total" else mean.shares[share]
        yield PowerRow(
            name=f"power of {FULL}: {share}",
            expected=expected,
            modelled=watts.value,
            interval=watts.interval,
            unit="W",
            low=0.75 * expected,
            high=1.25 * expected,
            source="HPCA 2021, Table II",
            assumption=WORKLOADS,
            cause=cause,
        )
    dram, topk = share_of(mean.shares["dram"], mean.total), share_of(mean.topk, mean.total)
    yield _share_row("DRAM's share of the power", 68.8, dram, (60.8, 76.8), "HPCA 2021, Table II", WORKLOADS, _TRAFFIC)
    yield _share_row("top-k engines' share of the power", 1.0, topk, (0.5, 2.0), "HPCA 2021, V-B", WORKLOADS, _QUEUES)


def _eighth_power(mean: Power) -> PowerRow:
    expected = 360 / 382
    return PowerRow(
        name=f"power of {EIGHTH}: total",
        expected=expected,
        modelled=mean.total.value,
        interval=mean.total.interval,
        unit="W",
        low=0.75 * expected,
        high=1.25 * expected,
        source="HPCA 2021, Table III: 360 GOP/s at 382 GOP/J",
        assumption=WORKLOADS,
        cause=_EIGHTH_POWER,
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
    band: tuple[float, float],
    source: str,
    assumption: str | None,
    cause: str | None,
) -> PowerRow:
    return PowerRow(
        name=name,
        expected=expected,
        modelled=share[0],
        interval=share[1],
        unit="%",
        low=band[0],
        high=band[1],
        source=source,
        assumption=assumption,
        cause=cause,
    )


@lru_cache
def powers(arch_name: str) -> tuple[Power, ...]:
    """Return the power of every named workload but `minilm` on the preset `arch_name`; equal work is run once."""
    arch, known, found = load_arch(arch_name), dict[str, Power](), list[Power]()
    for name in (name for name in workload_names() if name.startswith(("bert", "gpt2"))):
        decisions = load_workload(name, arch)
        if decisions.digest not in known:
            known[decisions.digest] = power_of(name, arch, decisions)
        found.append(replace(known[decisions.digest], name=name))
    return tuple(found)


def mean_power(arch_name: str, only: Callable[[str], bool] = lambda _: True) -> Power:
    """Return the mean over the named workloads that `only` lets through."""
    return mean([one for one in powers(arch_name) if only(one.name)], "mean")


def mean(of: Sequence[Power], name: str) -> Power:
    """Return the mean of several runs, each counted once whatever its length, as the paper's mean is taken to be."""
    part = 1 / len(of)
    return Power(
        name=name,
        shares={share: part * sum((one.shares[share] for one in of), ZERO) for share in of[0].shares},
        topk=part * sum((one.topk for one in of), ZERO),
        dram_gb_per_s=part * sum(one.dram_gb_per_s for one in of),
    )


def power_of(name: str, arch: Arch, decisions: Decisions) -> Power:
    """Return the mean power of a run at level `cycle`."""
    result = cycle_result(arch, decisions)
    spent = energy(arch, load_technology(arch.technology), result.actions, result.seconds)
    rest = spent.joules.keys() - {unit for units in POWER.values() for unit in units}
    groups = {"compute": tuple(sorted(rest)), "sram": POWER["sram"], "dram": POWER["dram"]}
    return Power(
        name=name,
        shares={share: _watts(spent, units, result.seconds) for share, units in groups.items()},
        topk=_watts(spent, TOPK, result.seconds),
        dram_gb_per_s=result.traffic.dram_bytes["total"] / result.seconds * 1e-9,
    )


def _watts(spent: Energy, units: Iterable[str], seconds: float) -> Quantity:
    joules = sum((Quantity(spent.joules[unit], spent.half_widths[unit]) for unit in units), ZERO)
    return 1 / seconds * joules


_SRAM_PORTS = (
    "half of the modelled area is K and V SRAM, by a fit to CACTI's macros that is uncertain by 56 %; a third port (two"
    " writes and a read in each bank) would add 1.3 mm2; control and memory controllers are not modelled"
)
_EIGHTH_SRAM = (
    "the preset keeps the full 2 x 192 KiB, as the authors' run does; the paper's area leaves no room for them"
)
_TRAFFIC = (
    "5.71 W at 3.9 pJ/bit is 183 GB/s, 36 % of the peak; the modelled mean is less, because short BERT rows wait for"
    " their first bytes and layers for one another"
)
_QUEUES = "the engines' queues are charged by their size alone, and idle registers as if their clock were gated"
_EIGHTH_POWER = "the preset keeps the full SRAM and reads it in banks of 64 KiB; DRAM at the preset's 64 GB/s"


def row_table(rows: Iterable[PowerRow]) -> str:
    """Return `rows` as a table of Markdown."""
    lines = ["| figure | paper | modelled | interval | band | in band |", "|---|---|---|---|---|---|"]
    for row in rows:
        low, high = row.interval
        off = row.modelled / row.expected - 1
        lines.append(
            f"| {row.name} | {row.expected:.3g} {row.unit} | {row.modelled:.3g} ({off:+.0%})"
            f" | {low:.3g} to {high:.3g} | {row.low:.3g} to {row.high:.3g} | {'yes' if row.in_band else '**no**'} |"
        )
    return "\n".join(lines)


def _power_table(of: Iterable[Power]) -> str:
    lines = ["| workload | compute, W | SRAM, W | DRAM, W | total, W | DRAM, GB/s |", "|---|---|---|---|---|---|"]
    for one in of:
        watts = [f"{one.shares[share].value:.2f}" for share in ("compute", "sram", "dram")]
        low, high = one.total.interval
        lines.append(
            f"| {one.name} | {' | '.join(watts)} | {one.total.value:.2f} ({low:.2f} to {high:.2f}) |"
            f" {one.dram_gb_per_s:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the rows, and the power by family of workloads and of a trace."""
    parser = argparse.ArgumentParser(prog="python -m tokensieve.validate.power", description=main.__doc__)
    parser.add_argument("--trace", metavar="FILE", help="decisions to add to the table of powers")
    told = parser.parse_args()
    families = {"22 BERT": "bert", "8 GPT-2": "gpt2", "all 30": ""}
    shown = [mean([p for p in powers(FULL) if p.name.startswith(head)], name) for name, head in families.items()]
    if told.trace:
        arch = load_arch(FULL)
        shown.append(power_of("trace", arch, load_trace(told.trace, arch)))
    print(row_table(power_rows()), _power_table(shown), sep="\n\n")


if __name__ == "__main__":
    main()
