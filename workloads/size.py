"""How much work is asked for, told before any of it is laid out in memory."""

from dataclasses import dataclass

from tokensieve.arch.errors import WorkloadError

MOST_QUERIES = 3_000_000
"""Queries of all heads and layers above which a run has to be asked for twice: they take about 2 GB of memory."""

MOST_VECTORS = 1_500_000_000
"""Vectors of K and V above which a run has to be asked for twice: level `cycle` takes some 18 minutes for them."""

FORCE = "--force runs it all the same"
NO_FORCE = "nothing larger is taken here"

_QUERY_BYTES, _QUERY_S, _VECTOR_S = 600, 2e-5, 7e-7
"""Memory and CPU seconds of a query, and CPU seconds of a vector, at level `cycle`; measured on one core."""


@dataclass(frozen=True, slots=True)
class Size:
    """Upper bounds of what some work holds, before pruning."""

    queries: int
    """Queries of all heads, layers and steps."""

    vectors: int
    """Vectors of K and V that they fetch."""

    @property
    def estimate(self) -> str:
        """What it takes, in words."""
        memory, seconds = self.queries * _QUERY_BYTES / 1e9, self.queries * _QUERY_S + self.vectors * _VECTOR_S
        return f"about {memory:,.1f} GB of memory and {seconds / 60:,.0f} minutes of CPU at level cycle"


def prefill_size(rows: int, context: int) -> Size:
    """Return the size of a prefill of `context` tokens in so many heads, over all layers."""
    return Size(rows * context, 2 * rows * context)


def decode_size(rows: int, prompt: int, steps: int) -> Size:
    """Return the size of `steps` steps behind a `prompt`, in so many heads, over all layers."""
    return Size(rows * steps, 2 * rows * (steps * prompt + steps * (steps + 1) // 2))


def check_size(size: Size, source: str, force: bool = False, otherwise: str = FORCE) -> None:
    """Raise `WorkloadError` where `size` is above what runs unasked, unless `force` asks for it.

    `source` begins the message, and `otherwise` says what to do.
    """
    if force or (size.queries <= MOST_QUERIES and size.vectors <= MOST_VECTORS):
        return
    raise WorkloadError(
        f"{source} up to {size.queries:,} queries and {size.vectors:,} vectors of K and V ({size.estimate}), "
        f"which is above the {MOST_QUERIES:,} and {MOST_VECTORS:,} that run unasked; {otherwise}"
    )
