"""What the DRAM controllers remember: one flat array, its columns, and how it begins."""

import numba
import numpy as np
import numpy.typing as npt

from tokensieve.arch.memory import ADDRESS_PARTS, Dram

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
(O_BANK, O_GROUP, O_PSEUDO, O_ENTRY, O_CHANNEL, O_FIFO, O_SLOT, O_DONE, O_LOG) = range(31, 40)
SHIFT = 40  # shifts of ADDRESS_PARTS, counted from the granule upwards, then their masks
MASK = SHIFT + len(ADDRESS_PARTS)
RO_, BA_, BG_, CO_, PC_, CH_ = range(6)
STATS = MASK + len(ADDRESS_PARTS)
ACTS, READS, WRITES, REFS, HITS, MISSES, CONFLICTS, LAST, DONE, LOGGED = range(STATS, STATS + 10)
HEADER = STATS + 10

# Bank of a pseudo-channel (g = channel x pseudo-channels + pseudo-channel). LISTED of line k: the k-th bank
# that has requests.
ROW, ACT_OK, COL_OK, PRE_OK, OPENED, HIT_R, HIT_W, HEAD, CAND, KIND, SEQ, GROUP, PLACE, LISTED, TAIL, N_BANK = range(16)
# Bank group; line 0 holds the last of all groups.
ACT_AT, COL_AT, WRITE_END, N_GROUP = range(4)
# Pseudo-channel; P_SEEN: last clock at which a request entered; the last four ACTs from P_FAW on.
P_ROW_BUS, P_NOW, P_DRAIN, P_NEXT_REF, P_N, P_WRITES, P_FREE, P_READ_AT, P_TIME, P_BANK, P_KIND, P_DIRTY, P_OLDEST = (
    range(13)
)
P_LISTED, P_SEEN, P_FAW, N_PSEUDO = 13, 14, 15, 19
# Request in the window, linked by bank in order of age.
ARRIVAL, BANK, E_ROW, SLOT, E_SEQ, WRITE, LINK, N_ENTRY = range(8)
F_N, F_HEAD, IN_WINDOW, NEXT_SEQ, NEXT, N_CHANNEL = range(6)
# Request in the FIFO: arrival, pseudo-channel, bank, row, slot x 2 + write.
N_FIFO = 5
# Slot, the unit of completion: granules outstanding, end of the last data.
LEFT, END, N_SLOT = range(3)
# Log: clock, g, command, bank, row.
N_LOG = 5
C_ACT, C_PRE, C_RD, C_WR, C_PREA, C_REF = range(6)
NEXT_COL, NEXT_ACT, NEXT_PRE, NEXT_REF = range(4)


def new_state(dram: Dram, mhz: int, fifo: int, log: int = 0) -> I64:
    """Return the state of an idle stack with all rows closed; `log` is the capacity of the command log."""
    d = dram
    ch, g = d.channels, d.channels * d.pseudo_channels
    slots = ch * (d.window + fifo) + 64
    tables = {
        O_BANK: (g * d.banks, N_BANK),
        O_GROUP: (g * (1 + d.bank_groups), N_GROUP),
        O_PSEUDO: (g, N_PSEUDO),
        O_ENTRY: (g * d.window, N_ENTRY),
        O_CHANNEL: (ch, N_CHANNEL),
        O_FIFO: (ch * fifo, N_FIFO),
        O_SLOT: (slots, N_SLOT),
        O_DONE: (slots, 1),
        O_LOG: (log, N_LOG),
    }
    m = np.zeros(HEADER + sum(rows * columns for rows, columns in tables.values()), np.int64)
    m[: WR + 1] = [
        ch, d.pseudo_channels, d.bank_groups, d.banks_per_group, d.banks, d.window, fifo, d.refresh, d.nBL, d.nCL,
        d.nCWL, d.nRCD, d.nRP, d.nRAS, d.nRC, max(d.nCCD_S, d.nBL), max(d.nCCD_L, d.nBL), d.nRRD_S, d.nRRD_L, d.nFAW,
        d.nRTP, d.nWR,
    ]  # fmt: skip
    m[WTR_S : LOG + 1] = [
        d.nWTR_S, d.nWTR_L, d.nRFC, d.nREFI, d.granule_bytes.bit_length() - 1, 1_000_000, mhz * d.tCK_ps, slots, log,
    ]  # fmt: skip
    _set_address(m, d)
    place, table = HEADER, {}
    for name, (rows, columns) in tables.items():
        m[name] = place
        table[name] = m[place : place + rows * columns].reshape(rows, columns)
        place += rows * columns
    table[O_BANK][:, [ROW, HEAD, CAND]] = -1
    table[O_BANK][:, GROUP] = np.tile(1 + np.arange(d.banks) // d.banks_per_group, g)
    table[O_GROUP][:] = -FAR
    table[O_PSEUDO][:, P_NEXT_REF] = d.nREFI
    table[O_PSEUDO][:, P_TIME] = FAR
    table[O_PSEUDO][:, [P_READ_AT, *range(P_FAW, P_FAW + 4)]] = -FAR
    table[O_ENTRY][:, LINK] = np.tile(np.arange(1, d.window + 1), g)
    table[O_CHANNEL][:, NEXT] = FAR
    return m


def _set_address(m: I64, dram: Dram) -> None:
    sizes = {"co": dram.columns, "pc": dram.pseudo_channels, "ch": dram.channels}
    sizes |= {"bg": dram.bank_groups, "ba": dram.banks_per_group, "ro": 1 << 40}
    shift = 0
    for part in reversed(dram.mapping.split("-")):
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
