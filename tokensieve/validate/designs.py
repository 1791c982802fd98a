"""Random machines that are valid, drawn from a seed: what the levels of fidelity are compared on.

Every field is drawn on its own from a few values around those of the paper's design, the smallest and the largest far
enough from it that another unit becomes the bottleneck. A combination that `Arch` refuses is drawn again; a value that
stands twice is drawn twice as often.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from tokensieve.arch.base import build
from tokensieve.arch.errors import ArchError
from tokensieve.arch.machine import Arch

FIELDS: dict[str, tuple[Any, ...]] = {
    "clock.mhz": (500, 800, 1000, 1500),
    "dram.channels": (1, 2, 4, 8, 16, 32),
    "dram.pseudo_channels": (1, 2),
    "dram.bank_groups": (2, 4),
    "dram.row_bytes": (512, 1024, 2048),
    "dram.mapping": (
        "ro-ba-bg-co-pc-ch",
        "ro-ba-bg-co-pc-ch",
        "RoBaRaCoCh",
        "ro-ba-co-bg-pc-ch",
        "ro-co-ba-bg-pc-ch",
        "RoRaBgBaChCo",
    ),
    "dram.controller": (*("frfcfs",) * 5, "bank-queues", "active-buffer"),
    "dram.command_bus": ("pseudo-channel", "channel", "single"),
    "dram.window": (4, 8, 16, 32, 64),
    "dram.act_clocks": (1, 1, 2),
    "dram.page": ("open", "open", "closed"),
    "dram.refresh": (True, False),
    "dram.tCK_ps": (625, 833, 1000, 1250),
    "dram.nCL": (10, 14, 20),
    "dram.nRCD": (10, 14, 20),
    "dram.nRCD_WR": (None, None, 8, 12),
    "dram.nRP": (10, 14, 20),
    "dram.nRAS": (28, 34, 42),
    "dram.nRC": (42, 48, 62),
    "dram.nCCD_L": (2, 3, 4),
    "dram.nRRD_S": (2, 4, 6),
    "dram.nRRD_L": (6, 8),
    "dram.nFAW": (0, 16, 30, 40),
    "dram.nWTR_S": (3, 6),
    "dram.nWTR_L": (8, 16),
    "fetcher.ports": (4, 8, 16, 32),
    "fetcher.fifo_depth": (16, 32, 64),
    "fetcher.request_stages": (2, 3, 6),
    "fetcher.return_stages": (3, 5, 8),
    "key_sram.kib": (32, 64, 96, 192),
    "value_sram.kib": (32, 64, 96, 192),
    "qk.multipliers": (64, 128, 256, 512, 1024),
    "qk.multiply_stages": (1, 3),
    "pv.multipliers": (64, 128, 256, 512, 1024),
    "softmax.lanes": (1, 2, 4, 8, 16, 32),
    "softmax.fifo_lines": (64, 128, 256, 512, 1024),
    "softmax.exp_latency": (12, 21, 40),
    "requant.queue_rows": (4, 8, 16),
    "topk.engine": ("quickselect", "radix", "bitserial", "bitonic"),
    "topk.lanes": (1, 2, 4, 8, 16, 32),
    "topk.queue_lines": (32, 128, 256),
    "topk.compactor": ("low_latency", "balanced", "max_frequency"),
    "importance.lanes": (4, 8, 16),
    "control.barrier": ("output", "ranking", "none"),
}
"""Values that each field is drawn from, all alike."""


def random_designs(count: int, seed: int, base: Arch | None = None) -> list[Arch]:
    """Return `count` valid machines, the same ones for the same seed; fields not in `FIELDS` are those of `base`.

    >>> [machine.topk.lanes for machine in random_designs(3, seed=1)]
    [2, 16, 1]
    """
    return list(islice(_valid(np.random.Generator(np.random.PCG64(seed)), base or Arch()), count))


def _valid(rng: np.random.Generator, base: Arch) -> Iterator[Arch]:
    """Yield machines without end, those that `Arch` refuses left out."""
    number = 0
    while True:
        data = base.model_dump() | {"name": f"{base.name}-{number}"}
        del data["importance"]["lanes"]  # those of the softmax
        for path, values in FIELDS.items():
            group, field = path.split(".")
            data[group] = {**data[group], field: values[int(rng.integers(len(values)))]}
        try:
            yield build(Arch, data, ArchError)
        except ArchError:
            continue
        number += 1
