"""Situations of the bitwidth converter. A test vector is one or more vectors of K, Q or V."""

from collections.abc import Callable

from tokensieve.arch.status import Status
from tokensieve.verify.situations.base import Seen, Situation, longest_stall, reset, twin


def _fields(seen: Seen, name: str) -> list[int]:
    """Return a field of all commands, in order."""
    return [int(value) for some in seen.items(name) for value in some]


def _lsbs_behind_none(seen: Seen) -> bool:
    """Return whether a vector with an LSB plane comes behind one without; after a reset all of them come again."""
    lsbs = _fields(seen, "lsb_bits") * (2 if seen.resets else 1)
    return any(not bits and any(lsbs[place + 1 :]) for place, bits in enumerate(lsbs))


def _told(code: Status) -> Callable[[Seen], bool]:
    """Return whether a command is illegal for the reason `code`."""
    return lambda seen: any(code in seen.vectors.item("expected", "status", index) for index in seen.which)


SITUATIONS = (
    Situation("a vector without elements", "empty-steals", _told(Status.NONE_OFFERED)),
    Situation("a width that there is not", "unknown-converted", _told(Status.UNKNOWN)),
    Situation("a vector follows another", "words-go-on", lambda seen: len(_fields(seen, "elements")) > 1),
    Situation("a vector whose last words are a full beat", "full-beat-goes-on",
              lambda seen: any(n % seen.arch.converter.lanes == 0 for n in _fields(seen, "elements"))),
    Situation("a vector with LSBs behind one without", "first-beat-stolen", _lsbs_behind_none),
    Situation("a vector taken at the middle", "not-in-the-middle", lambda seen: any(_fields(seen, "middle"))),
    Situation("words wait for their sink", "overrun", lambda seen: seen.stall("o") > 0),
    twin("a buffer has no room", "no-room"),
    twin("words wait for their LSBs", "planes-apart"),
    reset("a vector's words have left in part", "words-without-reset"),
    longest_stall("o", "impatient"),
)  # fmt: skip
