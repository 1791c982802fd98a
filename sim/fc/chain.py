"""Which matrices follow one another, and which activations pass between them on chip.

Attention stands between the projections of a layer: Q, K, V and its output pass through DRAM. So a chain runs from one
attention to the next: output projection, the two of the feed-forward network, and the next layer's Q, K and V.
"""

from collections import Counter

from tokensieve.arch.machine import Arch
from tokensieve.sim.fc.cut import Matrix, room_bytes
from tokensieve.workloads.fc import FcWork

Chain = tuple[Matrix, ...]


def chains(arch: Arch, work: FcWork, weight_bits: int) -> Counter[Chain]:
    """Return the chains of a run and how often each comes.

    A step ends a chain: its last layer leads to the vocabulary and, in decode, to the next token, which is not part of
    the work.
    """
    found: Counter[Chain] = Counter()
    chain: list[Matrix] = []
    for group in range(len(work.tokens)):
        if group % work.layers == 0:
            _close(found, chain)
        chain.append(_matrix(arch, work, group, "qkv", weight_bits))
        _close(found, chain)
        chain += [_matrix(arch, work, group, kind, weight_bits) for kind in ("output", "ffn_in", "ffn_out")]
    _close(found, chain)
    return found


def _close(found: Counter[Chain], chain: list[Matrix]) -> None:
    if chain:
        found[tuple(chain)] += 1
        chain.clear()


def _matrix(arch: Arch, work: FcWork, group: int, kind: str, weight_bits: int) -> Matrix:
    inputs, outputs = work.size(kind, group)
    tokens = int(work.tokens[group])
    return Matrix(
        kind=kind,
        tokens=tokens,
        inputs=inputs,
        outputs=outputs,
        weight_bits=weight_bits,
        read_bytes=_read_bytes(arch, work, group, kind, tokens * inputs),
        write_bytes=_write_bytes(arch, work, group, kind, tokens * outputs),
    )


def _read_bytes(arch: Arch, work: FcWork, group: int, kind: str, elements: int) -> int:
    """Return the bytes that a matrix reads: the output of attention, or what the matrix before could not keep."""
    if kind == "output":
        return _bytes(int(work.tokens[group] * work.attended_bits[group]))
    kept = group % work.layers > 0 and _kept(arch, work, group - 1, "ffn_out", group)
    if kind != "qkv":
        kept = _kept(arch, work, group, _BEFORE[kind], group)
    return 0 if kept else _bytes(elements * arch.number.onchip_bits)


def _write_bytes(arch: Arch, work: FcWork, group: int, kind: str, elements: int) -> int:
    """Return the bytes that a matrix writes: Q, K and V for attention, or what the next matrix finds no room for."""
    if kind == "qkv":
        return _bytes(int(work.tokens[group] * work.stored_bits[group]))
    following = group + (kind == "ffn_out")
    kept = (following % work.layers > 0 or kind != "ffn_out") and _kept(arch, work, group, kind, following)
    return 0 if kept else _bytes(elements * arch.number.onchip_bits)


_BEFORE = {"ffn_in": "output", "ffn_out": "ffn_in"}
_AFTER = {"output": "ffn_in", "ffn_in": "ffn_out", "ffn_out": "qkv"}


def _kept(arch: Arch, work: FcWork, group: int, kind: str, following: int) -> bool:
    """Return whether the outputs of a matrix stay on chip: it and the next one have room for all they hold."""
    return _whole(arch, work, group, kind) and _whole(arch, work, following, _AFTER[kind])


def _whole(arch: Arch, work: FcWork, group: int, kind: str) -> bool:
    """Return whether inputs and outputs of all tokens fit at once; Q, K and V leave as they come."""
    inputs, outputs = work.size(kind, group)
    elements = int(work.tokens[group]) * (inputs + (0 if kind == "qkv" else outputs))
    return _bytes(elements * arch.number.onchip_bits) <= room_bytes(arch)


def _bytes(bits: int) -> int:
    return -(-bits // 8)
