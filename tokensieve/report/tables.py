"""What a `Result` says, as tables of strings."""

from collections.abc import Mapping
from typing import Any

from tokensieve.report.quantity import count, digits, fixed, percent, prefix, quantity, times
from tokensieve.report.table import Column, Table
from tokensieve.report.words import CAUSE_WORDS, POWER_WORDS, TENSOR_WORDS, UNIT_WORDS, label, legend, mark
from tokensieve.sim.result import CAUSES, TENSORS, Result


def layer_table(result: Result) -> Table:
    """Return one row per layer: tokens, heads, cycles by cause, share of the total, DRAM bytes by tensor."""
    traffic = [sum(one.dram_bytes.get(t, 0) for t in TENSORS) for one in result.layers]
    factor, letter = prefix(max(traffic, default=0))
    columns = (
        Column(title="layer"),
        Column(title="tokens", group="alive"),
        Column(title="heads", group="alive"),
        Column(title="cycles", group="cycles"),
        Column(title="share", group="cycles"),
        *(Column(title=CAUSE_WORDS[c].replace(" ", "\n"), group="cycles") for c in CAUSES),
        *(Column(title=f"{TENSOR_WORDS[t]}\n{letter}B", group="bytes") for t in TENSORS),
        Column(title=f"sum\n{letter}B", group="bytes"),
    )
    rows = [
        _layer_row(str(one.layer), count(one.tokens), count(one.heads), one.cycles, one.dram_bytes, result, factor)
        for one in result.layers
    ]
    rows.append(_layer_row("all", "", "", result.cycles, result.traffic.dram_bytes, result, factor))
    basis = f"cycles {label(result, 'cycles')}, DRAM bytes {label(result, 'traffic.dram_bytes')}"
    return Table(title=f"Layers ({basis})", columns=columns, rows=tuple(rows))


def _layer_row(
    name: str,
    tokens: str,
    heads: str,
    cycles: Mapping[str, int],
    dram_bytes: Mapping[str, int],
    result: Result,
    factor: float,
) -> tuple[str, ...]:
    total = sum(cycles.get(c, 0) for c in CAUSES)
    fetched = [dram_bytes.get(t, 0) for t in TENSORS]
    return (
        name,
        tokens,
        heads,
        count(total),
        percent(total, result.cycles["total"]),
        *(count(cycles.get(c, 0)) for c in CAUSES),
        *(fixed(b / factor) for b in (*fetched, sum(fetched))),
    )


def total_table(result: Result) -> Table:
    """Return the figures of the whole run, beside those of the reference run where there is one."""
    rows = _totals(result.to_dict())
    ref = result.reference
    columns = [Column(title="total", left=True), Column(title="this run"), Column(title="basis", left=True)]
    if ref is None:
        cells = [(name, value, label(result, field)) for name, value, _, _, field in rows]
        return Table(title="Totals (no reference run)", columns=tuple(columns), rows=tuple(cells))
    columns[2:2] = [Column(title=f"{ref.kind} reference"), Column(title="gain")]
    full = [(name, value, other, gain, label(result, field)) for name, value, other, gain, field in rows]
    return Table(title=f"Against the {ref.kind} reference run", columns=tuple(columns), rows=tuple(full))


def _totals(told: dict[str, Any]) -> list[tuple[str, str, str, str, str]]:
    """Return (name, this run, reference, gain, field) of every total; `told` is the result's JSON object."""
    ref: dict[str, Any] = told["reference"] or {}
    cycles, rate = told["cycles"]["total"], told["throughput_gops"]
    low, high = told["energy_j_interval"]
    small, large = told["area_mm2_interval"]
    ref_seconds = quantity(told["seconds"] * ref["cycles"] / cycles, "s") if ref and cycles else "-"
    return [
        ("cycles", count(cycles), _count(ref.get("cycles")), times(told["speedup"]), "cycles.total"),
        ("time", quantity(told["seconds"], "s"), ref_seconds, times(told["speedup"]), "seconds"),
        (
            "DRAM traffic",
            quantity(told["traffic"]["dram_bytes"]["total"], "B"),
            quantity(ref["dram_bytes"], "B") if ref else "-",
            times(told["dram_reduction"]),
            "traffic.dram_bytes",
        ),
        (
            "energy",
            quantity(told["energy_j"]["total"], "J"),
            quantity(ref["energy_j"], "J") if ref else "-",
            times(told["energy_saving"]),
            "energy_j.total",
        ),
        ("  lowest", quantity(low, "J"), "-", "-", "energy_j_interval"),
        ("  highest", quantity(high, "J"), "-", "-", "energy_j_interval"),
        ("power", quantity(told["power_w"]["total"], "W"), "-", "-", "power_w.total"),
        *((f"  {POWER_WORDS[k]}", quantity(told["power_w"][k], "W"), "-", "-", f"power_w.{k}") for k in POWER_WORDS),
        ("throughput", _rate(rate["effective"]), "-", "-", "throughput_gops.effective"),
        ("  dense-equivalent", _rate(rate["dense_equivalent"]), "-", "-", "throughput_gops.dense_equivalent"),
        ("area", f"{digits(told['area_mm2']['total'])} mm2", "-", "-", "area_mm2.total"),
        ("  lowest", f"{digits(small)} mm2", "-", "-", "area_mm2_interval"),
        ("  highest", f"{digits(large)} mm2", "-", "-", "area_mm2_interval"),
    ]


def _count(value: float | None) -> str:
    return "-" if value is None else count(value)


def _rate(gops: float) -> str:
    return quantity(gops * 1e9, "op/s")


def unit_table(result: Result) -> Table:
    """Return one row per unit: how long it was busy, its energy and its area, each with the mark of its label."""
    factor, letter = prefix(result.energy_j["total"])
    columns = (
        Column(title="unit", left=True),
        Column(title="busy\ncycles"),
        Column(title="busy\nshare"),
        Column(title=f"energy\n{letter}J"),
        Column(title="energy\nshare"),
        Column(title="area\nmm2"),
        Column(title="area\nshare"),
    )
    rows = tuple(_unit_row(result, unit, factor) for unit in units(result))
    return Table(title=f"Units ({legend()})", columns=columns, rows=(*rows, _unit_row(result, "total", factor)))


def units(result: Result) -> list[str]:
    """Return the names of all units that have cycles, energy or area, in the order in which they are met."""
    met = (result.busy_cycles, result.utilization, result.energy_j, result.area_mm2)
    return [u for u in dict.fromkeys(name for group in met for name in group) if u != "total"]


def _unit_row(result: Result, unit: str, factor: float) -> tuple[str, ...]:
    busy, used = result.busy_cycles.get(unit), result.utilization.get(unit)
    energy, area = result.energy_j.get(unit), result.area_mm2.get(unit)
    return (
        UNIT_WORDS.get(unit, unit.replace("_", " ")),
        "" if busy is None else f"{count(busy)} {mark(result, f'busy_cycles.{unit}')}",
        "" if used is None else percent(used, 1),
        "" if energy is None else f"{fixed(energy / factor)} {mark(result, f'energy_j.{unit}')}",
        "" if energy is None else percent(energy, result.energy_j["total"]),
        "" if area is None else f"{fixed(area)} {mark(result, f'area_mm2.{unit}')}",
        "" if area is None else percent(area, result.area_mm2["total"]),
    )
