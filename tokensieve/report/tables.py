"""What a `Result` says, as tables of strings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokensieve.report.quantity import count, digits, fixed, percent, prefix, times
from tokensieve.report.table import Column, Table
from tokensieve.report.words import CAUSE_WORDS, POWER_WORDS, TENSOR_WORDS, UNIT_WORDS, USUAL, exceptions, label
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
    rows, ref = _totals(result), result.reference
    columns = [Column(title="total", left=True), Column(title="unit", left=True), Column(title="this run")]
    basis = Column(title="basis", left=True)
    if ref is None:
        cells = [(one.name, *one.cells()[:2], label(result, one.field)) for one in rows]
        return Table(title="Totals (no reference run)", columns=(*columns, basis), rows=tuple(cells))
    columns += [Column(title=f"{ref.kind} reference"), Column(title="gain"), basis]
    full = [(one.name, *one.cells(), times(one.gain), label(result, one.field)) for one in rows]
    return Table(title=f"Against the {ref.kind} reference run", columns=tuple(columns), rows=tuple(full))


@dataclass(frozen=True)
class _Total:
    """One line of the totals."""

    name: str
    unit: str
    """Without a prefix; nothing where whole numbers are counted."""

    value: float
    field: str
    """Dotted name in the result."""

    other: float | None = None
    """Value of the reference run."""

    gain: float | None = None

    part_of: float | None = None
    """Value of the line above that this one belongs to: both have the same prefix."""

    def cells(self) -> tuple[str, str, str]:
        """Return the unit with the prefix that suits the value, or what it is part of, and both values in it."""
        if not self.unit:
            return "", count(self.value), "-" if self.other is None else count(self.other)
        factor, letter = (1.0, "") if self.unit == "mm2" else prefix(self.part_of or self.value)
        other = "-" if self.other is None else digits(self.other / factor)
        return f"{letter}{self.unit}", digits(self.value / factor), other


def _totals(result: Result) -> list[_Total]:
    told = result.to_dict()
    ref: dict[str, Any] = told["reference"] or {}
    cycles, rate = told["cycles"]["total"], told["throughput_gops"]
    slow = told["seconds"] * ref["cycles"] / cycles if ref and cycles else None
    energy, power, area = told["energy_j"]["total"], told["power_w"], told["area_mm2"]["total"]
    (low, high), (small, large) = told["energy_j_interval"], told["area_mm2_interval"]
    moved = told["traffic"]["dram_bytes"]["total"]
    ops, dense_ops = rate["effective"] * 1e9, rate["dense_equivalent"] * 1e9
    return [
        _Total("cycles", "", cycles, "cycles.total", ref.get("cycles"), told["speedup"]),
        _Total("time", "s", told["seconds"], "seconds", slow, told["speedup"]),
        _Total("DRAM traffic", "B", moved, "traffic.dram_bytes", ref.get("dram_bytes"), told["dram_reduction"]),
        _Total("energy", "J", energy, "energy_j.total", ref.get("energy_j"), told["energy_saving"]),
        _Total("  lowest", "J", low, "energy_j_interval", part_of=energy),
        _Total("  highest", "J", high, "energy_j_interval", part_of=energy),
        _Total("power", "W", power["total"], "power_w.total"),
        *(_Total(f"  {POWER_WORDS[k]}", "W", power[k], f"power_w.{k}", part_of=power["total"]) for k in POWER_WORDS),
        _Total("throughput", "op/s", ops, "throughput_gops.effective"),
        _Total("  dense-equivalent", "op/s", dense_ops, "throughput_gops.dense_equivalent", part_of=ops),
        _Total("area", "mm2", area, "area_mm2.total"),
        _Total("  lowest", "mm2", small, "area_mm2_interval"),
        _Total("  highest", "mm2", large, "area_mm2_interval"),
    ]


def unit_table(result: Result) -> Table:
    """Return one row per unit: how long it was busy, its energy, its area, and where there are any, exceptions."""
    factor, letter = prefix(result.energy_j["total"])
    columns: tuple[Column, ...] = (
        Column(title="unit", left=True),
        Column(title="busy\ncycles"),
        Column(title="busy\nshare"),
        Column(title=f"energy\n{letter}J"),
        Column(title="energy\nshare"),
        Column(title="area\nmm2"),
        Column(title="area\nshare"),
        Column(title="basis", left=True),
    )
    rows = tuple(_unit_row(result, unit, factor) for unit in (*units(result), "total"))
    title = f"Units ({USUAL}, where basis says nothing else)"
    if not any(row[-1] for row in rows):
        columns, rows, title = columns[:-1], tuple(row[:-1] for row in rows), f"Units ({USUAL})"
    return Table(title=title, columns=columns, rows=rows)


def units(result: Result) -> list[str]:
    """Return the names of all units that have cycles, energy or area, in the order in which they are met."""
    met = (result.busy_cycles, result.utilization, result.energy_j, result.area_mm2)
    return [u for u in dict.fromkeys(name for group in met for name in group) if u != "total"]


def _unit_row(result: Result, unit: str, factor: float) -> tuple[str, ...]:
    busy, used = result.busy_cycles.get(unit), result.utilization.get(unit)
    energy, area = result.energy_j.get(unit), result.area_mm2.get(unit)
    there = {"busy": ("busy_cycles", busy), "energy": ("energy_j", energy), "area": ("area_mm2", area)}
    return (
        UNIT_WORDS.get(unit, unit.replace("_", " ")),
        "" if busy is None else count(busy),
        "" if used is None else percent(used, 1),
        "" if energy is None else fixed(energy / factor),
        "" if energy is None else percent(energy, result.energy_j["total"]),
        "" if area is None else fixed(area),
        "" if area is None else percent(area, result.area_mm2["total"]),
        exceptions(result, {word: f"{group}.{unit}" for word, (group, value) in there.items() if value is not None}),
    )
