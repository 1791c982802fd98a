"""How a fully connected matrix is cut for the two arrays and the two operand memories.

Each operand memory gives one half to weights, as two tiles of which one is filled while the other is used, and the
other half to activations. Outputs are shared out between the arrays in proportion to their multipliers. A line of
weights holds `vectors_per_cycle` outputs of D inputs (Q x K) or as many inputs of D outputs (Prob x V); a token takes a
cycle to pass it.
"""

from dataclasses import dataclass

from tokensieve.arch.errors import ArchError
from tokensieve.arch.machine import Arch
from tokensieve.arch.timing import StreamLaw

ACCUMULATE = 1
"""Registers that add up the parts of a sum behind Q x K. Attention needs none there: an assumption, as the paper only
says that fully connected layers run on the same arrays."""

LEAST_LINES = 4
"""Lines that a memory must hold: two tiles of weights of one line each, and as much again for activations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """One matrix at work: the tokens of a layer go through it once. Hashable, as layers repeat."""

    kind: str
    tokens: int
    inputs: int
    outputs: int
    weight_bits: int
    read_bytes: int
    """Activations read from DRAM; 0 where the matrix before left them on chip."""

    write_bytes: int
    """Activations left in DRAM."""

    @property
    def weight_bytes(self) -> int:
        """Bytes of all weights in DRAM."""
        return -(-self.inputs * self.outputs * self.weight_bits // 8)

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.tokens * self.inputs * self.outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """How a matrix is worked off: `blocks` of tokens, each with all `tiles` of weights."""

    outputs: tuple[int, int]
    """Outputs of Q x K's array and of Prob x V's."""

    lines: tuple[int, int]
    """Lines of weights of either array."""

    tiles: int
    """Pairs of tiles, one for each array, that the weights make."""

    blocks: int
    """Blocks of tokens; the weights are streamed once for each."""

    read_bytes: int
    """Activations read from DRAM, repetitions included."""


def check_memories(arch: Arch, inputs: int) -> None:
    """Raise `ArchError` where a memory holds no tile of a line, or the halves for activations no token of `inputs`."""
    bits = arch.number.onchip_bits
    for sram, array, lines in (("key_sram", "qk", arch.key_lines), ("value_sram", "pv", arch.value_lines)):
        if lines < LEAST_LINES:
            raise ArchError(
                f"{sram}.kib must hold at least {LEAST_LINES} lines of {arch.line_bytes(getattr(arch, array))} bytes "
                f"({array}.multipliers x number.onchip_bits) for fully connected layers, two of weights and as much "
                f"again for activations, got {getattr(arch, sram).kib} KiB"
            )
    if 8 * room_bytes(arch) < inputs * bits:
        raise ArchError(
            f"key_sram.kib + value_sram.kib must hold {-(-inputs * bits // 8):,} bytes in their halves for "
            f"activations: the inputs of one token of a fully connected layer, {inputs:,} x number.onchip_bits, "
            f"got {arch.key_sram.kib} + {arch.value_sram.kib} KiB, half of them {room_bytes(arch):,} bytes"
        )


def cut(arch: Arch, m: Matrix, head_dim: int) -> Cut:
    """Return how `m` is worked off, on memories that passed `check_memories`.

    Where the inputs of all tokens do not fit, either the weights are streamed again for each block of tokens that does,
    or the inputs again for each tile of weights: whichever moves fewer bytes.
    """
    outputs = _shared_out(arch, m.outputs, head_dim)
    lines = (
        -(-m.inputs // head_dim) * -(-outputs[0] // arch.qk.vectors_per_cycle(head_dim)),
        -(-m.inputs // arch.pv.vectors_per_cycle(head_dim)) * -(-outputs[1] // head_dim),
    )
    tiles = max(-(-n // tile) for n, tile in zip(lines, _tile_lines(arch), strict=True))
    token = m.inputs * arch.number.onchip_bits
    blocks = -(-m.tokens // (8 * room_bytes(arch) // token))
    again, inputs_again = (blocks - 1) * m.weight_bytes, (tiles - 1) * -(-m.tokens * token // 8)
    if again <= inputs_again:
        return Cut(outputs=outputs, lines=lines, tiles=tiles, blocks=blocks, read_bytes=m.read_bytes)
    return Cut(outputs=outputs, lines=lines, tiles=tiles, blocks=1, read_bytes=m.read_bytes + inputs_again)


def _shared_out(arch: Arch, outputs: int, head_dim: int) -> tuple[int, int]:
    """Return the outputs of each array; those of Prob x V are a multiple of D."""
    share = arch.pv.multipliers / (arch.qk.multipliers + arch.pv.multipliers)
    values = min(round(outputs * share / head_dim) * head_dim, outputs)
    return outputs - values, values


def _tile_lines(arch: Arch) -> tuple[int, int]:
    """Return the lines of a tile of weights in each memory: half of the half."""
    return arch.key_lines // LEAST_LINES, arch.value_lines // LEAST_LINES


def room_bytes(arch: Arch) -> int:
    """Return the bytes on chip that hold activations."""
    return (arch.key_sram.bytes + arch.value_sram.bytes) // 2


def array_latency(arch: Arch, head_dim: int) -> int:
    """Return the cycles from the last line in to its sums out, of the slower array."""
    adding = arch.qk.model_copy(update={"accumulate_stages": max(arch.qk.accumulate_stages, ACCUMULATE)})
    return max(law.latency for law in laws(arch.model_copy(update={"qk": adding}), head_dim))


def laws(arch: Arch, head_dim: int) -> tuple[StreamLaw, StreamLaw]:
    """Return the cycle laws of both arrays, those of attention."""
    terms = arch.pv.vectors_per_cycle(head_dim)
    return (
        arch.qk.law(head_dim, terms=head_dim, read_latency=arch.key_sram.read_latency),
        arch.pv.law(head_dim, terms=terms, read_latency=arch.value_sram.read_latency),
    )
