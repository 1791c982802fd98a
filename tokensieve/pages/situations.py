"""The situations that co-simulation must have been in, unit by unit, and in how many cases each was.

``python -m tokensieve.pages.situations FILE`` co-simulates every unit that has a table, with every engine, at the size
of the preset `spatten` on Verilator and writes the file (minutes for each unit). What is in the file already is not
played again: remove it for a new record. With ``--show`` it prints the file as a table.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tokensieve.arch import load_arch
from tokensieve.pages.recorded import Row, command, markdown, save
from tokensieve.verify.cosim import Cosim, cosim
from tokensieve.verify.request import Request
from tokensieve.verify.situations import situations_of
from tokensieve.verify.units import UNITS, every_engine, find_engine, find_unit
from tokensieve.verify.units.base import with_fields

PRESET = "spatten"
VECTORS = 60

Fields = tuple[tuple[str, object], ...]


def wanted() -> Iterator[tuple[str, str, Fields]]:
    """Yield every unit that has a table, its engines, and fields with which it has a part besides.

    Around a wrapper's unit one engine is enough.
    """
    for name in UNITS:
        if situations_of(name):
            unit = find_unit(name)
            usual = find_engine(unit, None, load_arch(PRESET))
            engines = [usual] if name.startswith("axi-") else every_engine(unit)
            parts = dict.fromkeys(one.fields for one in situations_of(name))
            yield from ((name, engine, fields) for engine in engines for fields in parts)


def rows_of(told: Cosim) -> list[dict[str, object]]:
    """Return a row for each situation of a unit with one engine."""
    counts = told.situations or {}
    found = {one.name: one.mutant for one in situations_of(told.unit)}
    return [
        {"unit": told.unit, "engine": told.engine or "", "situation": name, "cases": count, "fault": found[name]}
        for name, count in counts.items()
    ]


def write(file: Path) -> None:
    """Co-simulate every unit that `file` lacks, and write it after each. Raise `SystemExit` where one differs."""
    rows = json.loads(file.read_text()) if file.exists() else []
    for name, engine, fields in wanted():
        own = {one.name for one in situations_of(name) if one.fields == fields}
        if any((row["unit"], row["engine"]) == (name, engine) and row["situation"] in own for row in rows):
            continue
        unit = find_unit(name)
        arch = with_fields(load_arch(PRESET), unit.groups[0], **dict(fields))
        told = cosim(Request(unit=unit, engine=engine, arch=arch, count=VECTORS, seed=1, coverage=True))
        if told.differences:
            raise SystemExit(f"{name} {engine} differs: tokensieve cosim {name} tells where")
        rows += rows_of(told)
        save(file, rows)
        print(f"{name} {engine}: missing {told.missing or 'nothing'}", file=sys.stderr, flush=True)


def show(rows: Sequence[Row]) -> str:
    """Return the recorded rows as a table; of a situation around the engines, the engine with the fewest cases."""
    fewest: dict[tuple[str, str], Row] = {}
    for row in rows:
        key = row["unit"], row["situation"]
        if key not in fewest or row["cases"] < fewest[key]["cases"]:
            fewest[key] = row
    return markdown(["unit", "situation", "cases", "fault"], list(fewest.values()))


def main() -> None:
    """Co-simulate every unit and record its situations, or print what is recorded."""
    command("tokensieve.pages.situations", main.__doc__, write, show)


if __name__ == "__main__":
    main()
