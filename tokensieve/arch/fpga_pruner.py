"""About what a fixed-length pruner behind its host link takes of an FPGA, from its parameters: no less and no more.

Registers of the search engines are counted (`arch.fpga_structure`). Those around them, and what a register brings of
LUTs, are bounds that hold for all builds that are recorded; they are *modelled*, and wide. There is no
estimate of the clock: a build measures it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.fpga_structure import SHELL, registers

_ONCE, _PER_BIT, _PER_ENGINE = 750, 10.5, 30
"""Registers of host link, ids and padding, to within a tenth of those in the RTL: once, for each bit of a beat of
scores and ids, and for each engine."""

_LEAST, _MOST = 0.8, 1.02
"""Share of those that synthesis leaves, at least; and of all registers, at most."""

_LUTS: Mapping[str, tuple[float, float]] = {"ice40": (1.25, 1.4), "ecp5": (1.0, 1.3), "gowin": (1.0, 1.3)}
"""LUTs of a flip-flop, by family: no less, and with bit-serial engines no more."""

_MORE = 1.4
"""How many times the LUTs of a bit-serial engine another one takes for its flip-flops, at most."""

FAMILIES = tuple(_LUTS)
"""Families of devices that bounds are known of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """No less than `least`, no more than `most`."""

    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunerCells:
    """What a pruner takes with its host link; *modelled*."""

    lut: Bounds
    """LUTs; of iCE40, logic cells."""

    ff: Bounds
    """Flip-flops."""

    memory_bits: int
    """Bits of block memory, without what a block leaves unused."""


def pruner_cells(pruner: FixedLengthPruner, family: str) -> PrunerCells:
    """Return what `pruner`, with given scores and no embeddings, takes of a device of `family`."""
    search, engines = pruner.topk, pruner.engine_count
    made = registers(search)
    inside = made[SHELL] + engines * made[search.engine]
    around = _ONCE + _PER_BIT * pruner.lanes * (pruner.score_bits + pruner.id_bits) + _PER_ENGINE * engines
    ff = Bounds(least=int(inside + _LEAST * around), most=int(_MOST * (inside + around)))
    few, many = _LUTS[family]
    more = 1 if search.engine == "bitserial" else _MORE
    sets = 0 if search.engine in ("bitserial", "bitonic") else engines * search.max_tokens * search.score_bits
    return PrunerCells(
        lut=Bounds(least=int(few * ff.least), most=int(more * many * ff.most)),
        ff=ff,
        memory_bits=2 * search.max_tokens * (pruner.score_bits + pruner.id_bits) + sets,
    )
