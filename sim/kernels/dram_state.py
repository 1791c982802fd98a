"""What the DRAM controllers remember: one flat array, its columns, and how it begins."""

import math

import numba
import numpy as np
import numpy.typing as npt

from tokensieve.arch.mapping import ADDRESS_PARTS
from tokensieve.arch.memory import Dram

I64 = npt.NDArray[np.int64]
FAR = 1 << 60
"""A time that never comes."""

# The state is one flat array, because numba counts references to every array that a call passes. It begins with the
# configuration; the tables follow, each from the place that O_... holds, in lines of N_... columns.
(
    CH,
    PC,
    BG,
    BA,
    BANKS,
    WINDOW,
    FIFO,
    REFRESH,
    BL,
    CL,
    CWL,
    RCD,
    RP,
    RAS,
    RC,
    CCD_S,
    CCD_L,
    RRD_S,
    RRD_L,
    FAW,
    RTP,
    WR,
) = range(22)
(WTR_S, WTR_L, RFC, REFI, GRANULE_SHIFT, NUM, DEN, SLOTS, LOG) = range(22, 31)
(CONTROLLER, RCD_WR, TURN, CLOSED, ACT_CLOCKS, BACK, BUS, QUEUE, HIT_LIMIT, LISTS, ROOM) = range(31, 42)
(O_BANK, O_GROUP, O_PSEUDO, O_ENTRY, O_CHANNEL, O_FIFO, O_SLOT, O_DONE, O_LOG, O_LIST, O_COUNT, O_JOINED) = range(
    42, 54
)
JOINED = 54  # most requests that may have joined others at one time
SHIFT = 55  # shifts of ADDRESS_PARTS, counted from the granule upwards, then their masks
MASK = SHIFT + len(ADDRESS_PARTS)
RO_, BA_, BG_, CO_, PC_, CH_ = range(6)
STATS = MASK + len(ADDRESS_PARTS)
ACTS, READS, WRITES, REFS, HITS, MISSES, CONFLICTS, LAST, DONE, LOGGED = range(STATS, STATS + 10)
# JOINED_READS, JOINED_WRITES: served without an access of their own. JOIN_FREE: first line given back, + 1; JOIN_USED:
# lines of O_JOINED ever used.
JOINED_READS, JOINED_WRITES, JOIN_FREE, JOIN_USED = range(STATS + 10, STATS + 14)
HEADER = STATS + 14

MOST_JOINED = 1 << 24
"""Requests beyond these wait where a place in a queue would be theirs at once."""

CONTROLLERS = ("frfcfs", "bank-queues", "active-buffer")
FRFCFS, BANK_QUEUES, ACTIVE_BUFFER = range(3)
BUSES = ("pseudo-channel", "channel", "single")
PSEUDO_BUS, CHANNEL_BUS, SINGLE_BUS = range(3)

# Bank of a pseudo-channel (g = channel x pseudo-channels + pseudo-channel). COL_OK: of a read; WR_OK: of a write.
# LISTED of line k: the k-th bank that has requests. USED: columns since its row was opened.
ROW, ACT_OK, COL_OK, WR_OK, PRE_OK, OPENED, HIT_R, HIT_W, HEAD, CAND, KIND, SEQ, GROUP, PLACE, LISTED, TAIL = range(16)
USED, N_BANK = 16, 17
# Bank group; line 0 holds the last of all groups.
ACT_AT, COL_AT, WRITE_END, N_GROUP = range(4)
# Pseudo-channel; P_SEEN: last clock at which a request entered; the last four ACTs from P_FAW on.
P_ROW_BUS, P_NOW, P_DRAIN, P_NEXT_REF, P_N, P_WRITES, P_FREE, P_READ_AT, P_TIME, P_BANK, P_KIND, P_DIRTY, P_OLDEST = (
    range(13)
)
P_LISTED, P_SEEN, P_WAIT, P_FAW, N_PSEUDO = 13, 14, 15, 16, 20  # P_WAIT: a refresh is due
# Request in the window, linked by bank in order of age, or in a list (BANK then counts on over pseudo-channels).
# What only a list has: ADDRESS in bytes; FIRST: line of the first request that joined it, + 1; CLASSED: its row counts.
ARRIVAL, BANK, E_ROW, SLOT, E_SEQ, WRITE, LINK, ADDRESS, FIRST, CLASSED, N_ENTRY = range(11)
# Request that joined another: its slot; the next one that joined the same, + 1.
J_SLOT, J_NEXT, N_JOINED = range(3)
# Channel; what only those have that are stepped by the clock: CLOCK: next one; TURN_OF: queue that had its turn.
F_N, F_HEAD, IN_WINDOW, NEXT_SEQ, NEXT, CLOCK, ROW_BUS, TURN_OF, DRAIN, N_CHANNEL = range(10)
# Lists of a channel stepped by the clock: reads, writes, then requests with an open row, or the queues of the banks.
L_READ, L_WRITE, L_ACTIVE, L_BANK = 0, 1, 2, 2
# Request in the FIFO: arrival, pseudo-channel (where stepped by the clock: address), bank, row, slot x 2 + write.
N_FIFO = 5
# Slot, the unit of completion: granules outstanding, end of the last data.
LEFT, END, N_SLOT = range(3)
# Log: clock, g, command, bank, row.
N_LOG = 5
C_ACT, C_PRE, C_RD, C_WR, C_PREA, C_REF, C_RDA, C_WRA = range(8)
NEXT_COL, NEXT_ACT, NEXT_PRE, NEXT_REF = range(4)


def new_state(dram: Dram, mhz: int | None, fifo: int, log: int = 0, requests: int = 0) -> I64:
    """Return the state of an idle stack with all rows closed; `log` is the capacity of the command log.

    `mhz` is the clock of the accelerator; None stands for that of the DRAM. Of `bank-queues`, which lets requests join
    others without taking a place, `requests` (up to MOST_JOINED) may do so at one time, or as many as have places.
    """
    slots = dram.channels * (dram.held + fifo) + 64
    joined = max(slots, min(requests, MOST_JOINED)) if dram.controller == "bank-queues" else 0
    slots += joined
    tables = _tables(dram, fifo, slots, log, joined)
    m = np.zeros(HEADER + sum(rows * columns for rows, columns in tables.values()), np.int64)
    _set_timings(m, dram)
    m[[WINDOW, FIFO, SLOTS, LOG, JOINED]] = dram.window, fifo, slots, log, joined
    m[[NUM, DEN]] = (1, 1) if mhz is None else (1_000_000, mhz * dram.tCK_ps)
    m[LISTS], m[ROOM] = _lists(dram)
    _set_address(m, dram)
    place, table = HEADER, {}
    for name, (rows, columns) in tables.items():
        m[name] = place
        table[name] = m[place : place + rows * columns].reshape(rows, columns)
        place += rows * columns
    _begin(dram, table)
    return m


def _tables(d: Dram, fifo: int, slots: int, log: int, joined: int) -> dict[int, tuple[int, int]]:
    """Return the lines and columns of each table."""
    ch, g, lists = d.channels, d.channels * d.pseudo_channels, math.prod(_lists(d))
    return {
        O_BANK: (g * d.banks, N_BANK),
        O_GROUP: (g * (1 + d.bank_groups), N_GROUP),
        O_PSEUDO: (g, N_PSEUDO),
        O_ENTRY: (g * d.window if d.controller == "frfcfs" else 0, N_ENTRY),
        O_CHANNEL: (ch, N_CHANNEL),
        O_FIFO: (ch * fifo, N_FIFO),
        O_SLOT: (slots, N_SLOT),
        O_DONE: (slots, 1),
        O_LOG: (log, N_LOG),
        O_LIST: (ch * lists, N_ENTRY),
        O_COUNT: (ch * _lists(d)[0], 1),
        O_JOINED: (joined, N_JOINED),
    }


def _lists(d: Dram) -> tuple[int, int]:
    """Return how many lists a channel has that is stepped by the clock, and the most requests of one."""
    if d.controller == "frfcfs":
        return 0, 0
    if d.controller == "active-buffer":
        return 3, d.window
    return 2 + d.pseudo_channels * d.banks, max(d.window, d.bank_queue)


def _set_timings(m: I64, d: Dram) -> None:
    named = {
        CH: d.channels, PC: d.pseudo_channels, BG: d.bank_groups, BA: d.banks_per_group, BANKS: d.banks,
        REFRESH: d.refresh, BL: d.nBL, CL: d.nCL, CWL: d.nCWL, RCD: d.nRCD, RP: d.nRP, RAS: d.nRAS, RC: d.nRC,
        CCD_S: max(d.nCCD_S, d.nBL), CCD_L: max(d.nCCD_L, d.nBL), RRD_S: d.nRRD_S, RRD_L: d.nRRD_L, FAW: d.nFAW,
        RTP: d.nRTP, WR: d.nWR, WTR_S: d.nWTR_S, WTR_L: d.nWTR_L, RFC: d.nRFC, REFI: d.nREFI,
        GRANULE_SHIFT: d.granule_bytes.bit_length() - 1, CONTROLLER: CONTROLLERS.index(d.controller),
        RCD_WR: d.nRCD if d.nRCD_WR is None else d.nRCD_WR, TURN: d.nTurn, CLOSED: d.page == "closed",
        ACT_CLOCKS: d.act_clocks, BACK: d.return_clocks, BUS: BUSES.index(d.command_bus), QUEUE: d.bank_queue,
        HIT_LIMIT: d.row_hit_limit or FAR,
    }  # fmt: skip
    m[list(named)] = list(named.values())


def _begin(d: Dram, table: dict[int, I64]) -> None:
    g = d.channels * d.pseudo_channels
    table[O_BANK][:, [ROW, HEAD, CAND]] = -1
    table[O_BANK][:, GROUP] = np.tile(1 + np.arange(d.banks) // d.banks_per_group, g)
    table[O_GROUP][:] = -FAR
    table[O_PSEUDO][:, P_NEXT_REF] = d.nREFI
    table[O_PSEUDO][:, P_TIME] = FAR
    table[O_PSEUDO][:, [P_READ_AT, *range(P_FAW, P_FAW + 4)]] = -FAR
    if d.controller == "frfcfs":
        table[O_ENTRY][:, LINK] = np.tile(np.arange(1, d.window + 1), g)
    table[O_CHANNEL][:, NEXT] = FAR


def _set_address(m: I64, dram: Dram) -> None:
    sizes = {"co": dram.columns, "pc": dram.pseudo_channels, "ch": dram.channels}
    sizes |= {"bg": dram.bank_groups, "ba": dram.banks_per_group, "ro": dram.rows}
    shift = 0
    for part in reversed(dram.order):
        k = ADDRESS_PARTS.index(part)
        m[SHIFT + k], m[MASK + k] = shift, sizes[part] - 1
        shift += sizes[part].bit_length() - 1


def command_log(m: I64) -> I64:
    """Return the commands issued so far, (n, 5): clock, pseudo-channel, command, bank, row; -1 where it has none."""
    n = int(min(m[LOGGED], m[LOG]))
    return m[m[O_LOG] : m[O_LOG] + n * N_LOG].reshape(n, N_LOG)


@numba.njit(cache=True)
def to_dram(m: I64, core: int) -> int:
    """Return the DRAM clock at or after a cycle of the accelerator."""
    return -((-core * m[NUM]) // m[DEN])


@numba.njit(cache=True)
def to_core(m: I64, clock: int) -> int:
    """Return the accelerator cycle at or after a DRAM clock."""
    return -((-clock * m[DEN]) // m[NUM])
