"""Whether the planes of some work lie within DRAM."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.memory import Dram

I64 = npt.NDArray[np.int64]


def check_capacity(dram: Dram, planes: Iterable[tuple[I64, npt.ArrayLike]], vectors: int) -> None:
    """Raise `WorkloadError` where `dram` is too small, with both sizes in bytes.

    Each of `planes` is the bytes at which the planes of one tensor begin, shape (R,), and the bytes of one of their
    vectors, shape (R,) or one for all; a plane has room for `vectors` of them, the last line of a request included.
    """
    need = max(int(np.max(base + np.asarray(width) * vectors)) for base, width in planes)
    if need > dram.capacity:
        parts = (dram.channels, dram.pseudo_channels, dram.banks, dram.rows, dram.row_bytes)
        raise WorkloadError(
            f"dram.rows: DRAM must hold the {need:,} bytes over which the memory map spreads K, V, Q and outputs, "
            f"got {dram.capacity:,} bytes (dram.channels x pseudo_channels x banks x rows x row_bytes = "
            f"{' x '.join(map(str, parts))})"
        )
