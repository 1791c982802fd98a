"""Golden's answers as beats: what must come out, and which of its bits count."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tokensieve.rtl.flow.harness.base import Array, Awaited
from tokensieve.rtl.flow.pack import Codec

__all__ = ["columns", "exact", "in_packets"]


def exact(layout: Codec, payloads: Iterable[Any]) -> Awaited:
    """Return beats of which every bit counts."""
    return [(layout.pack(payload), (1 << layout.width) - 1) for payload in payloads]


def in_packets(
    layout: Codec, lanes: int, packets: Iterable[Sequence[Any]], unknown: Mapping[str, Any] | None = None
) -> Awaited:
    """Return packets of items as beats of a `packed_beat`: full ones, and a last one with the rest.

    The lanes from `count` on may hold anything. So may the fields of an item that `unknown` names, with a value each:
    golden does not say what they are.
    """
    free = unknown or {}
    ones, zeros = layout.ones["items"][0], layout.unpack(0)["items"][0]
    counts = {**ones, **{name: zeros[name] for name in free}} if free else ones
    beats = list[tuple[int, int]]()
    for items in packets:
        for first in range(0, max(len(items), 1), lanes):
            some = [{**item, **free} if free else item for item in items[first : first + lanes]]
            rest = lanes - len(some)
            told = {"count": len(some), "last": int(first + lanes >= len(items))}
            mask = {**layout.ones, "items": [counts] * len(some) + [zeros] * rest}
            beats.append((layout.pack({"items": some + [zeros] * rest, **told}), layout.pack(mask)))
    return beats


def columns(**arrays: Array) -> list[dict[str, int]]:
    """Return items with the given fields, one per element.

    >>> import numpy as np
    >>> columns(index=np.array([3, 4]), score=np.array([7, 9]))
    [{'index': 3, 'score': 7}, {'index': 4, 'score': 9}]
    """
    return [dict(zip(arrays, map(int, values), strict=True)) for values in zip(*arrays.values(), strict=True)]
