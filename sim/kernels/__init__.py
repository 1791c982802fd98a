"""The numba kernels: plain loops over arrays.

Compiled kernels are cached in a folder named after a digest of all kernel sources: numba itself looks only at the file
of the function that is called, and would go on using what was compiled before a change of another kernel or of the
tables.
"""

import gc
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.util import Finalize
from pathlib import Path

from numba import config
from numba.core import event

from tokensieve.arch.folders import user_cache
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
    """Return the first writable place: the folder that NUMBA_CACHE_DIR names, beside the sources, the user's cache.

    Where none is writable, a temporary folder, which goes with the process.
    """
    named = os.environ.get("NUMBA_CACHE_DIR")
    places = ([Path(named)] if named else []) + [_HERE / "__pycache__", user_cache()]
    for place in places:
        folder = place / f"tokensieve-kernels-{_digest()}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    folder = Path(tempfile.mkdtemp(prefix="tokensieve-kernels-"))
    Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=0)  # in worker processes, too
    return folder


CACHE = _cache_folder()
"""Where the compiled kernels lie."""

_before = config.CACHE_DIR
config.CACHE_DIR = str(CACHE)
from tokensieve.sim.kernels import (  # noqa: E402  (decorated while CACHE is set)
    blocks,
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
    patterns,
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
    searches,
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
    "blocks",
    "columns",
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
    "patterns",
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
    "searches",
    "short",
    "short_fetch",
    "short_state",
    "short_tables",
    "stream",
    "stretch",
    "tables",
    "watched",
]


class _Watched(event.Listener):  # type: ignore[misc]  # numba is without types
    """Tells how many functions were compiled: 0 where the first one begins."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell, self._begun, self._count = tell, False, 0

    def on_start(self, event: event.Event) -> None:
        """Tell that the first compilation begins."""
        if not self._begun:
            self._begun = True
            self._tell(0)

    def on_end(self, event: event.Event) -> None:
        """Count the end of one."""
        self._count += 1
        self._tell(self._count)


class _Uncollected(event.Listener):  # type: ignore[misc]  # numba is without types
    """Pauses the collection of garbage while kernels compile, a tenth of the time of which it would take."""

    def __init__(self) -> None:
        self._open, self._collects = 0, False

    def on_start(self, event: event.Event) -> None:
        """Pause at the begin of the outermost compilation."""
        if self._open == 0:
            self._collects = gc.isenabled()
            gc.disable()
        self._open += 1

    def on_end(self, event: event.Event) -> None:
        """Go on as before at its end."""
        self._open -= 1
        if self._open == 0 and self._collects:
            gc.enable()


event.register("numba:compile", _Uncollected())


@contextmanager
def watched(tell: Callable[[int], None]) -> Iterator[None]:
    """Call `tell` with 0 before the first function that is compiled meanwhile, and after each with how many there were.

    Only what this process compiles is seen, and nothing that is taken from the cache.
    """
    listener = _Watched(tell)
    event.register("numba:compile", listener)
    try:
        yield
    finally:
        event.unregister("numba:compile", listener)
