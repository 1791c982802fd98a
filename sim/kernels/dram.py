"""DRAM at command granularity: banks, open rows, JEDEC constraints, refresh and a bounded request window (numba).

Each pseudo-channel has its own row and column command bus; the pseudo-channels of a channel share its request window.
The controller is first ready, first come: of the commands that the requests of the window need next, the one that may
issue earliest goes first, the oldest request on a tie. A row stays open until a request of the window needs another
row of its bank and none needs this one. Writes wait until they fill half the window or no read is left. Times are DRAM
clocks.
"""

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


@numba.njit(cache=True)
def _record(m, t, g, command, b, row):
    if m[LOGGED] < m[LOG]:
        k = m[O_LOG] + m[LOGGED] * N_LOG
        m[k], m[k + 1], m[k + 2], m[k + 3], m[k + 4] = t, g, command, b, row
    m[LOGGED] += 1


@numba.njit(cache=True)
def _candidate(m, kb, ke, wanted):
    """Choose what a bank needs next: the oldest wanted request of its open row, else the oldest wanted one.

    `kb` is where the bank's line begins, `ke` where the requests of its pseudo-channel begin.
    """
    row, hits = m[kb + ROW], m[kb + HIT_R + wanted]
    i = m[kb + HEAD]
    m[kb + CAND] = -1
    while i >= 0:
        e = ke + i * N_ENTRY
        if m[e + WRITE] == wanted and (hits == 0 or m[e + E_ROW] == row):
            m[kb + CAND], m[kb + SEQ] = i, m[e + E_SEQ]
            m[kb + KIND] = NEXT_COL if hits > 0 else (NEXT_ACT if row < 0 else NEXT_PRE)
            return
        i = m[e + LINK]


@numba.njit(cache=True)
def _choose_direction(m, g):
    """Return 1 while writes are drained, 0 while they wait, and choose the banks' candidates anew on a change."""
    kp = m[O_PSEUDO] + g * N_PSEUDO
    n, writes, wanted = m[kp + P_N], m[kp + P_WRITES], m[kp + P_DRAIN]
    if writes == n or 2 * writes >= m[WINDOW]:
        wanted = 1
    elif writes == 0 or 4 * writes < m[WINDOW]:
        wanted = 0
    if wanted != m[kp + P_DRAIN]:
        m[kp + P_DRAIN] = wanted
        k0, ke = m[O_BANK] + g * m[BANKS] * N_BANK, m[O_ENTRY] + g * m[WINDOW] * N_ENTRY
        for k in range(m[kp + P_LISTED]):
            _candidate(m, k0 + m[k0 + k * N_BANK + LISTED] * N_BANK, ke, wanted)
    return wanted


@numba.njit(cache=True)
def _plan(m, g):
    """Find the next command of pseudo-channel `g` and note its time, bank and kind."""
    kp = m[O_PSEUDO] + g * N_PSEUDO
    m[kp + P_DIRTY] = 0
    if m[kp + P_N] == 0:
        m[kp + P_TIME] = FAR
        return
    wanted = _choose_direction(m, g)
    k0, ke = m[O_BANK] + g * m[BANKS] * N_BANK, m[O_ENTRY] + g * m[WINDOW] * N_ENTRY
    kg = m[O_GROUP] + g * (1 + m[BG]) * N_GROUP
    # A request that enters can turn the direction, and what waited in the other one was free to go long ago.
    now = max(m[kp + P_NOW], m[kp + P_SEEN])
    col_any = max(now, m[kg + COL_AT] + m[CCD_S])
    if wanted:
        col_any = max(col_any, m[kp + P_READ_AT] + m[CL] + m[BL] + 1 - m[CWL])
    else:
        col_any = max(col_any, m[kg + WRITE_END] + m[WTR_S])
    pre_any = max(now, m[kp + P_ROW_BUS])
    act_any = max(pre_any, m[kg + ACT_AT] + m[RRD_S])
    if m[FAW] > 0:
        act_any = max(act_any, m[kp + P_FAW + m[kp + P_OLDEST]] + m[FAW])
    best, best_bank, best_kind, best_seq = FAR, np.int64(-1), np.int64(NEXT_COL), FAR
    for k in range(m[kp + P_LISTED]):
        b = m[k0 + k * N_BANK + LISTED]
        kb = k0 + b * N_BANK
        if m[kb + CAND] < 0:
            continue
        kind, own = m[kb + KIND], kg + m[kb + GROUP] * N_GROUP
        t = m[ke + m[kb + CAND] * N_ENTRY + ARRIVAL]
        if kind == NEXT_COL:
            t = max(t, col_any, m[kb + COL_OK], m[own + COL_AT] + m[CCD_L])
            if not wanted:
                t = max(t, m[own + WRITE_END] + m[WTR_L])
        elif kind == NEXT_ACT:
            t = max(t, act_any, m[kb + ACT_OK], m[own + ACT_AT] + m[RRD_L])
        else:
            t = max(t, pre_any, m[kb + PRE_OK])
        if t < best or (t == best and _first(kind, m[kb + SEQ], best_kind, best_seq)):
            best, best_bank, best_kind, best_seq = t, b, kind, m[kb + SEQ]
    if m[REFRESH] and best >= m[kp + P_NEXT_REF]:
        best, best_kind = max(m[kp + P_NEXT_REF], m[kp + P_NOW]), np.int64(NEXT_REF)
    m[kp + P_TIME], m[kp + P_BANK], m[kp + P_KIND] = best, best_bank, best_kind


@numba.njit(cache=True)
def _first(kind, seq, other_kind, other_seq):
    """Return whether a command goes before another one due at the same clock: columns first, then the older request."""
    if (kind == NEXT_COL) != (other_kind == NEXT_COL):
        return kind == NEXT_COL
    return seq < other_seq


@numba.njit(cache=True)
def _enter(m, ch, pc, now, arrival, b, row, slot, write):
    """Put a request into the window of its channel at `now`, at the end of its bank's list."""
    g = ch * m[PC] + pc
    kc, kp = m[O_CHANNEL] + ch * N_CHANNEL, m[O_PSEUDO] + g * N_PSEUDO
    kb, ke = m[O_BANK] + (g * m[BANKS] + b) * N_BANK, m[O_ENTRY] + g * m[WINDOW] * N_ENTRY
    i = m[kp + P_FREE]
    e = ke + i * N_ENTRY
    m[kp + P_FREE] = m[e + LINK]
    m[e + ARRIVAL], m[e + BANK], m[e + E_ROW], m[e + SLOT] = arrival, b, row, slot
    m[e + E_SEQ], m[e + WRITE], m[e + LINK] = m[kc + NEXT_SEQ], write, -1
    m[kc + NEXT_SEQ] += 1
    m[kc + IN_WINDOW] += 1
    m[kc + NEXT] = -1
    m[kp + P_N] += 1
    m[kp + P_WRITES] += write
    m[kp + P_DIRTY] = 1
    m[kp + P_SEEN] = max(m[kp + P_SEEN], now)
    if m[kb + HEAD] < 0:
        m[kb + HEAD] = i
        m[kb + PLACE] = m[kp + P_LISTED]
        m[m[O_BANK] + (g * m[BANKS] + m[kp + P_LISTED]) * N_BANK + LISTED] = b
        m[kp + P_LISTED] += 1
    else:
        m[ke + m[kb + TAIL] * N_ENTRY + LINK] = i
    m[kb + TAIL] = i
    hit = m[kb + ROW] == row
    if hit:
        m[kb + HIT_R + write] += 1
    if write == m[kp + P_DRAIN] and (m[kb + CAND] < 0 or (hit and m[kb + KIND] != NEXT_COL)):
        m[kb + CAND], m[kb + SEQ] = i, m[e + E_SEQ]
        m[kb + KIND] = NEXT_COL if hit else (NEXT_ACT if m[kb + ROW] < 0 else NEXT_PRE)


@numba.njit(cache=True)
def _leave(m, ch, g, b, i):
    """Take request `i` out of the window and out of the list of bank `b`."""
    kp, k0 = m[O_PSEUDO] + g * N_PSEUDO, m[O_BANK] + g * m[BANKS] * N_BANK
    kb, ke = k0 + b * N_BANK, m[O_ENTRY] + g * m[WINDOW] * N_ENTRY
    e = ke + i * N_ENTRY
    k, before = m[kb + HEAD], np.int64(-1)
    while k != i:
        before, k = k, m[ke + k * N_ENTRY + LINK]
    if before < 0:
        m[kb + HEAD] = m[e + LINK]
    else:
        m[ke + before * N_ENTRY + LINK] = m[e + LINK]
    if m[kb + TAIL] == i:
        m[kb + TAIL] = before
    if m[kb + HEAD] < 0:
        m[kp + P_LISTED] -= 1
        other = m[k0 + m[kp + P_LISTED] * N_BANK + LISTED]
        m[k0 + m[kb + PLACE] * N_BANK + LISTED] = other
        m[k0 + other * N_BANK + PLACE] = m[kb + PLACE]
    m[kp + P_N] -= 1
    m[kp + P_WRITES] -= m[e + WRITE]
    m[kb + HIT_R + m[e + WRITE]] -= 1
    m[m[O_CHANNEL] + ch * N_CHANNEL + IN_WINDOW] -= 1
    m[e + LINK] = m[kp + P_FREE]
    m[kp + P_FREE] = i


@numba.njit(cache=True)
def _column(m, ch, g, b, t):
    """Issue the RD or WR that bank `b` is due at `t`, and let the next request of the FIFO into the window."""
    kp, kb = m[O_PSEUDO] + g * N_PSEUDO, m[O_BANK] + (g * m[BANKS] + b) * N_BANK
    kg = m[O_GROUP] + g * (1 + m[BG]) * N_GROUP
    i, own = m[kb + CAND], kg + m[kb + GROUP] * N_GROUP
    e = m[O_ENTRY] + (g * m[WINDOW] + i) * N_ENTRY
    m[kg + COL_AT] = m[own + COL_AT] = m[kp + P_NOW] = t
    if m[e + WRITE]:
        end = t + m[CWL] + m[BL]
        m[kg + WRITE_END] = m[own + WRITE_END] = end
        m[kb + PRE_OK] = max(m[kb + PRE_OK], end + m[WR])
        m[WRITES] += 1
    else:
        end = t + m[CL] + m[BL]
        m[kp + P_READ_AT] = t
        m[kb + PRE_OK] = max(m[kb + PRE_OK], t + m[RTP])
        m[READS] += 1
    m[HITS + m[kb + OPENED]] += 1
    m[kb + OPENED] = 0
    m[LAST] = max(m[LAST], end)
    k = m[O_SLOT] + m[e + SLOT] * N_SLOT
    m[k + LEFT] -= 1
    m[k + END] = max(m[k + END], end)
    if m[k + LEFT] == 0:
        m[m[O_DONE] + m[DONE]] = m[e + SLOT]
        m[DONE] += 1
    _leave(m, ch, g, b, i)
    kc = m[O_CHANNEL] + ch * N_CHANNEL
    if m[kc + F_N] > 0:
        q = m[O_FIFO] + (ch * m[FIFO] + m[kc + F_HEAD]) * N_FIFO
        m[kc + F_HEAD] = (m[kc + F_HEAD] + 1) % m[FIFO]
        m[kc + F_N] -= 1
        _enter(m, ch, m[q + 1], t, max(m[q], t + 1), m[q + 2], m[q + 3], m[q + 4] >> 1, m[q + 4] & 1)


@numba.njit(cache=True)
def _activate(m, g, b, t):
    kp, kb = m[O_PSEUDO] + g * N_PSEUDO, m[O_BANK] + (g * m[BANKS] + b) * N_BANK
    kg, ke = m[O_GROUP] + g * (1 + m[BG]) * N_GROUP, m[O_ENTRY] + g * m[WINDOW] * N_ENTRY
    row = m[ke + m[kb + CAND] * N_ENTRY + E_ROW]
    m[kb + ROW] = row
    m[kb + OPENED] = max(m[kb + OPENED], 1)
    m[kb + COL_OK], m[kb + PRE_OK], m[kb + ACT_OK] = t + m[RCD], t + m[RAS], t + m[RC]
    m[kg + ACT_AT] = m[kg + m[kb + GROUP] * N_GROUP + ACT_AT] = t
    m[kp + P_FAW + m[kp + P_OLDEST]] = t
    m[kp + P_OLDEST] = (m[kp + P_OLDEST] + 1) % 4
    m[kp + P_ROW_BUS], m[kp + P_NOW] = t + 1, t
    m[ACTS] += 1
    k = m[kb + HEAD]
    while k >= 0:
        e = ke + k * N_ENTRY
        if m[e + E_ROW] == row:
            m[kb + HIT_R + m[e + WRITE]] += 1
        k = m[e + LINK]


@numba.njit(cache=True)
def _precharge(m, g, b, t):
    kp, kb = m[O_PSEUDO] + g * N_PSEUDO, m[O_BANK] + (g * m[BANKS] + b) * N_BANK
    m[kb + ROW], m[kb + HIT_R], m[kb + HIT_W], m[kb + OPENED] = -1, 0, 0, 2
    m[kb + ACT_OK] = max(m[kb + ACT_OK], t + m[RP])
    m[kp + P_ROW_BUS], m[kp + P_NOW] = t + 1, t


@numba.njit(cache=True)
def _refresh(m, g):
    """Close all banks of pseudo-channel `g` and refresh them."""
    kp, k0 = m[O_PSEUDO] + g * N_PSEUDO, m[O_BANK] + g * m[BANKS] * N_BANK
    t, ready = max(m[kp + P_NEXT_REF], m[kp + P_ROW_BUS], m[kp + P_NOW]), np.int64(0)
    any_open = False
    for b in range(m[BANKS]):
        kb = k0 + b * N_BANK
        ready = max(ready, m[kb + ACT_OK])
        if m[kb + ROW] >= 0:
            any_open = True
            t = max(t, m[kb + PRE_OK])
    if any_open:
        _record(m, t, g, C_PREA, -1, -1)
        ready = max(ready, t + max(m[RP], 1))
    ready = max(ready, t)
    _record(m, ready, g, C_REF, -1, -1)
    for b in range(m[BANKS]):
        kb = k0 + b * N_BANK
        m[kb + ROW], m[kb + OPENED], m[kb + HIT_R], m[kb + HIT_W] = -1, 0, 0, 0
        m[kb + ACT_OK] = ready + m[RFC]
        if m[kb + HEAD] >= 0:
            _candidate(m, kb, m[O_ENTRY] + g * m[WINDOW] * N_ENTRY, m[kp + P_DRAIN])
    m[kp + P_ROW_BUS], m[kp + P_NOW] = ready + 1, ready
    m[kp + P_NEXT_REF] += m[REFI]
    m[REFS] += 1


@numba.njit(cache=True)
def _issue(m, ch, g, t):
    """Issue the planned command of pseudo-channel `g` at `t`."""
    kp = m[O_PSEUDO] + g * N_PSEUDO
    b, kind = m[kp + P_BANK], m[kp + P_KIND]
    m[kp + P_DIRTY] = 1
    if kind == NEXT_REF:
        _refresh(m, g)
        return
    kb, ke = m[O_BANK] + (g * m[BANKS] + b) * N_BANK, m[O_ENTRY] + g * m[WINDOW] * N_ENTRY
    if m[LOG]:
        e = ke + m[kb + CAND] * N_ENTRY
        command = (C_RD + m[e + WRITE]) if kind == NEXT_COL else (C_ACT if kind == NEXT_ACT else C_PRE)
        _record(m, t, g, command, b, m[e + E_ROW] if kind != NEXT_PRE else -1)
    if kind == NEXT_COL:
        _column(m, ch, g, b, t)
    elif kind == NEXT_ACT:
        _activate(m, g, b, t)
    else:
        _precharge(m, g, b, t)
    _candidate(m, kb, ke, m[kp + P_DRAIN])


@numba.njit(cache=True)
def advance(m: I64, ch: int, until: int) -> None:
    """Issue every command of channel `ch` that is due before clock `until`."""
    while True:
        best, at = np.int64(-1), FAR
        for g in range(ch * m[PC], (ch + 1) * m[PC]):
            kp = m[O_PSEUDO] + g * N_PSEUDO
            if m[kp + P_DIRTY]:
                _plan(m, g)
            if m[kp + P_TIME] < at:
                best, at = np.int64(g), m[kp + P_TIME]
        m[m[O_CHANNEL] + ch * N_CHANNEL + NEXT] = at
        if at >= until:
            return
        _issue(m, ch, best, at)


@numba.njit(cache=True)
def advance_all(m: I64, until: int) -> int:
    """Issue every command due before `until`; return the clock of the next one of all channels."""
    nearest = FAR
    for ch in range(m[CH]):
        kc = m[O_CHANNEL] + ch * N_CHANNEL
        if m[kc + NEXT] < until:
            advance(m, ch, until)
        nearest = min(nearest, m[kc + NEXT])
    return nearest


@numba.njit(cache=True)
def refresh_until(m: I64, until: int) -> None:
    """Count the refreshes that were due before `until` while a pseudo-channel had nothing to do."""
    for g in range(m[CH] * m[PC]):
        kp = m[O_PSEUDO] + g * N_PSEUDO
        if m[REFRESH] and m[kp + P_NEXT_REF] < until:
            due = (until - 1 - m[kp + P_NEXT_REF]) // m[REFI] + 1
            m[REFS] += due
            m[kp + P_NEXT_REF] += due * m[REFI]


@numba.njit(cache=True)
def push(m: I64, address: int, arrival: int, slot: int, write: int) -> int:
    """Send the granule at byte `address` to its channel, `arrival` being the clock at which it gets there.

    Returns the clock at which the channel took it, later than `arrival` where its FIFO was full.
    """
    granule = address >> m[GRANULE_SHIFT]
    ch = (granule >> m[SHIFT + CH_]) & m[MASK + CH_]
    pc = (granule >> m[SHIFT + PC_]) & m[MASK + PC_]
    group = (granule >> m[SHIFT + BG_]) & m[MASK + BG_]
    b = group * m[BA] + ((granule >> m[SHIFT + BA_]) & m[MASK + BA_])
    row = (granule >> m[SHIFT + RO_]) & m[MASK + RO_]
    kc = m[O_CHANNEL] + ch * N_CHANNEL
    if m[kc + NEXT] < arrival:
        advance(m, ch, arrival)
    while m[kc + F_N] == m[FIFO] and m[kc + IN_WINDOW] == m[WINDOW]:
        arrival = max(arrival, m[kc + NEXT] + 1)
        advance(m, ch, arrival)
    if m[kc + IN_WINDOW] < m[WINDOW]:
        _enter(m, ch, pc, arrival, arrival, b, row, slot, write)
        return arrival
    q = m[O_FIFO] + (ch * m[FIFO] + (m[kc + F_HEAD] + m[kc + F_N]) % m[FIFO]) * N_FIFO
    m[q], m[q + 1], m[q + 2], m[q + 3], m[q + 4] = arrival, pc, b, row, slot * 2 + write
    m[kc + F_N] += 1
    return arrival
