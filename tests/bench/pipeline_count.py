"""DRAM granules counted from decisions in plain Python, row by row, as contracts, section 3, words it.

Nothing is taken from the simulator: the machine gives line widths, SRAM sizes and the granule,
the decisions the rest.
"""

from collections import Counter

import numpy as np

from tokensieve.arch import Arch
from tokensieve.workloads.decisions import Decisions

TENSORS = ("query", "key_msb", "key_lsb", "value", "output")


def granules(arch: Arch, d: Decisions, un_pruned: bool = False) -> dict[str, np.ndarray]:
    """Return the granules of each tensor by layer."""
    total = {name: np.zeros(d.layers, np.int64) for name in TENSORS}
    for row, (_, layer, _) in enumerate(d.row_index.tolist()):
        for name, count in _row(arch, d, row, un_pruned).items():
            total[name][layer] += count
    return total


def _row(arch: Arch, d: Decisions, row: int, un_pruned: bool) -> Counter[str]:
    keys = d.token_ids[slice(*d.token_ptr[d.row_group[row] :][:2])].tolist()
    key_line, value_line = arch.qk.multipliers // d.head_dim, arch.pv.multipliers // d.head_dim
    count: Counter[str] = Counter()
    chunks = blocks(arch, d, row)
    whole = len(chunks) == 1
    for first, end in chunks:
        lsb = d.lsb_refetch[first:end].tolist()
        if not (whole and _follows(arch, d, row, "key")):
            count["key_msb"] += _read(arch, keys, key_line, _width(d, row, "key"))
        if 1 in lsb or 2 in lsb:
            count["key_lsb"] += _read(arch, keys, key_line, -(-int(d.bits("lsb")[row]) * d.head_dim // 8))
        early = d.phase == "prefill" or un_pruned
        shares = d.phase == "prefill" or d.meta["pair_shares_values"]
        if not (whole and shares and _follows(arch, d, row, "value")):
            values = keys if early else d.value_ids[d.value_ptr[first] : d.value_ptr[end]].tolist()
            count["value"] += _read(arch, values, value_line, _width(d, row, "value"))
        count += _queries(arch, d, keys, row, first, end, un_pruned)
    return count


def _queries(
    arch: Arch, d: Decisions, keys: list[int], row: int, first: int, end: int, un_pruned: bool
) -> Counter[str]:
    """Return the granules of queries and outputs, which are not padded to lines."""
    if not d.meta["charge_io"]:
        return Counter()
    bits = int(d.bits("query").max()) if un_pruned else 12
    width, start = -(-bits * d.head_dim // 8), int(d.query_ptr[row])
    tokens = keys[first - start : end - start] if d.phase == "prefill" else [int(d.context[row]) - 1]
    key_line, value_line = arch.qk.multipliers // d.head_dim, arch.pv.multipliers // d.head_dim
    return Counter(
        query=_touched(arch, _lines(tokens, key_line), width), output=_touched(arch, _lines(tokens, value_line), width)
    )


def blocks(arch: Arch, d: Decisions, row: int) -> list[tuple[int, int]]:
    """Return the queries of a row in the blocks for each of which K and V are streamed: one, unless they are too long.

    Too long is more than half an SRAM. A block is as many queries as the softmax can hold the scores of.
    """
    first, end, keys = int(d.query_ptr[row]), int(d.query_ptr[row + 1]), int(d.keys_kept[row])
    too_long = False
    for sram, array in ((arch.key_sram, arch.qk), (arch.value_sram, arch.pv)):
        line_bytes = array.multipliers * arch.number.onchip_bits // 8
        half = sram.kib * 1024 // line_bytes // 2
        too_long |= -(-keys // (array.multipliers // d.head_dim)) > half
    if not too_long or end - first == 1:
        return [(first, end)]
    size = max(arch.softmax.fifo_lines // -(-keys // arch.softmax.lanes), 1)
    return [(begin, min(begin + size, end)) for begin in range(first, end, size)]


def _fused(d: Decisions, row: int, tensor: str) -> bool:
    return int(d.bits(tensor)[row]) == 6


def _follows(arch: Arch, d: Decisions, row: int, tensor: str) -> bool:
    """Return whether the row is the second of a pair of 6-bit heads whose first loads for both."""
    group = d.row_group[row]
    pair = 0
    while _fused(d, row - pair, tensor) and row >= pair and d.row_group[row - pair] == group:
        pair += 1
    return pair > 0 and pair % 2 == 0 and len(blocks(arch, d, row - 1)) == 1


def _width(d: Decisions, row: int, tensor: str) -> int:
    """Return the bytes of a vector of K or V in DRAM; 6-bit vectors hold those of two heads."""
    bits = int(d.bits(tensor)[row])
    return -(-bits * d.head_dim * (2 if bits == 6 else 1) // 8)


def _lines(ids: list[int], vectors: int) -> list[list[int]]:
    return [ids[i : i + vectors] for i in range(0, len(ids), vectors)]


def _read(arch: Arch, ids: list[int], vectors: int, width: int) -> int:
    """Return the granules of a fetch in whole lines; what is fetched in vain are the vectors after the last one."""
    missing = -len(ids) % vectors
    return _touched(arch, _lines([*ids, *(ids[-1] + 1 + i for i in range(missing))], vectors), width)


def _touched(arch: Arch, lines: list[list[int]], width: int) -> int:
    """Return the granules that the vectors of each line touch, each counted once per line."""
    size = arch.dram.granule_bytes
    return sum(
        len({g for i in line for g in range(i * width // size, ((i + 1) * width - 1) // size + 1)}) for line in lines
    )
