"""The authors' released RTL under its own test bench, stepped cycle by cycle (docs/explanation/released-rtl.md)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import ArchError
from tokensieve.arch.machine import Arch
from tokensieve.arch.memory import is_power_of_two
from tokensieve.sim.kernels import dram_idle, released_reset
from tokensieve.sim.kernels import dram_state as ds
from tokensieve.sim.kernels import released_state as s
from tokensieve.sim.kernels.released import simulate
from tokensieve.sim.kernels.released_reset import score_lanes
from tokensieve.sim.released.hang import Hang, why_hung
from tokensieve.workloads.released import Requests, vector_indexes

I64 = npt.NDArray[np.int64]

READ_BYTES = 32
"""Bytes of one read; the release's AXI bus is 256 bits wide and has no bursts."""

LSB_BITS = 4
"""Bits that a second pass fetches of a key (`requantBitCount` of the release)."""

PATIENCE = 8192
"""Cycles without any movement, beyond those in which the buffers are initialised, after which the design hangs.

Nothing in it waits that long: a read of a DRAM channel some hundred cycles, a top-k count is movement.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What happened to a request list; -1 where it did not happen, as the design hung before."""

    accept: I64
    """Cycle in which each head was taken from the bench, shape ``(n,)``."""

    response: I64
    """Cycle of each head's response, shape ``(n,)``."""

    reads: int
    """Reads of 32 bytes that were sent to the DRAM's queues."""

    hang: Hang | None
    """Where and why the design hung; None where all heads were answered."""


def check_released(arch: Arch) -> None:
    """Raise `ArchError` where `arch` is no design that the release's generator could make."""
    for name, rule, got, holds in _rules(arch):
        if not holds:
            raise ArchError(f"{name} must be {rule} under the rules of the test bench, got {got}")


def _rules(arch: Arch) -> list[tuple[str, str, object, bool]]:
    """Return of each rule the field, what it must be, what it is, and whether it holds."""
    lanes, lines, multipliers, dram = score_lanes(arch), arch.key_lines, arch.qk.multipliers, arch.dram
    period, topk = 1e6 / arch.clock.mhz, arch.topk
    return [
        (
            "qk.multipliers",
            "64 times a power of two",
            multipliers,
            multipliers == lanes * 64 and is_power_of_two(lanes),
        ),
        ("pv.multipliers", f"qk.multipliers = {multipliers}", arch.pv.multipliers, arch.pv.multipliers == multipliers),
        ("fetcher.ports", f"a multiple of qk.multipliers / 64 = {lanes}", arch.fetcher.ports, _whole(arch, lanes)),
        ("key_sram.kib", "that of a power of two of lines", f"that of {lines} lines", is_power_of_two(lines)),
        ("value_sram.kib", f"key_sram.kib = {arch.key_sram.kib}", arch.value_sram.kib, arch.value_lines == lines),
        ("topk.comparators", f"topk.lanes = {topk.lanes} or null", topk.comparators, topk.search_lanes == topk.lanes),
        ("topk.round_cycles", "3 or null", topk.round_cycles, topk.round_cycles in (None, 3)),
        ("number.lsb_bits", str(LSB_BITS), arch.number.lsb_bits, arch.number.lsb_bits == LSB_BITS),
        ("dram.granule_bytes", str(READ_BYTES), dram.granule_bytes, dram.granule_bytes == READ_BYTES),
        ("dram.controller", "bank-queues or active-buffer", dram.controller, dram.controller != "frfcfs"),
        ("dram.tCK_ps", f"the period of the accelerator, {period:g}", dram.tCK_ps, dram.tCK_ps == period),
    ]


def _whole(arch: Arch, lanes: int) -> bool:
    return lanes > 0 and arch.fetcher.ports % lanes == 0


def replay(arch: Arch, requests: Requests) -> Replay:
    """Return what the released design of `arch` makes of `requests`; raise `ArchError` if there is no such design."""
    check_released(arch)
    rows = _given(requests)
    numbers = score_lanes(arch) * arch.key_lines
    m = released_reset.new_state(arch, rows, vector_indexes(arch.key_lines, arch.fetcher.ports) % numbers)
    d = dram_idle.new_state(arch.dram, arch.clock.mhz, 1)
    ends = d[d[ds.O_SLOT] : d[ds.O_SLOT] + arch.dram.channels * ds.N_SLOT].reshape(-1, ds.N_SLOT)
    ends[:, ds.LEFT] = ds.FAR
    simulate(m, d, PATIENCE + arch.key_lines)
    table = s.row_table(m)
    return Replay(
        accept=table[:, s.ACCEPT].copy(),
        response=table[:, s.RESPONSE].copy(),
        reads=int(m[s.READS]),
        hang=why_hung(arch, m) if m[s.DONE] < m[s.ROWS] else None,
    )


def _given(q: Requests) -> I64:
    """Return the given columns of the row table."""
    rows = np.empty((len(q.keys), s.N_GIVEN), np.int64)
    rows[:, s.KEYS], rows[:, s.VALUES] = q.keys, q.values
    rows[:, s.KEY_BITS], rows[:, s.VALUE_BITS] = q.key_bits, q.value_bits
    rows[:, s.SECOND_PASS], rows[:, s.LATENCY], rows[:, s.LAST] = q.second_pass, q.latency, q.last
    rows[:, [s.KEY_BASE, s.LSB_BASE, s.VALUE_BASE]] = q.bases
    return rows
