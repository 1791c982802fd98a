"""What a `Result` says, as tables of strings and as sentences."""

from collections.abc import Mapping
from typing import Any

from tokensieve.report.quantity import count, digits, fixed, percent, prefix, quantity, times
from tokensieve.report.tables import Column, Table
from tokensieve.sim.result import CAUSES, TENSORS, Result

CAUSE_WORDS = {
    "compute": "compute",
    "dram_stall": "DRAM wait",
    "topk_stall": "top-k wait",
    "softmax_stall": "softmax wait",
    "fill_drain": "fill, drain",
}
TENSOR_WORDS = {"query": "Q", "key_msb": "K MSB", "key_lsb": "K LSB", "value": "V", "output": "out"}
UNIT_WORDS = {
    "dram": "DRAM",
    "fetcher": "fetcher",
    "qk": "Q x K",
    "softmax": "softmax",
    "requant": "progressive quantization",
    "topk": "local top-k",
    "pv": "Prob x V",
    "ranking": "token and head top-k",
    "importance": "importance accumulators",
    "key_sram": "K SRAM",
    "value_sram": "V SRAM",
}
MARKS = {"modelled": "m", "verified": "v", "measured": "t", "assumed": "a"}
"""Letter behind a number, and the word it stands for."""


def label(result: Result, field: str) -> str:
    """Return how the number at the dotted `field` was come by: the label of the field or of a group around it."""
    parts = field.split(".")
    paths = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((result.labels[p] for p in paths if p in result.labels), "-")


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
    rows.append(_layer_row("all", "", "", result.cycles, result.dram_bytes, result, factor))
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
        ("throughput", _rate(rate["effective"]), "-", "-", "throughput_gops.effective"),
        ("  dense-equivalent", _rate(rate["dense_equivalent"]), "-", "-", "throughput_gops.dense_equivalent"),
        ("area", f"{digits(told['area_mm2']['total'])} mm2", "-", "-", "area_mm2.total"),
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
        "" if busy is None else f"{count(busy)} {_mark(result, f'busy_cycles.{unit}')}",
        "" if used is None else percent(used, 1),
        "" if energy is None else f"{fixed(energy / factor)} {_mark(result, f'energy_j.{unit}')}",
        "" if energy is None else percent(energy, result.energy_j["total"]),
        "" if area is None else f"{fixed(area)} {_mark(result, f'area_mm2.{unit}')}",
        "" if area is None else percent(area, result.area_mm2["total"]),
    )


def _mark(result: Result, field: str) -> str:
    return MARKS.get(label(result, field), "-")


def legend() -> str:
    """Return the line that explains the marks.

    >>> legend()
    'm modelled, v verified, t measured, a assumed'
    """
    return ", ".join(f"{mark} {word}" for word, mark in MARKS.items())


COUNTS_ONLY = "decisions: counts only, top-k work synthesised"
CAPTURED = "decisions: captured, made on real scores"


def header(arch: str, meta: Mapping[str, Any], source: str) -> str:
    """Return what was run, on two lines: the machine and its work, and where the decisions came from.

    `meta` is the meta data of the decisions, `source` the name or path that the user gave.
    """
    steps = f", {meta['steps']} steps" if meta["phase"] == "decode" else ""
    shape = f"{meta['phase']}{steps}, {meta['layers']} layers of {meta['heads']} heads, D = {meta['D']}"
    model = "" if meta["model"] == source else f"{meta['model']} "
    told = COUNTS_ONLY if meta["source"] == "counts" else CAPTURED
    return f"{arch} on {source}: {model}{shape}\n{told}"


def bottleneck(result: Result) -> str:
    """Return what holds the run up, in one sentence."""
    total = result.cycles["total"]
    waits = {c: result.cycles.get(c, 0) for c in CAUSES}
    cause = max(waits, key=lambda c: waits[c])
    told = f"{percent(waits[cause], total)} of the cycles are {_CAUSE_SENTENCES[cause]}"
    name, used = result.bottleneck, result.utilization.get(result.bottleneck)
    if " " in name:
        return f"Bottleneck: {name}"
    busy = "" if used is None else f", busy {percent(used, 1)} of the time"
    return f"Bottleneck: {UNIT_WORDS.get(name, name)}{busy}; {told}."


_CAUSE_SENTENCES = {
    "compute": "computing",
    "dram_stall": "waiting for DRAM",
    "topk_stall": "waiting for a top-k",
    "softmax_stall": "waiting for the softmax",
    "fill_drain": "filling or draining the pipeline",
}


def assumptions(result: Result) -> str:
    """Return how many assumptions the figures rest on, and where to read them."""
    number = len(result.provenance.get("assumed", ()))
    noun = "assumption" if number == 1 else "assumptions"
    return f"{number} {noun}, listed under provenance.assumed (--json, or result.json with --out)"


def page(result: Result, head: str, width: int) -> str:
    """Return all that is printed of a run, at most `width` characters wide where tables are concerned."""
    return "\n".join(
        (
            head,
            "",
            layer_table(result).text(width),
            "",
            unit_table(result).text(width),
            "",
            total_table(result).text(width),
            "",
            bottleneck(result),
            assumptions(result),
        )
    )
