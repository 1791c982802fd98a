"""Which planted faults co-simulation finds at the size of the preset `spatten`, recorded in a data file.

``python -m tokensieve.pages.mutants FILE`` plants every fault of every unit, co-simulates it on Verilator and writes
the file (about two hours of CPU). It is written anew after each fault. A fault that is in the file already, planted in
the same source, is not played again, so that a run that was stopped goes on. With ``--show`` it prints the file as a
table and plays nothing.
"""

import hashlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tokensieve.arch import load_arch
from tokensieve.pages.recorded import Row, command, markdown, save
from tokensieve.verify.cosim import cosim
from tokensieve.verify.request import Request
from tokensieve.verify.units import UNITS, find_engine, find_unit
from tokensieve.verify.units.base import with_fields

if TYPE_CHECKING:
    from tokensieve.rtl.flow.mutants.base import Mutant

PRESET = "spatten"
VECTORS = 30

_COLUMNS = {
    "unit": "unit", "fault": "mutant", "answers": "mismatches", "cycles": "cycle_differences",
    "work": "work_differences", "stalled": "stall_differences", "resets": "reset_differences",
}  # fmt: skip


def planted() -> "Iterator[tuple[str, Mutant]]":
    """Yield every fault that is one at this size, with its unit."""
    from tokensieve.rtl.flow.mutants.base import mutants_of

    for name in UNITS:
        yield from ((name, one) for one in mutants_of(name) if not one.only or one.only.startswith(PRESET))


def outcome(name: str, mutant: "Mutant") -> dict[str, object]:
    """Return what co-simulation says of a unit with a fault."""
    unit = find_unit(name)
    arch = with_fields(load_arch(PRESET), unit.groups[0], **dict(mutant.fields))
    engine = find_engine(unit, mutant.engine or None, arch)
    told = cosim(Request(unit=unit, engine=engine, arch=arch, count=VECTORS, seed=1, fault=mutant))
    counts = {column: getattr(told, column) for column in _COLUMNS.values() if column not in ("unit", "mutant")}
    return {"unit": name, "engine": engine or None, "mutant": mutant.name, **counts, "source": _digest(mutant)}


def write(file: Path) -> None:
    """Play every fault that `file` lacks, and write it after each."""
    before = json.loads(file.read_text()) if file.exists() else []
    known = {(row["unit"], row["mutant"], row["source"]): row for row in before}
    wanted = [(name, mutant, (name, mutant.name, _digest(mutant))) for name, mutant in planted()]
    rows = [known[key] for _, _, key in wanted if key in known]
    for number, (name, mutant, key) in enumerate(wanted, 1):
        if key in known:
            continue
        begun = time.monotonic()
        rows.append(outcome(name, mutant))
        save(file, rows)
        seconds = f"{time.monotonic() - begun:.0f} s"
        verdict = "found" if found(rows[-1]) else "NOT FOUND"
        print(f"{number} of {len(wanted)}: {name} {mutant.name} {verdict}, {seconds}", file=sys.stderr, flush=True)
    order = [key for _, _, key in wanted]
    save(file, sorted(rows, key=lambda row: order.index((row["unit"], row["mutant"], row["source"]))))


def found(row: Row) -> bool:
    """Return whether anything differs."""
    return any(row[column] for column in _COLUMNS.values() if column not in ("unit", "mutant"))


def show(rows: Sequence[Row]) -> str:
    """Return the recorded rows as a table, and under it how many were found."""
    table = markdown(list(_COLUMNS), [{title: row[name] for title, name in _COLUMNS.items()} for row in rows])
    return f"{table}\n\n{sum(map(found, rows))} of {len(rows)} faults were found."


def _digest(mutant: "Mutant") -> str:
    from tokensieve.rtl.flow.mutants.base import edited

    return hashlib.sha256(edited(mutant).encode()).hexdigest()[:16]


def main() -> None:
    """Plant every fault and record what co-simulation finds, or print what is recorded."""
    command("tokensieve.pages.mutants", main.__doc__, write, show)


if __name__ == "__main__":
    main()
