"""Packets that are longer than an engine's hardware is made for: refused, or reduced, and said so."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tokensieve.arch.errors import ArchError

if TYPE_CHECKING:
    from tokensieve.arch import Arch
    from tokensieve.verify.units import Unit

_FIELD = "topk.max_tokens"


def own_arch(
    unit: "Unit", machine: "Arch", engine: str, sets: Sequence[str], every: bool = False
) -> "tuple[Arch, str]":
    """Return `machine` as `unit` has it, and what of it is reduced, which is also printed on stderr; else nothing.

    Raises `ArchError` where `sets` asks for what would be reduced. With `every` the engine is one of all, and not
    somebody's choice: then that is reduced too.
    """
    own = unit.arch(machine, engine)
    asked, most = machine.topk.max_tokens, own.topk.max_tokens
    if most >= asked:
        return own, ""
    rule = f"at most {most} for {unit.name} with engine {own.topk.engine}"
    if not every and any(item.partition("=")[0].strip() == _FIELD for item in sets):
        raise ArchError(f"{_FIELD} must be {rule}, got {asked}")
    note = f"{_FIELD} is {most}, not {asked} as in {machine.name}: it must be {rule}"
    print(f"note: {note}", file=sys.stderr, flush=True)
    return own, note
