"""Streams of addresses that are drawn one after the other (numba): `randchunk` and `gather` of the DRAM oracle."""

import numba
import numpy as np

from tokensieve.sim.kernels.columns import I64
from tokensieve.sim.kernels.step import kernel, part

SPAN = 1 << 29
"""Bytes over which `stride` wraps and `randchunk` scatters its chunks."""

VECTOR = 64
"""Bytes of a vector of `gather`."""

SLICE = 10_000_000
"""Vectors of `gather` after which a call returns: well below a second, so that Ctrl-C is met."""


@part
def _next(x: np.uint64) -> np.uint64:
    """Return the next state of the 64-bit generator (Knuth's MMIX); its value is what lies above bit 32."""
    return x * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)


@numba.njit(cache=True)
def randchunk(requests: int, width: int, chunk: int, x: np.uint64) -> I64:
    """Return the addresses of whole chunks at random places."""
    addresses = np.empty(requests, np.int64)
    base = np.int64(0)
    for i in range(requests):
        place = i % (chunk // width)
        if place == 0:
            x = _next(x)
            base = np.int64(x >> np.uint64(33)) % (SPAN // chunk) * chunk
        addresses[i] = base + place * width
    return addresses


def gather(requests: int, width: int, percent: int, x: np.uint64, most: int = SLICE) -> I64:
    """Return the addresses of vectors in order, each there with a chance of `percent`; `most` are drawn a call."""
    addresses = np.empty(requests, np.int64)
    i, vector = 0, 0
    while i < requests:
        i, x = _gather(addresses, width, percent, np.uint64(x), i, vector, vector + most)
        vector += most
    return addresses


@kernel
def _gather(
    addresses: I64, width: int, percent: int, x: np.uint64, i: int, begin: int, end: int
) -> tuple[int, np.uint64]:
    """Draw vectors `begin` to `end` - 1; return how many addresses there are now, and the state of the generator."""
    for vector in range(begin, end):
        x = _next(x)
        if np.int64(x >> np.uint64(33)) % 100 < percent:
            for place in range(min(VECTOR // width, len(addresses) - i)):
                addresses[i] = vector * VECTOR + place * width
                i += 1
    return i, x
