"""Streams of addresses that are drawn one after the other (numba): `randchunk` and `gather` of the DRAM oracle."""

import numba
import numpy as np

from tokensieve.sim.kernels.columns import I64

SPAN = 1 << 29
"""Bytes over which `stride` wraps and `randchunk` scatters its chunks."""

VECTOR = 64
"""Bytes of a vector of `gather`."""


@numba.njit(cache=True)
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


@numba.njit(cache=True)
def gather(requests: int, width: int, percent: int, x: np.uint64) -> I64:
    """Return the addresses of vectors in order, each there with a chance of `percent`."""
    addresses = np.empty(requests, np.int64)
    i, vector = 0, np.int64(-1)
    while i < requests:
        vector += 1
        x = _next(x)
        if np.int64(x >> np.uint64(33)) % 100 < percent:
            for place in range(min(VECTOR // width, requests - i)):
                addresses[i] = vector * VECTOR + place * width
                i += 1
    return addresses
