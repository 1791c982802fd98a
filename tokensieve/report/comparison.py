"""Machines beside one another, as tables of strings."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokensieve.report.quantity import count, digits, quantity, times
from tokensieve.report.table import Column, Table

ABSENT = "-"


def comparison_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return one line for each of `rows`, as `tokensieve compare --json` has them; the first is the machine itself."""
    columns = (
        Column(title="machine", left=True),
        Column(title="cycles", group="time"),
        Column(title="time", group="time"),
        Column(title="speedup\nover it", group="time"),
        Column(title="DRAM\ntraffic", group="energy"),
        Column(title="energy", group="energy"),
        Column(title="energy\nsaving", group="energy"),
        Column(title="GOP/s", group="rates"),
        Column(title="GOP/J", group="rates"),
        Column(title="GOP/s\nper mm2", group="rates"),
        Column(title="basis", group="rates", left=True),
    )
    return Table(title="On the same work", columns=columns, rows=tuple(_cells(row) for row in rows))


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(row["name"]),
        ABSENT if row["cycles"] is None else count(row["cycles"]),
        quantity(row["seconds"], "s"),
        times(row["speedup"]),
        ABSENT if row["dram_bytes"] is None else quantity(row["dram_bytes"], "B"),
        ABSENT if row["energy_j"] is None else quantity(row["energy_j"], "J"),
        times(row["energy_saving"]),
        digits(row["gop_per_s"]),
        _digits(row["gop_per_j"]),
        _digits(row["gop_per_s_mm2"]),
        str(row["label"]),
    )


def _digits(value: float | None) -> str:
    return ABSENT if value is None else digits(value)


def notes(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what is modelled and assumed of each machine, a line each."""
    return "\n".join(f"{row['name']}: {note}" for row in rows for note in row["notes"])


def comparison_page(told: Mapping[str, Any], head: str, width: int) -> str:
    """Return all that `tokensieve compare` prints; `told` is its JSON object."""
    rows = told["rows"]
    return "\n".join(
        (
            head,
            "",
            comparison_table(rows).text(width),
            "",
            f"GOP: 10^9 operations, two per multiply-accumulate, of the un-pruned work: {count(told['operations'])}.",
            notes(rows),
        )
    )


def table3_page(rows: Sequence[Mapping[str, Any]], width: int) -> str:
    """Return the rows of Table III, and below them why figures differ and what they rest on."""
    columns = (
        Column(title="Table III", left=True),
        Column(title="paper"),
        Column(title="modelled"),
        Column(title="unit", left=True),
        Column(title="deviation"),
        Column(title="band"),
        Column(title="verdict", left=True),
    )
    table = Table(title="Accelerators of 128 multipliers and 64 GB/s", columns=columns, rows=tuple(map(_row3, rows)))
    told = [f"{row['name']}: {cause}" for row in rows for cause in row["causes"]]
    rests = [f"{row['name']}: assumed: {row['assumption']}" for row in rows if row["assumption"]]
    return "\n".join((table.text(width), "", *told, *rests))


def _row3(row: Mapping[str, Any]) -> tuple[str, ...]:
    verdict = {True: "in band", False: "out of band", None: "printed"}[row["in_band"]]
    return (
        str(row["name"]),
        digits(row["expected"]),
        digits(row["modelled"]),
        str(row["unit"]),
        f"{100 * row['deviation']:+.1f} %",
        ABSENT if row["band"] is None else f"{100 * row['band']:g} %",
        verdict,
    )
