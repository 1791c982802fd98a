"""The situations that each unit may get wrong, a module per unit: co-simulation with coverage must have been in all."""

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tokensieve.arch.machine import Arch
from tokensieve.verify.situations.base import Seen, Situation
from tokensieve.verify.units.base import Unit
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.case import Record

__all__ = ["Seen", "Situation", "counted", "situations_of"]


def situations_of(unit: str) -> tuple[Situation, ...]:
    """Return the situations of `unit`; none where it has no table."""
    name = f"{__package__}.{unit.replace('-', '_')}"
    return tuple(import_module(name).SITUATIONS) if find_spec(name) else ()


def counted(
    unit: Unit, arch: Arch, vectors: Vectors, runs: "Iterable[tuple[Sequence[int], Record]]"
) -> Mapping[str, int]:
    """Return in how many of the `runs`, vectors and record each, the unit was in each of its situations."""
    situations = [one for one in situations_of(unit.name) if one.engine in ("", arch.topk.engine)]
    counts = dict.fromkeys((situation.name for situation in situations), 0)
    for which, record in runs:
        seen = Seen(unit, arch, vectors, which, record)
        for situation in situations:
            counts[situation.name] += situation.shows(seen)
    return counts
