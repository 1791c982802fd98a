"""The situations that each unit may get wrong, a module per unit: co-simulation with coverage must have been in all."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec

from tokensieve.verify.situations.base import Seen, Situation

__all__ = ["Seen", "Situation", "counted", "situations_of"]


def situations_of(unit: str) -> tuple[Situation, ...]:
    """Return the situations of `unit`; none where it has no table."""
    name = f"{__package__}.{unit.replace('-', '_')}"
    return tuple(import_module(name).SITUATIONS) if find_spec(name) else ()


def counted(cases: Sequence[Seen]) -> Mapping[str, int]:
    """Return in how many of the `cases`, all of one unit with one engine, it was in each of its situations."""
    unit, arch = cases[0].unit, cases[0].arch
    situations = [one for one in situations_of(unit.name) if one.engine in ("", arch.topk.engine)]
    return {one.name: sum(map(one.shows, cases)) for one in situations}
