"""What units say of commands that they do not obey, as golden awaits it and as it came."""

from collections.abc import Iterable

from tokensieve.rtl.beats import status
from tokensieve.rtl.flow.case import Record
from tokensieve.rtl.flow.harness.awaited import exact
from tokensieve.rtl.flow.harness.base import Awaited
from tokensieve.rtl.flow.pack import codec

__all__ = ["awaited_statuses", "statuses"]


def awaited_statuses(codes: Iterable[int]) -> Awaited:
    """Return the events of commands with these codes; those with 0 raise none."""
    return exact(codec(status()), [{"code": int(code)} for code in codes if code])


def statuses(record: Record, count: int, stream: str = "command", event: str = "status") -> list[int]:
    """Return the code of each of `count` commands of a `stream`; 0 of those that raised nothing, or never came.

    An event belongs to the command of the cycle before. Without one there it is nonsense, which is a `ValueError`.
    """
    taken, layout, codes = record.cycles_of(stream), codec(status()), [0] * count
    for cycle, payload in record.events[event]:
        place = taken.index(cycle - 1)
        codes[place] = layout.unpack(payload)["code"] if place < count else 0
    return codes
