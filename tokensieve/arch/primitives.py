"""Which cells hardware is made of: what synthesis infers, or those of an FPGA family by name."""

from typing import Literal, get_args

Primitives = Literal["generic", "ecp5", "ice40"]
PRIMITIVES: tuple[Primitives, ...] = get_args(Primitives)
