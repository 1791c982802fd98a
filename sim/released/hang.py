"""Why the released design hung, as far as its last state and its rows tell (docs/explanation/released-rtl.md)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.sim.kernels import released_state as s
from tokensieve.sim.kernels.columns import I64

SIDES = (("keys", s.KEYS, s.KEY_BITS, "key_sram"), ("values", s.VALUES, s.VALUE_BITS, "value_sram"))
FUSED_BITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """Where the design hung, and why."""

    row: int
    """First row without a response."""

    reason: str | None
    """In words; None where neither the state nor the rows tell."""

    suspect: int | None = None
    """Row to which `reason` belongs where it is only likely; None where it is certain."""


def why_hung(arch: Arch, m: I64) -> Hang:
    """Return where and why the run hung that ended in state `m`.

    What can be told for certain comes first: a row that no buffer can hold, ports that wait for one another, a reader
    that waits for a line which nobody writes. Else a row is suspected whose fetch misleads the realigner: the first one
    without a last line, or the nearest one with padding, as far as possible not behind the row that waits.
    """
    table = s.row_table(m)
    n = int(np.argmin(table[:, s.RESPONSE]))
    reason = _too_long(m, table[n]) or _full_port(arch, m) or _odd_pair(m, table[n])
    if reason:
        return Hang(row=n, reason=reason)
    accepted = range(int(m[s.NEXT_ROW]))
    nearest = [*reversed(accepted[: n + 1]), *accepted[n + 1 :]]
    for misleads, order in ((_unmarked, accepted), (_padded, nearest)):
        for k in order:
            if reason := misleads(m, table[k]):
                return Hang(row=n, reason=reason, suspect=k)
    return Hang(row=n, reason=None)


def _sides(m: I64, row: I64) -> Iterator[tuple[str, str, int, int, int]]:
    """Yield keys and values of a row: their name, the buffer, how many, of how many bits, how many lines."""
    for what, count, bits, buffer in SIDES:
        yield what, buffer, int(row[count]), int(row[bits]), -(-int(row[count]) // int(m[s.LANES]))


def _fused(bits: int) -> int:
    return s.FUSED if bits == FUSED_BITS else 1


def _advice(m: I64) -> str:
    """Return which counts leave neither padding nor an odd number of lines."""
    multiple = math.lcm(int(m[s.PORTS]), s.FUSED * int(m[s.LANES]))
    return f"counts that are multiples of {multiple} avoid it (--count-rounding)"


def _too_long(m: I64, row: I64) -> str | None:
    """A row that needs more lines than a buffer has is never let in."""
    for what, buffer, count, bits, lines in _sides(m, row):
        needed = (lines + lines % s.FUSED) * _fused(bits)
        if needed > m[s.LINES]:
            heads = " of two fused heads" if bits == FUSED_BITS else ""
            return f"it needs {needed:,} lines for {count:,} {what}{heads}, {buffer} holds {m[s.LINES]:,}"
    return None


def _full_port(arch: Arch, m: I64) -> str | None:
    """A beat leaves once all ports have their data; an answer for a full port holds up those behind it."""
    if m[s.PUSHED] == m[s.POPPED] or m[s.RESULT] >= 0:
        return None
    for ch in range(m[s.CHANNELS]):
        c = m[s.O_CHANNEL] + ch * s.N_CHANNEL
        port = m[m[s.O_ID] + ch * (m[s.ID_MASK] + 1) + (m[c + s.C_ID_R] & m[s.ID_MASK])]
        held = m[m[s.O_PORT] + port * s.N_PORT + s.D_W] - m[s.POPPED]
        if m[c + s.C_RESPONSE] and held >= m[s.RESPONSES]:
            full = f"whose FIFO (fetcher.fifo_depth = {arch.fetcher.fifo_depth}) is full"
            return f"DRAM channel {ch} has an answer for port {port}, {full} until others get the answers behind it"
    return None


def _odd_pair(m: I64, row: I64) -> str | None:
    """Of fused heads a line each is written at a time, while the reader expects an even number of lines."""
    for what, buffer, count, bits, lines in _sides(m, row):
        if bits == FUSED_BITS and lines % s.FUSED:
            waits = f"{lines:,} lines, an odd number, and the reader of {buffer} waits for one more"
            return f"its {count:,} {what} of {bits} bits are {waits}; {_advice(m)}"
    return None


def _unmarked(m: I64, row: I64) -> str | None:
    """The last line of a fetch is known by the padding behind it; a beat that is nothing but padding comes too late."""
    ports, size = int(m[s.PORTS]), int(m[s.ELEMENT_PORTS])
    for what, _, count, bits, _ in _sides(m, row):
        pieces = bits * _fused(bits) // 4
        reads = ((count - 1) % ports + 1) * pieces  # of the last line of vector indices
        beat, filled = (reads - 1) // ports, (reads - 1) % ports + 1
        elements = (count - 1) // ports * pieces * int(m[s.PUSHED_ELEMENTS]) - (-reads // size)
        pair = bits * int(m[s.LANES]) * s.FUSED // (4 * size)
        if beat < pieces - 1 and filled > ports - size and elements % pair == 0:
            ends = "end with a beat of nothing but padding, so that no line is marked as the last"
            return f"its {count:,} {what} of {bits} bits {ends}; {_advice(m)}"
    return None


def _padded(m: I64, row: I64) -> str | None:
    """Padding behind a fetch is cut by the widths of the next one, and may take data with it."""
    for what, _, count, _, lines in _sides(m, row):
        if count % m[s.PORTS]:
            ends = "leave ports without data, and this padding leads the next fetch astray"
            return f"its {count:,} {what} {ends}; {_advice(m)}"
        if lines % s.FUSED:
            return f"its {count:,} {what} are {lines:,} lines, an odd number, which are read in pairs; {_advice(m)}"
    return None
