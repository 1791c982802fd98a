"""How a rule that arrays must obey is checked, and how it is said which item breaks it."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError

if TYPE_CHECKING:
    from tokensieve.workloads.decisions import Decisions


def require(ok: Any, array: str, rule: str, *values: npt.NDArray[Any], first: int = 0) -> None:
    """Raise `WorkloadError` with the place of the first False in `ok`, whose first place in the array is `first`.

    Each ``{}`` in the rule stands for what one of `values`, arrays of the shape of `ok`, has there.
    """
    ok = np.asarray(ok)
    if not ok.all():
        here = np.unravel_index(int(np.argmin(ok)), ok.shape)
        place = [int(here[0]) + first, *map(int, here[1:])] if ok.ndim else []
        where = f"[{', '.join(map(str, place))}]" if ok.ndim else ""
        told = rule.format(*(value[here].tolist() for value in values)) if values else rule
        raise WorkloadError(f"decisions: {array}{where} {told}")


def first_rows(d: "Decisions") -> npt.NDArray[np.int64]:
    """Return the first row of each group."""
    return np.searchsorted(d.row_group, np.arange(d.steps * d.layers))
