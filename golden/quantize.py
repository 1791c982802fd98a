"""Linear symmetric quantization and the bit planes of progressive quantization (paper III-D).

A tensor of one head becomes two's complement integers of `number.onchip_bits` and one scale. In DRAM the integers lie
in planes: the most significant bits, and the bits that follow them, fetched on demand.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from tokensieve.arch.datapath import Number


@dataclass(frozen=True)
class Quantized:
    """A quantized tensor: the real value is about ``values * scale``."""

    values: Tensor
    """int64, any shape, in -(2^(bits-1) - 1) .. 2^(bits-1) - 1 (-2^(bits-1) only by saturation)."""

    scale: float
    """Real value of one step; 0.0 for a tensor of zeros."""


def scale_of(x: Tensor, bits: int) -> float:
    """Return the step with which ``max|x|`` fills `bits` two's complement bits: ``max|x| / (2^(bits-1) - 1)``."""
    peak = float(x.abs().max()) if x.numel() else 0.0
    return peak / ((1 << (bits - 1)) - 1)


def quantize_with(x: Tensor, scale: float, bits: int) -> Tensor:
    """Return `x` in steps of `scale`, rounded half to even and saturated to `bits` two's complement bits."""
    if scale == 0.0:
        return torch.zeros(x.shape, dtype=torch.int64)
    steps = torch.round(x.to(torch.float64) / scale)
    return torch.clamp(steps, -(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1).to(torch.int64)


def quantize(x: Tensor, number: Number) -> Quantized:
    """Return `x`, one head's Q, K or V of shape ``(tokens, D)``, in `number.onchip_bits` with a scale of its own."""
    scale = scale_of(x, number.onchip_bits)
    return Quantized(quantize_with(x, scale, number.onchip_bits), scale)


def msb_plane(values: Tensor, msb_bits: int, number: Number) -> Tensor:
    """Return the top `msb_bits` of `values`, two's complement: -2^(msb_bits-1) .. 2^(msb_bits-1) - 1."""
    return values >> (number.onchip_bits - msb_bits)


def lsb_plane(values: Tensor, msb_bits: int, lsb_bits: int, number: Number) -> Tensor:
    """Return the `lsb_bits` that follow the top `msb_bits`, unsigned: 0 .. 2^lsb_bits - 1."""
    return (values >> (number.onchip_bits - msb_bits - lsb_bits)) & ((1 << lsb_bits) - 1)


def msb_only(values: Tensor, msb_bits: int, number: Number) -> Tensor:
    """Return `values` as the machine sees them with the MSB plane alone: left-aligned, lower bits zero."""
    return msb_plane(values, msb_bits, number) << (number.onchip_bits - msb_bits)


def middle_of_msb(values: Tensor, msb_bits: int, number: Number) -> Tensor:
    """Return `values` known by their MSB plane alone, each taken at the middle of what the plane leaves open.

    V has no second fetch, so the half step that cutting bits off takes away is put back as a constant. (Our choice:
    without it a layer of MiniLM misses a cosine of 0.999. K needs none: a constant on all keys cancels in the softmax.)
    """
    dropped = number.onchip_bits - msb_bits
    return msb_only(values, msb_bits, number) + ((1 << dropped) >> 1)


def combine(msb: Tensor, lsb: Tensor, msb_bits: int, lsb_bits: int, number: Number) -> Tensor:
    """Return both planes put together, left-aligned; exact when they hold all `number.onchip_bits`."""
    return ((msb << lsb_bits) | lsb) << (number.onchip_bits - msb_bits - lsb_bits)


@dataclass(frozen=True)
class Scale:
    """A positive factor as an unsigned multiplier and a right shift: ``multiplier / 2**shift``."""

    multiplier: int
    shift: int


def fixed_scale(factor: float, bits: int) -> Scale:
    """Return `factor` as a multiplier of `bits` unsigned bits, normalised to its top bit, and a shift in 0..62.

    A factor of 2^bits or more saturates; one below 2^-62 keeps fewer bits.
    """
    if factor <= 0.0:
        return Scale(0, 0)
    _, exponent = math.frexp(factor)
    shift = min(max(bits - exponent, 0), 62)
    multiplier = round(math.ldexp(factor, shift))
    if multiplier >> bits and shift:
        multiplier, shift = multiplier >> 1, shift - 1
    return Scale(min(multiplier, (1 << bits) - 1), shift)
