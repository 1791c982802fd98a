"""Vectors of the bitwidth converter: packed planes of K, Q or V in, on-chip words out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from tokensieve.arch.bitwidth_converter import lsb_widths, msb_widths
from tokensieve.arch.machine import Arch
from tokensieve.arch.status import Status
from tokensieve.golden.quantize import combine, lsb_plane, middle_of_msb, msb_only, msb_plane
from tokensieve.golden.vectors import ragged
from tokensieve.workloads.vectors import Vectors

Whole = npt.NDArray[np.int64]

_ILLEGAL = 0.2
"""Share of the random groups with an illegal vector."""

_UNKNOWN = ((5, 0), (0, 0), (0, 4), (15, 15), (4, 15), (3, 1))
"""Widths of MSBs and LSBs that no machine has."""


@dataclass(frozen=True)
class Vector:
    """A vector of on-chip integers, and how much of them is stored where."""

    values: Whole
    msb_bits: int
    lsb_bits: int = 0
    """0 where the LSB plane is not fetched."""

    middle: int = 0
    """Taken at the middle of what the MSBs leave open (V)."""


def make(arch: Arch, count: int, seed: int, scores: str | None = None) -> Vectors:
    """Return `count` groups of vectors: the corners, then random ones. `scores` is not used: vectors hold none."""
    groups = groups_of(arch, count, seed)
    planes = [[stored(one, arch) for one in group] for group in groups]
    fields = ("msb_bits", "lsb_bits", "middle")
    told = {name: [[getattr(one, name) for one in group] for group in groups] for name in fields}
    codes = [[judge(one, arch) for one in group] for group in groups]
    elements = ragged("elements", [[len(one.values) for one in group] for group in groups])
    return Vectors(
        unit="bitwidth-converter",
        arch={group: getattr(arch, group).model_dump(mode="json") for group in ("converter", "gather", "number")},
        seed=seed,
        inputs={
            **elements,
            **{key: array for name in fields for key, array in ragged(name, told[name]).items()},
            **ragged("msb", [np.concatenate([msb for msb, _ in group]) for group in planes]),
            **ragged("lsb", [np.concatenate([lsb for _, lsb in group]) for group in planes]),
        },
        expected=ragged("words", [np.concatenate([words(one, arch) for one in group]) for group in groups])
        | ragged("status", codes),
        work={
            **elements,
            **ragged("msb_bits", told["msb_bits"]),
            **ragged("lsb_bits", told["lsb_bits"]),
            **ragged("illegal", [[int(code > 0) for code in some] for some in codes]),
        },
    )


def judge(one: Vector, arch: Arch) -> int:
    """Return the code of an illegal vector, 0 of others."""
    if not len(one.values):
        return Status.NONE_OFFERED
    bits = arch.number.onchip_bits
    known = one.msb_bits in msb_widths(bits)
    known = known and one.lsb_bits in (0, min(arch.number.lsb_bits, bits - one.msb_bits))
    return 0 if known else Status.UNKNOWN


def words(one: Vector, arch: Arch) -> Whole:
    """Return the words that the machine works with; an illegal vector has none."""
    if judge(one, arch):
        return np.zeros(0, np.int64)
    values, number = torch.from_numpy(one.values), arch.number
    if one.lsb_bits:
        planes = msb_plane(values, one.msb_bits, number), lsb_plane(values, one.msb_bits, one.lsb_bits, number)
        made = combine(*planes, one.msb_bits, one.lsb_bits, number)
    elif one.middle:
        made = middle_of_msb(values, one.msb_bits, number)
    else:
        made = msb_only(values, one.msb_bits, number)
    array: Whole = made.numpy()
    return array


def stored(one: Vector, arch: Arch) -> tuple[Whole, Whole]:
    """Return the bytes of both planes; those of an illegal vector mean nothing."""
    if judge(one, arch):
        msb, lsb = (np.full(-(-len(one.values) * bits // 8), 0xA5, np.int64) for bits in (one.msb_bits, one.lsb_bits))
        return msb, lsb
    values, number = torch.from_numpy(one.values), arch.number
    msb = packed_bytes(msb_plane(values, one.msb_bits, number), one.msb_bits)
    if not one.lsb_bits:
        return msb, np.zeros(0, np.int64)
    return msb, packed_bytes(lsb_plane(values, one.msb_bits, one.lsb_bits, number), one.lsb_bits)


def packed_bytes(values: Tensor, bits: int) -> Whole:
    """Return the lowest `bits` of each value, packed from the least significant bit of the first byte on.

    >>> packed_bytes(torch.tensor([1, -1, 2]), 4).tolist()
    [241, 2]
    """
    field = ((values[:, None] >> torch.arange(bits)) & 1).flatten()
    field = torch.nn.functional.pad(field, (0, -len(field) % 8)).reshape(-1, 8)
    array: Whole = (field << torch.arange(8)).sum(dim=-1).numpy()
    return array


def groups_of(arch: Arch, count: int, seed: int) -> list[Sequence[Vector]]:
    """Return `count` groups of vectors, corners first."""
    rng = np.random.Generator(np.random.PCG64([seed, count]))
    groups: list[Sequence[Vector]] = list(_corners(arch, rng))[:count]
    while len(groups) < count:
        group = [_random(arch, rng) for _ in range(int(rng.integers(1, 5)))]
        if rng.random() < _ILLEGAL:
            group.insert(int(rng.integers(1, len(group), endpoint=True)), _illegal(arch, rng))
        groups.append(group)
    return groups


def _illegal(arch: Arch, rng: np.random.Generator) -> Vector:
    """Return a vector without elements, or of widths that there are never."""
    values = np.zeros(int(rng.integers(0, 2 * arch.converter.lanes, endpoint=True)), np.int64)
    return Vector(values, *_UNKNOWN[int(rng.integers(len(_UNKNOWN)))])


def _random(arch: Arch, rng: np.random.Generator) -> Vector:
    msb = int(rng.choice(msb_widths(arch.number.onchip_bits)))
    usual = [n for n in (32, 64, 128) if n <= arch.max_vector_elements] or [arch.max_vector_elements]
    n = int(rng.choice(usual)) if rng.random() < 0.7 else int(rng.integers(1, arch.max_vector_elements, endpoint=True))
    return _vector(arch, rng, n, msb, lsb=rng.random() < 0.4, middle=rng.random() < 0.5)


def _vector(arch: Arch, rng: np.random.Generator, n: int, msb: int, lsb: bool = False, middle: bool = False) -> Vector:
    bits = arch.number.onchip_bits
    values = rng.integers(-(1 << (bits - 1)), 1 << (bits - 1), n)
    below = min(arch.number.lsb_bits, bits - msb) if lsb else 0
    return Vector(values, msb, below, int(middle and not below))


def _corners(arch: Arch, rng: np.random.Generator) -> Iterator[Sequence[Vector]]:
    """Yield every width with and without its LSBs, and the lengths at which vectors and beats do not end together."""
    lanes, most, bits = arch.converter.lanes, arch.max_vector_elements, arch.number.onchip_bits
    for msb in msb_widths(bits):
        yield [_vector(arch, rng, min(2 * lanes, most), msb)]
        yield [_vector(arch, rng, min(2 * lanes, most), msb, lsb=True)]
        yield [_vector(arch, rng, min(lanes, most), msb, middle=True) for _ in range(3)]
    for n in (1, lanes - 1, lanes + 1, lanes + lanes // 2 + 1, most):
        if 1 <= n <= most:
            yield [_vector(arch, rng, n, msb, lsb=True) for msb in msb_widths(bits)]
    least, top = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    ends = np.array([least, top, -1, 0, 1, least + 1, top - 1])[:most]
    for below in (0, *lsb_widths(bits, arch.number.lsb_bits)):
        fitting = [msb for msb in msb_widths(bits) if below in (0, min(arch.number.lsb_bits, bits - msb))]
        yield [Vector(ends, msb, below) for msb in fitting]
    yield [Vector(ends, msb, 0, 1) for msb in msb_widths(bits)]
    yield [Vector(ends, msb, min(arch.number.lsb_bits, bits - msb), 1) for msb in msb_widths(bits)]
    longest = (1 << most.bit_length()) - 1  # that a command can tell; no vector is stored, so that it may be as long
    usual = [_vector(arch, rng, lanes, 4, lsb=True), _vector(arch, rng, longest, msb_widths(bits)[-1])]
    none = [Vector(ends[:0], 4), Vector(ends[:0], 4, min(arch.number.lsb_bits, bits - 4))]
    yield [usual[0], none[0], usual[1], none[1], none[0], usual[0], none[1]]
    unknown = [Vector(np.zeros(n, np.int64), *widths) for n in (1, most) for widths in _UNKNOWN]
    yield [one for unfit in unknown for one in (usual[0], unfit)] + usual
    yield [usual[0], *unknown[::3], none[0], usual[0]]
