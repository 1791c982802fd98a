"""One stream of requests to DRAM, with nothing else in front of it (numba)."""

import numba
import numpy as np
import numpy.typing as npt

from tokensieve.sim.kernels import dram as d
from tokensieve.sim.kernels import dram_state as ds

I64 = npt.NDArray[np.int64]


@numba.njit(cache=True)
def stream(m: I64, addresses: I64, request_bytes: int, writes: npt.NDArray[np.bool_]) -> None:
    """Push all granules, each no earlier than the one before was taken, and wait for the last data."""
    shift, clock = m[ds.GRANULE_SHIFT], 0
    m[m[ds.O_SLOT] + ds.LEFT] = ds.FAR  # all share slot 0, which never completes
    for i in range(len(addresses)):
        for granule in range(addresses[i] >> shift, ((addresses[i] + request_bytes - 1) >> shift) + 1):
            clock = d.push(m, granule << shift, clock, 0, np.int64(writes[i]))
    d.advance_all(m, ds.FAR)
    d.refresh_until(m, m[ds.LAST])
