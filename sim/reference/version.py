"""What a stored figure was made by: the sources of the model, and the packages that it computes with."""

import hashlib
import time
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from tokensieve import arch, sim, workloads

ROOMS = tuple(Path(room.__path__[0]) for room in (arch, sim, workloads))
"""Folders of all code that a reference's figures come from: laws and machines, the simulator, what is simulated."""

PACKAGES = ("numpy", "numba")

STARTED = time.time()
"""When this module was loaded, with the code that it speaks of."""


@cache
def model_version() -> str | None:
    """Return what tells versions of the cycle model apart, or None where that cannot be told: store nothing then."""
    return version_of(ROOMS, STARTED)


def version_of(rooms: Sequence[Path], loaded: float) -> str | None:
    """Return SHA-256 over the sources below `rooms`, fitted coefficients included, and the versions of `PACKAGES`.

    None where a source cannot be read, or is younger than `loaded`, the time in s at which the code was: what runs may
    then be another version than what lies on the disk.
    """
    whole = hashlib.sha256()
    try:
        for room in rooms:
            for path in sorted([*room.rglob("*.py"), *room.rglob("fpga/*.json")]):
                if path.stat().st_mtime > loaded:
                    return None
                text = path.read_bytes()
                whole.update(f"{room.name}/{path.relative_to(room).as_posix()} {len(text)}\n".encode())
                whole.update(text)
    except OSError:
        return None
    whole.update(" ".join(f"{name} {version(name)}" for name in PACKAGES).encode())
    return whole.hexdigest()
