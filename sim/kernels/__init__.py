"""The numba kernels: plain loops over arrays.

Compiled kernels are cached in a folder named after a digest of all kernel sources: numba itself looks only at the file
of the function that is called, and would go on using what was compiled before a change of another kernel or of the
tables.
"""

import hashlib
import os
import tempfile
from pathlib import Path

from numba import config

from tokensieve.arch.mapping import ADDRESS_PARTS
from tokensieve.sim.result import CAUSES, TENSORS

_HERE = Path(__file__).parent
_ORDERS = (ADDRESS_PARTS, CAUSES, TENSORS)
"""Names from elsewhere that the kernels have compiled in by their places."""


def _digest() -> str:
    """Return a digest of all that is compiled: the kernel sources, and orders that they take from elsewhere."""
    text = b"".join(path.read_bytes() for path in sorted(_HERE.glob("*.py")))
    return hashlib.sha256(text + repr(_ORDERS).encode()).hexdigest()[:12]


def _cache_folder() -> Path:
    """Return the first writable place: the folder that NUMBA_CACHE_DIR names, beside the sources, the user's cache."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    places = ([Path(named)] if named else []) + [_HERE / "__pycache__", home / "tokensieve"]
    for place in places:
        folder = place / f"tokensieve-kernels-{_digest()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    return Path(tempfile.mkdtemp(prefix="tokensieve-kernels-"))


CACHE = _cache_folder()
"""Where the compiled kernels lie."""

_before = config.CACHE_DIR
config.CACHE_DIR = str(CACHE)
from tokensieve.sim.kernels import (  # noqa: E402  (decorated while CACHE is set)
    columns,
    critical,
    dram,
    dram_active,
    dram_bank,
    dram_banked,
    dram_clock,
    dram_idle,
    dram_join,
    dram_lists,
    dram_rest,
    dram_state,
    dram_window,
    events,
    fetch,
    groups,
    pipeline,
    released,
    released_buffer,
    released_fetch,
    released_fifo,
    released_ports,
    released_reset,
    released_score,
    released_state,
    released_value,
    request,
    room,
    short,
    short_fetch,
    short_state,
    short_tables,
    stream,
    stretch,
    tables,
)

config.CACHE_DIR = _before

__all__ = [
    "CACHE",
    "columns",
    "compiled",
    "critical",
    "dram",
    "dram_active",
    "dram_bank",
    "dram_banked",
    "dram_clock",
    "dram_idle",
    "dram_join",
    "dram_lists",
    "dram_rest",
    "dram_state",
    "dram_window",
    "events",
    "fetch",
    "groups",
    "pipeline",
    "released",
    "released_buffer",
    "released_fetch",
    "released_fifo",
    "released_ports",
    "released_reset",
    "released_score",
    "released_state",
    "released_value",
    "request",
    "room",
    "short",
    "short_fetch",
    "short_state",
    "short_tables",
    "stream",
    "stretch",
    "tables",
]


def compiled(kernel: str = "fetch.run_on") -> bool:
    """Return whether a kernel, by module and function, is in the cache and need not compile.

    The main loop unless told; `released.run_on` is that of the authors' RTL, `stretch.requests` the first one of
    level `analytic`.
    """
    return any(CACHE.rglob(f"{kernel}-*.nbc"))
