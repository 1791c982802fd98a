"""A CPU or GPU by its peak numbers: the least time that any program could take on it for the un-pruned work.

Every layer takes as long as its arithmetic at the peak rate or its compulsory traffic at the peak bandwidth, whichever
is longer: Q, K and V are read once and the output is written once, in 32-bit floating point; scores and probabilities
never leave the chip. A measured run is slower, often by far, so a speedup against a roofline is a lower bound.
"""

import numpy as np

from tokensieve.arch.device import Device
from tokensieve.sim.comparators.base import Cost, DenseRows

FP32_BYTES = 4


def roofline_cost(device: Device, rows: DenseRows) -> Cost:
    """Return the least time of `rows` on `device`."""
    operations = 4 * rows.head_dim * rows.keys * rows.queries
    moved = 2 * FP32_BYTES * rows.head_dim * (rows.keys + rows.queries)
    by_layer = [np.bincount(rows.group, weights=w) for w in (operations, moved)]
    seconds = np.maximum(by_layer[0] / device.gflops, by_layer[1] / device.gb_per_s).sum() * 1e-9
    return Cost(
        name=f"{device.name} roofline",
        seconds=float(seconds),
        operations=rows.operations,
        dram_bytes=int(moved.sum()),
        notes=(f"{device.title}, peaks of {device.gflops:g} GFLOP/s and {device.gb_per_s:g} GB/s, nothing lost",),
    )
