"""DRAM alone: streams of addresses, and what the stack of an architecture makes of them.

`pattern` makes the streams of the DRAM oracle (two public DRAM simulators ran the same ones); `replay` sends a stream
as fast as the request queues take it, or through a port with few requests outstanding.
"""

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import ArchError, WorkloadError, nearest
from tokensieve.arch.memory import Dram, Fetcher
from tokensieve.sim.dram.stats import DramStats
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels import patterns
from tokensieve.sim.kernels.dram_idle import new_state
from tokensieve.sim.kernels.patterns import SPAN, VECTOR
from tokensieve.sim.kernels.stream import exchange, saturate

I64 = npt.NDArray[np.int64]

PATTERNS = ("seq", "stride", "randchunk", "gather", "twostream")
ISSUES = {"sat": 0, "axi16": 16}
"""How a stream is sent, and the most accesses outstanding (0: as many as the queues take)."""

LIMIT = 1 << 46
"""Addresses are taken modulo this; those above the capacity of a stack begin again at its first byte."""


def pattern(name: str, requests: int, request_bytes: int, param: int = 0, seed: int = 1) -> I64:
    """Return the byte addresses of `requests` requests of `request_bytes` each.

    * ``seq``: one after the other.
    * ``stride``: `param` bytes apart, modulo 2^29.
    * ``randchunk``: whole chunks of `param` bytes, each at a random multiple of `param` below 2^29.
    * ``gather``: 64-byte vectors in order, each read whole with a chance of `param` percent, else skipped.
    * ``twostream``: two sequential streams in turn, `param` bytes apart.
    """
    check_stream(name, requests, request_bytes, param, seed)
    i = np.arange(requests, dtype=np.int64)
    if name == "seq":
        return i * request_bytes
    if name == "stride":
        return i * (param % SPAN) % SPAN
    if name == "twostream":
        return i // 2 * request_bytes + i % 2 * param
    scattered = patterns.gather if name == "gather" else patterns.randchunk
    addresses: I64 = scattered(requests, request_bytes, param, np.uint64(seed))
    return addresses


def check_stream(name: str, requests: int, request_bytes: int, param: int, seed: int) -> None:
    """Raise `WorkloadError` where `pattern` would, without making the addresses."""
    if name not in PATTERNS:
        raise WorkloadError(f"pattern must be one of {', '.join(PATTERNS)}, got {name!r}{nearest(name, PATTERNS)}")
    _check_range("requests", requests, 1, 1 << 28)
    _check_range("request_bytes", request_bytes, 1, 1 << 16)
    _check_range("seed", seed, 0, (1 << 64) - 1)
    if name == "gather":
        _check_range("param (percent of the rows that gather keeps)", param, 1, 100)
        if VECTOR % request_bytes:
            raise WorkloadError(f"request_bytes must divide the {VECTOR}-byte rows of gather, got {request_bytes}")
    elif name == "randchunk":
        _check_range("param (bytes of a chunk of randchunk)", param, request_bytes, SPAN)
        if param % request_bytes:
            raise WorkloadError(
                f"param of randchunk must be a multiple of request_bytes = {request_bytes}, got {param}"
            )
    else:
        _check_range("param", param, 0, 1 << 40)


def _check_range(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise WorkloadError(f"{name} must be in {low}..{high}, got {value}")


def replay(
    dram: Dram,
    addresses: npt.ArrayLike,
    request_bytes: int | None = None,
    *,
    issue: str = "sat",
    writes: npt.ArrayLike | None = None,
    earliest: npt.ArrayLike | None = None,
    mhz: int | None = 1000,
    fifo_depth: int | None = None,
    log: int = 0,
    times: bool = False,
) -> DramStats:
    """Return what an idle stack does with one stream, sent in order.

    A request moves every granule that its `request_bytes` (default: one granule) touch, lowest address first. One whose
    channel has no room in its queue holds up all behind it. `issue` is ``sat``: as fast as the queues take it, or
    ``axi16``: at most one granule a cycle, 16 of them outstanding, one response taken a cycle. `writes` tells which
    requests write (default: none), `earliest` the cycle before which each is not sent (never falling). Cycles are those
    of an accelerator at `mhz`, or of the DRAM (None). With ``sat``, `fifo_depth` requests wait in front of a channel's
    window (controller `frfcfs`; default: as in `Fetcher`). The first `log` commands are kept, and the `times` of every
    request if they are asked for.
    """
    wanted = dram.granule_bytes if request_bytes is None else request_bytes
    places = _checked_addresses(addresses, wanted)
    written = _checked_writes(writes, len(places))
    since = _checked_cycles(earliest, len(places))
    depth = Fetcher().fifo_depth if fifo_depth is None else fifo_depth
    for name, value, high in (("clock.mhz", 1 if mhz is None else mhz, 10_000), ("fetcher.fifo_depth", depth, 4096)):
        if not 1 <= value <= high:
            raise ArchError(f"{name} must be in 1..{high}, got {value}")
    if issue not in ISSUES:
        raise WorkloadError(f"issue must be one of {', '.join(ISSUES)}, got {issue!r}{nearest(issue, ISSUES)}")
    assert log >= 0
    state = new_state(dram, mhz, depth, log, _accesses(dram, places, wanted) if issue == "sat" else 0)
    issued, completed = (np.zeros(len(places) if times else 0, np.int64) for _ in range(2))
    if issue == "sat":
        saturate(state, places, wanted, written, since, issued, completed)
        issued, completed = (-((-clocks * state[ds.DEN]) // state[ds.NUM]) for clocks in (issued, completed))
    else:
        exchange(state, places, wanted, written, since, ISSUES[issue], issued, completed)
    return _stats(state, len(places) * wanted, log, (issued, completed) if times else (None, None))


def _accesses(dram: Dram, addresses: I64, request_bytes: int) -> int:
    """Return how many granules the requests touch, each request by itself."""
    size = dram.granule_bytes
    return int(((addresses + request_bytes - 1) // size - addresses // size + 1).sum())


def _checked_addresses(addresses: npt.ArrayLike, request_bytes: int) -> I64:
    _check_range("request_bytes", request_bytes, 1, 1 << 16)
    given = np.asarray(addresses)
    if given.ndim != 1 or len(given) == 0 or given.dtype.kind not in "iu":
        raise WorkloadError(
            f"addresses must be whole numbers in one dimension, at least one, got {given.dtype} of shape {given.shape}"
        )
    if given.min() < 0:
        raise WorkloadError(f"addresses must be in 0..2^64 - 1, got {given.min()}")
    return np.ascontiguousarray(given.astype(np.uint64) & np.uint64(LIMIT - 1), np.int64)


def _checked_writes(writes: npt.ArrayLike | None, requests: int) -> npt.NDArray[np.bool_]:
    if writes is None:
        return np.zeros(requests, np.bool_)
    given = np.asarray(writes)
    if given.shape != (requests,) or given.dtype.kind != "b":
        raise WorkloadError(
            f"writes must hold a truth value for each of {requests} requests, got {given.dtype} of shape {given.shape}"
        )
    return np.ascontiguousarray(given)


def _checked_cycles(earliest: npt.ArrayLike | None, requests: int) -> I64:
    if earliest is None:
        return np.zeros(0, np.int64)
    given = np.asarray(earliest)
    if given.shape != (requests,) or given.dtype.kind not in "iu" or given[0] < 0 or (np.diff(given) < 0).any():
        raise WorkloadError(f"earliest must hold a cycle for each of {requests} requests, none before the one above it")
    return np.ascontiguousarray(given, np.int64)


def _stats(m: I64, asked: int, log: int, times: tuple[I64 | None, I64 | None]) -> DramStats:
    cycles = int(ds.to_core(m, m[ds.LAST]))
    return DramStats(
        cycles=cycles,
        bytes_per_cycle=asked / cycles,
        row_hits=int(m[ds.HITS]),
        row_misses=int(m[ds.MISSES]),
        row_conflicts=int(m[ds.CONFLICTS]),
        activates=int(m[ds.ACTS]),
        reads=int(m[ds.READS]),
        writes=int(m[ds.WRITES]),
        joined=int(m[ds.JOINED_READS] + m[ds.JOINED_WRITES]),
        refreshes=int(m[ds.REFS]),
        issued=times[0],
        completed=times[1],
        command_count=int(m[ds.LOGGED]) if log else None,
        commands=ds.command_log(m) if log else None,
    )
