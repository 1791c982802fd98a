"""What hardware is elaborated for."""

from dataclasses import dataclass
from typing import Any

from tokensieve.arch.primitives import Primitives


@dataclass(frozen=True)
class Target:
    """A platform, in Amaranth's words: which cells the primitives are made of. It changes no cycle and no answer."""

    primitives: Primitives


def primitives_of(platform: Any) -> Primitives:
    """Return which cells to take for `platform`; ``generic`` for any that does not tell, as in simulation."""
    told: Primitives = getattr(platform, "primitives", "generic")
    return told
