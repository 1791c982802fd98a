"""Machines beside one another, as tables of strings."""

from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from tokensieve.report.quantity import count, digits, fixed, prefix
from tokensieve.report.table import Column, Table

ABSENT = "-"


def time_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return one line for each of `rows`, as `tokensieve compare --json` has them; the first is the machine itself."""
    second, s = prefix(rows[0]["seconds"])
    byte, b = prefix(rows[0]["dram_bytes"])
    columns = (
        Column(title="machine", left=True),
        Column(title="cycles"),
        Column(title=f"time\n{s}s"),
        Column(title=f"{rows[0]['name']} is\ntimes as fast"),
        Column(title=f"DRAM\n{b}B"),
        Column(title="GOP/s"),
        Column(title="basis", left=True),
    )
    cells = tuple(
        (
            str(row["name"]),
            _or_absent(count, row["cycles"]),
            fixed(row["seconds"] / second),
            f"{row['speedup']:.2f}",
            ABSENT if row["dram_bytes"] is None else fixed(row["dram_bytes"] / byte),
            digits(row["gop_per_s"]),
            str(row["label"]),
        )
        for row in rows
    )
    return Table(title="Time on the same work", columns=columns, rows=cells)


def energy_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Return one line for each of `rows` whose energy is known."""
    joule, j = prefix(rows[0]["energy_j"])
    columns = (
        Column(title="machine", left=True),
        Column(title=f"energy\n{j}J"),
        Column(title=f"lowest\n{j}J"),
        Column(title=f"highest\n{j}J"),
        Column(title=f"times {rows[0]['name']}'s\nenergy"),
        Column(title="GOP/J"),
        Column(title="mm2"),
        Column(title="GOP/s\nper mm2"),
        Column(title="basis", left=True),
    )
    cells = tuple(
        (
            str(row["name"]),
            *(fixed(joules / joule) for joules in (row["energy_j"], *row["energy_j_interval"])),
            f"{row['energy_saving']:.2f}",
            digits(row["gop_per_j"]),
            _or_absent(digits, row["area_mm2"]),
            _or_absent(digits, row["gop_per_s_mm2"]),
            str(row["label"]),
        )
        for row in rows
        if row["energy_j"] is not None
    )
    return Table(title="Energy and area", columns=columns, rows=cells)


def _or_absent(write: Callable[[float], str], value: float | None) -> str:
    return ABSENT if value is None else write(value)


def notes(rows: Sequence[Mapping[str, Any]], width: int) -> str:
    """Return what is modelled and assumed of the machines."""
    told = _by_text({str(row["name"]): row["notes"] for row in rows})
    return "\n".join(line for text, names in told.items() for line in _entry(text, names, width))


def comparison_page(told: Mapping[str, Any], head: str, width: int) -> str:
    """Return all that `tokensieve compare` prints; `told` is its JSON object."""
    rows = told["rows"]
    return "\n".join(
        (
            head,
            "",
            time_table(rows).text(width),
            "",
            energy_table(rows).text(width),
            "",
            f"GOP: 10^9 operations, two per multiply-accumulate, of the un-pruned work: {count(told['operations'])}.",
            notes(rows, width),
        )
    )


def table3_page(rows: Sequence[Mapping[str, Any]], width: int) -> str:
    """Return the rows of Table III, and below them why figures differ and what they rest on."""
    columns = (
        Column(title="    Table III", left=True),
        Column(title="paper"),
        Column(title="modelled"),
        Column(title="unit", left=True),
        Column(title="deviation"),
        Column(title="in band of", left=True),
    )
    cells = tuple(_row3(number, row) for number, row in enumerate(rows, 1))
    table = Table(title="Accelerators of 128 multipliers and 64 GB/s", columns=columns, rows=cells)
    parts = [table.text(width)]
    for title, field in (("Causes", "causes"), ("Assumed", "assumptions")):
        told = _by_text({str(number): row[field] for number, row in enumerate(rows, 1)})
        parts += [
            "",
            f"{title}, by line",
            *(line for text, names in told.items() for line in _entry(text, names, width)),
        ]
    return "\n".join(parts)


def _row3(number: int, row: Mapping[str, Any]) -> tuple[str, ...]:
    inside = {True: "yes, {}", False: "no, {}", None: "printed"}[row["in_band"]]
    return (
        f"{number:>2}  {row['name']}",
        digits(row["expected"]),
        digits(row["modelled"]),
        str(row["unit"]),
        f"{100 * row['deviation']:+.1f} %",
        inside.format(f"{100 * (row['band'] or 0):g} %"),
    )


def _by_text(told: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the names that each text was told of, texts in their first order."""
    found: dict[str, list[str]] = {}
    for name, texts in told.items():
        for text in texts:
            found.setdefault(text, []).append(name)
    return found


def _entry(text: str, names: Sequence[str], width: int) -> list[str]:
    return wrap(f"{', '.join(names)}: {text}", width, subsequent_indent="  ")
