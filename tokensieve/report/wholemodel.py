"""Attention and fully connected layers of a whole model, as a table and in a sentence (the paper's Table IV)."""

from typing import Any

from tokensieve.report.quantity import digits, percent, quantity, times
from tokensieve.report.table import Column, Table
from tokensieve.report.words import label
from tokensieve.sim.result import Result
from tokensieve.sim.result_fc import EndToEnd

_PARTS = {"attention": "attention", "fc": "fully connected", "total": "total"}
_BOUND = {"dram": "DRAM", "compute": "the arrays", "latency": "latency"}


def whole_model_table(result: Result, whole: EndToEnd) -> Table:
    """Return one row for attention, fully connected layers and both: work, time and energy with their shares."""
    columns = (
        Column(title="end to end", left=True),
        Column(title="Gop"),
        Column(title="share"),
        Column(title="ms"),
        Column(title="share"),
        Column(title="energy"),
        Column(title="share"),
    )
    told = whole.to_dict()
    title = f"Whole model: {whole.model}, {whole.weight_bits}-bit weights ({label(result, 'end_to_end')})"
    return Table(title=title, columns=columns, rows=tuple(_row(part, told) for part in _PARTS))


def _row(part: str, told: dict[str, Any]) -> tuple[str, ...]:
    work, energy = told["operations"], told["energy_j"]
    seconds, whole = told[f"{part}_seconds"], told["total_seconds"]
    return (
        _PARTS[part],
        digits(work[part] * 1e-9),
        percent(work[part], work["total"]),
        digits(seconds * 1e3),
        percent(seconds, whole),
        quantity(energy[part], "J"),
        percent(energy[part], energy["total"]),
    )


def fc_sentence(whole: EndToEnd) -> str:
    """Return what holds the fully connected layers up, and what pruning brings the whole model."""
    fc = whole.fc
    total, busy = fc.cycles["total"], fc.busy_cycles
    gain = "" if whole.speedup is None else f"\nWhole model: {times(whole.speedup)} faster than un-pruned."
    return (
        f"Fully connected layers: bound by {_BOUND[fc.bound]}; DRAM busy {percent(busy['dram'], total)} of the time "
        f"with {quantity(fc.dram_bytes['total'], 'B')} (a stream gets {percent(fc.stream['efficiency'], 1)} of the "
        f"peak), arrays {percent(busy['arrays'], total)}.{gain}"
    )
