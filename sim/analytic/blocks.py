"""Cycles between blocks of queries where an SRAM holds one block: DRAM waits for the pipeline, and the pipeline for it.

How far the fetches of K and V fall into each other's time follows from when each SRAM is let go. So some blocks are
sent through the stages (`sim.kernels.blocks`).
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from tokensieve.sim.analytic.batch import F64
from tokensieve.sim.analytic.stages import Stages
from tokensieve.sim.kernels.blocks import FIGURES, play

Flags = npt.NDArray[np.bool_]


def alone(s: Stages) -> Flags:
    """Return where the K or the V SRAM holds one block, and there are several."""
    one: Flags = ((s.key_room < 2) | (s.value_room < 2)) & (s.rows > 1)
    return one


def between(s: Stages, which: Flags, figures: Mapping[str, F64 | float]) -> F64:
    """Return the cycles between blocks on the designs that `which` marks, 0 on the others.

    `figures` are those of `sim.kernels.blocks.FIGURES` that tell of the pipeline.
    """
    told = np.zeros(which.shape)
    if not which.any():
        return told
    block: dict[str, F64 | float] = {
        "queries": s.row_queries, "rows": s.rows, "key_room": s.key_room, "value_room": s.value_room,
        "key_lines": s.fetch_lines, "engaged": s.engaged,
    }  # fmt: skip
    table = {**figures, **_dram(s), **block}
    play(np.stack([np.broadcast_to(table[name], which.shape) for name in FIGURES]).astype(np.float64), which, told)
    return told


def _dram(s: Stages) -> dict[str, F64]:
    """Return what DRAM takes for the K and V of a block; the outputs of a block go with its V.

    While both are served they take turns request by request, and each has the share of the bytes of its requests.
    """
    key, value = s.fetch, s.value_alone + s.output
    share = s.value_turn
    bytes_key, bytes_value = s.key_granules, s.value_granules
    pace = s.both / np.maximum(bytes_key + bytes_value, 1e-9)
    return {
        "key": key,
        "value": value,
        "key_beside": np.maximum(bytes_key * pace / (1 - share), key),
        "value_beside": np.maximum(bytes_value * pace / share, value),
        "key_latency": s.memory.latency + np.zeros_like(s.fetch),
        "value_latency": s.value_latency,
    }
