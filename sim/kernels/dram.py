"""DRAM at command granularity: banks, open rows, JEDEC constraints, refresh and a bounded request window (numba).

Each pseudo-channel has its own row and column command bus; the pseudo-channels of a channel share its request window.
The controller is first ready, first come: of the commands that the requests of the window need next, the one that may
issue earliest goes first, the oldest request on a tie. A row stays open until a request of the window needs another
row of its bank and none needs this one. Writes wait until they fill half the window or no read is left. Times are DRAM
clocks.
"""

import numba
import numpy as np

from tokensieve.sim.kernels import dram_state as s
from tokensieve.sim.kernels.dram_state import I64


@numba.njit(cache=True)
def _record(m, t, g, command, b, row):
    if m[s.LOGGED] < m[s.LOG]:
        k = m[s.O_LOG] + m[s.LOGGED] * s.N_LOG
        m[k], m[k + 1], m[k + 2], m[k + 3], m[k + 4] = t, g, command, b, row
    m[s.LOGGED] += 1


@numba.njit(cache=True)
def _candidate(m, kb, ke, wanted):
    """Choose what a bank needs next: the oldest wanted request of its open row, else the oldest wanted one.

    `kb` is where the bank's line begins, `ke` where the requests of its pseudo-channel begin.
    """
    row, hits = m[kb + s.ROW], m[kb + s.HIT_R + wanted]
    i = m[kb + s.HEAD]
    m[kb + s.CAND] = -1
    while i >= 0:
        e = ke + i * s.N_ENTRY
        if m[e + s.WRITE] == wanted and (hits == 0 or m[e + s.E_ROW] == row):
            m[kb + s.CAND], m[kb + s.SEQ] = i, m[e + s.E_SEQ]
            m[kb + s.KIND] = s.NEXT_COL if hits > 0 else (s.NEXT_ACT if row < 0 else s.NEXT_PRE)
            return
        i = m[e + s.LINK]


@numba.njit(cache=True)
def _choose_direction(m, g):
    """Return 1 while writes are drained, 0 while they wait, and choose the banks' candidates anew on a change."""
    kp = m[s.O_PSEUDO] + g * s.N_PSEUDO
    n, writes, wanted = m[kp + s.P_N], m[kp + s.P_WRITES], m[kp + s.P_DRAIN]
    if writes == n or 2 * writes >= m[s.WINDOW]:
        wanted = 1
    elif writes == 0 or 4 * writes < m[s.WINDOW]:
        wanted = 0
    if wanted != m[kp + s.P_DRAIN]:
        m[kp + s.P_DRAIN] = wanted
        k0, ke = m[s.O_BANK] + g * m[s.BANKS] * s.N_BANK, m[s.O_ENTRY] + g * m[s.WINDOW] * s.N_ENTRY
        for k in range(m[kp + s.P_LISTED]):
            _candidate(m, k0 + m[k0 + k * s.N_BANK + s.LISTED] * s.N_BANK, ke, wanted)
    return wanted


@numba.njit(cache=True)
def _plan(m, g):
    """Find the next command of pseudo-channel `g` and note its time, bank and kind."""
    kp = m[s.O_PSEUDO] + g * s.N_PSEUDO
    m[kp + s.P_DIRTY] = 0
    if m[kp + s.P_N] == 0:
        m[kp + s.P_TIME] = s.FAR
        return
    wanted = _choose_direction(m, g)
    k0, ke = m[s.O_BANK] + g * m[s.BANKS] * s.N_BANK, m[s.O_ENTRY] + g * m[s.WINDOW] * s.N_ENTRY
    kg = m[s.O_GROUP] + g * (1 + m[s.BG]) * s.N_GROUP
    # A request that enters can turn the direction, and what waited in the other one was free to go long ago.
    now = max(m[kp + s.P_NOW], m[kp + s.P_SEEN])
    col_any = max(now, m[kg + s.COL_AT] + m[s.CCD_S])
    if wanted:
        col_any = max(col_any, m[kp + s.P_READ_AT] + m[s.CL] + m[s.BL] + 1 - m[s.CWL])
    else:
        col_any = max(col_any, m[kg + s.WRITE_END] + m[s.WTR_S])
    pre_any = max(now, m[kp + s.P_ROW_BUS])
    act_any = max(pre_any, m[kg + s.ACT_AT] + m[s.RRD_S])
    if m[s.FAW] > 0:
        act_any = max(act_any, m[kp + s.P_FAW + m[kp + s.P_OLDEST]] + m[s.FAW])
    best, best_bank, best_kind, best_seq = s.FAR, np.int64(-1), np.int64(s.NEXT_COL), s.FAR
    for k in range(m[kp + s.P_LISTED]):
        b = m[k0 + k * s.N_BANK + s.LISTED]
        kb = k0 + b * s.N_BANK
        if m[kb + s.CAND] < 0:
            continue
        kind, own = m[kb + s.KIND], kg + m[kb + s.GROUP] * s.N_GROUP
        t = m[ke + m[kb + s.CAND] * s.N_ENTRY + s.ARRIVAL]
        if kind == s.NEXT_COL:
            t = max(t, col_any, m[kb + s.COL_OK], m[own + s.COL_AT] + m[s.CCD_L])
            if not wanted:
                t = max(t, m[own + s.WRITE_END] + m[s.WTR_L])
        elif kind == s.NEXT_ACT:
            t = max(t, act_any, m[kb + s.ACT_OK], m[own + s.ACT_AT] + m[s.RRD_L])
        else:
            t = max(t, pre_any, m[kb + s.PRE_OK])
        if t < best or (t == best and _first(kind, m[kb + s.SEQ], best_kind, best_seq)):
            best, best_bank, best_kind, best_seq = t, b, kind, m[kb + s.SEQ]
    if m[s.REFRESH] and best >= m[kp + s.P_NEXT_REF]:
        best, best_kind = max(m[kp + s.P_NEXT_REF], m[kp + s.P_NOW]), np.int64(s.NEXT_REF)
    m[kp + s.P_TIME], m[kp + s.P_BANK], m[kp + s.P_KIND] = best, best_bank, best_kind


@numba.njit(cache=True)
def _first(kind, seq, other_kind, other_seq):
    """Return whether a command goes before another one due at the same clock: columns first, then the older request."""
    if (kind == s.NEXT_COL) != (other_kind == s.NEXT_COL):
        return kind == s.NEXT_COL
    return seq < other_seq


@numba.njit(cache=True)
def _enter(m, ch, pc, now, arrival, b, row, slot, write):
    """Put a request into the window of its channel at `now`, at the end of its bank's list."""
    g = ch * m[s.PC] + pc
    kc, kp = m[s.O_CHANNEL] + ch * s.N_CHANNEL, m[s.O_PSEUDO] + g * s.N_PSEUDO
    kb, ke = m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK, m[s.O_ENTRY] + g * m[s.WINDOW] * s.N_ENTRY
    i = m[kp + s.P_FREE]
    e = ke + i * s.N_ENTRY
    m[kp + s.P_FREE] = m[e + s.LINK]
    m[e + s.ARRIVAL], m[e + s.BANK], m[e + s.E_ROW], m[e + s.SLOT] = arrival, b, row, slot
    m[e + s.E_SEQ], m[e + s.WRITE], m[e + s.LINK] = m[kc + s.NEXT_SEQ], write, -1
    m[kc + s.NEXT_SEQ] += 1
    m[kc + s.IN_WINDOW] += 1
    m[kc + s.NEXT] = -1
    m[kp + s.P_N] += 1
    m[kp + s.P_WRITES] += write
    m[kp + s.P_DIRTY] = 1
    m[kp + s.P_SEEN] = max(m[kp + s.P_SEEN], now)
    if m[kb + s.HEAD] < 0:
        m[kb + s.HEAD] = i
        m[kb + s.PLACE] = m[kp + s.P_LISTED]
        m[m[s.O_BANK] + (g * m[s.BANKS] + m[kp + s.P_LISTED]) * s.N_BANK + s.LISTED] = b
        m[kp + s.P_LISTED] += 1
    else:
        m[ke + m[kb + s.TAIL] * s.N_ENTRY + s.LINK] = i
    m[kb + s.TAIL] = i
    hit = m[kb + s.ROW] == row
    if hit:
        m[kb + s.HIT_R + write] += 1
    if write == m[kp + s.P_DRAIN] and (m[kb + s.CAND] < 0 or (hit and m[kb + s.KIND] != s.NEXT_COL)):
        m[kb + s.CAND], m[kb + s.SEQ] = i, m[e + s.E_SEQ]
        m[kb + s.KIND] = s.NEXT_COL if hit else (s.NEXT_ACT if m[kb + s.ROW] < 0 else s.NEXT_PRE)


@numba.njit(cache=True)
def _leave(m, ch, g, b, i):
    """Take request `i` out of the window and out of the list of bank `b`."""
    kp, k0 = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_BANK] + g * m[s.BANKS] * s.N_BANK
    kb, ke = k0 + b * s.N_BANK, m[s.O_ENTRY] + g * m[s.WINDOW] * s.N_ENTRY
    e = ke + i * s.N_ENTRY
    k, before = m[kb + s.HEAD], np.int64(-1)
    while k != i:
        before, k = k, m[ke + k * s.N_ENTRY + s.LINK]
    if before < 0:
        m[kb + s.HEAD] = m[e + s.LINK]
    else:
        m[ke + before * s.N_ENTRY + s.LINK] = m[e + s.LINK]
    if m[kb + s.TAIL] == i:
        m[kb + s.TAIL] = before
    if m[kb + s.HEAD] < 0:
        m[kp + s.P_LISTED] -= 1
        other = m[k0 + m[kp + s.P_LISTED] * s.N_BANK + s.LISTED]
        m[k0 + m[kb + s.PLACE] * s.N_BANK + s.LISTED] = other
        m[k0 + other * s.N_BANK + s.PLACE] = m[kb + s.PLACE]
    m[kp + s.P_N] -= 1
    m[kp + s.P_WRITES] -= m[e + s.WRITE]
    m[kb + s.HIT_R + m[e + s.WRITE]] -= 1
    m[m[s.O_CHANNEL] + ch * s.N_CHANNEL + s.IN_WINDOW] -= 1
    m[e + s.LINK] = m[kp + s.P_FREE]
    m[kp + s.P_FREE] = i


@numba.njit(cache=True)
def _column(m, ch, g, b, t):
    """Issue the RD or WR that bank `b` is due at `t`, and let the next request of the FIFO into the window."""
    kp, kb = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
    kg = m[s.O_GROUP] + g * (1 + m[s.BG]) * s.N_GROUP
    i, own = m[kb + s.CAND], kg + m[kb + s.GROUP] * s.N_GROUP
    e = m[s.O_ENTRY] + (g * m[s.WINDOW] + i) * s.N_ENTRY
    m[kg + s.COL_AT] = m[own + s.COL_AT] = m[kp + s.P_NOW] = t
    if m[e + s.WRITE]:
        end = t + m[s.CWL] + m[s.BL]
        m[kg + s.WRITE_END] = m[own + s.WRITE_END] = end
        m[kb + s.PRE_OK] = max(m[kb + s.PRE_OK], end + m[s.WR])
        m[s.WRITES] += 1
    else:
        end = t + m[s.CL] + m[s.BL]
        m[kp + s.P_READ_AT] = t
        m[kb + s.PRE_OK] = max(m[kb + s.PRE_OK], t + m[s.RTP])
        m[s.READS] += 1
    m[s.HITS + m[kb + s.OPENED]] += 1
    m[kb + s.OPENED] = 0
    m[s.LAST] = max(m[s.LAST], end)
    k = m[s.O_SLOT] + m[e + s.SLOT] * s.N_SLOT
    m[k + s.LEFT] -= 1
    m[k + s.END] = max(m[k + s.END], end)
    if m[k + s.LEFT] == 0:
        m[m[s.O_DONE] + m[s.DONE]] = m[e + s.SLOT]
        m[s.DONE] += 1
    _leave(m, ch, g, b, i)
    kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    if m[kc + s.F_N] > 0:
        q = m[s.O_FIFO] + (ch * m[s.FIFO] + m[kc + s.F_HEAD]) * s.N_FIFO
        m[kc + s.F_HEAD] = (m[kc + s.F_HEAD] + 1) % m[s.FIFO]
        m[kc + s.F_N] -= 1
        _enter(m, ch, m[q + 1], t, max(m[q], t + 1), m[q + 2], m[q + 3], m[q + 4] >> 1, m[q + 4] & 1)


@numba.njit(cache=True)
def _activate(m, g, b, t):
    kp, kb = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
    kg, ke = m[s.O_GROUP] + g * (1 + m[s.BG]) * s.N_GROUP, m[s.O_ENTRY] + g * m[s.WINDOW] * s.N_ENTRY
    row = m[ke + m[kb + s.CAND] * s.N_ENTRY + s.E_ROW]
    m[kb + s.ROW] = row
    m[kb + s.OPENED] = max(m[kb + s.OPENED], 1)
    m[kb + s.COL_OK], m[kb + s.PRE_OK], m[kb + s.ACT_OK] = t + m[s.RCD], t + m[s.RAS], t + m[s.RC]
    m[kg + s.ACT_AT] = m[kg + m[kb + s.GROUP] * s.N_GROUP + s.ACT_AT] = t
    m[kp + s.P_FAW + m[kp + s.P_OLDEST]] = t
    m[kp + s.P_OLDEST] = (m[kp + s.P_OLDEST] + 1) % 4
    m[kp + s.P_ROW_BUS], m[kp + s.P_NOW] = t + 1, t
    m[s.ACTS] += 1
    k = m[kb + s.HEAD]
    while k >= 0:
        e = ke + k * s.N_ENTRY
        if m[e + s.E_ROW] == row:
            m[kb + s.HIT_R + m[e + s.WRITE]] += 1
        k = m[e + s.LINK]


@numba.njit(cache=True)
def _precharge(m, g, b, t):
    kp, kb = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
    m[kb + s.ROW], m[kb + s.HIT_R], m[kb + s.HIT_W], m[kb + s.OPENED] = -1, 0, 0, 2
    m[kb + s.ACT_OK] = max(m[kb + s.ACT_OK], t + m[s.RP])
    m[kp + s.P_ROW_BUS], m[kp + s.P_NOW] = t + 1, t


@numba.njit(cache=True)
def _refresh(m, g):
    """Close all banks of pseudo-channel `g` and refresh them."""
    kp, k0 = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_BANK] + g * m[s.BANKS] * s.N_BANK
    t, ready = max(m[kp + s.P_NEXT_REF], m[kp + s.P_ROW_BUS], m[kp + s.P_NOW]), np.int64(0)
    any_open = False
    for b in range(m[s.BANKS]):
        kb = k0 + b * s.N_BANK
        ready = max(ready, m[kb + s.ACT_OK])
        if m[kb + s.ROW] >= 0:
            any_open = True
            t = max(t, m[kb + s.PRE_OK])
    if any_open:
        _record(m, t, g, s.C_PREA, -1, -1)
        ready = max(ready, t + max(m[s.RP], 1))
    ready = max(ready, t)
    _record(m, ready, g, s.C_REF, -1, -1)
    for b in range(m[s.BANKS]):
        kb = k0 + b * s.N_BANK
        m[kb + s.ROW], m[kb + s.OPENED], m[kb + s.HIT_R], m[kb + s.HIT_W] = -1, 0, 0, 0
        m[kb + s.ACT_OK] = ready + m[s.RFC]
        if m[kb + s.HEAD] >= 0:
            _candidate(m, kb, m[s.O_ENTRY] + g * m[s.WINDOW] * s.N_ENTRY, m[kp + s.P_DRAIN])
    m[kp + s.P_ROW_BUS], m[kp + s.P_NOW] = ready + 1, ready
    m[kp + s.P_NEXT_REF] += m[s.REFI]
    m[s.REFS] += 1


@numba.njit(cache=True)
def _issue(m, ch, g, t):
    """Issue the planned command of pseudo-channel `g` at `t`."""
    kp = m[s.O_PSEUDO] + g * s.N_PSEUDO
    b, kind = m[kp + s.P_BANK], m[kp + s.P_KIND]
    m[kp + s.P_DIRTY] = 1
    if kind == s.NEXT_REF:
        _refresh(m, g)
        return
    kb, ke = m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK, m[s.O_ENTRY] + g * m[s.WINDOW] * s.N_ENTRY
    if m[s.LOG]:
        e = ke + m[kb + s.CAND] * s.N_ENTRY
        command = (s.C_RD + m[e + s.WRITE]) if kind == s.NEXT_COL else (s.C_ACT if kind == s.NEXT_ACT else s.C_PRE)
        _record(m, t, g, command, b, m[e + s.E_ROW] if kind != s.NEXT_PRE else -1)
    if kind == s.NEXT_COL:
        _column(m, ch, g, b, t)
    elif kind == s.NEXT_ACT:
        _activate(m, g, b, t)
    else:
        _precharge(m, g, b, t)
    _candidate(m, kb, ke, m[kp + s.P_DRAIN])


@numba.njit(cache=True)
def advance(m: I64, ch: int, until: int) -> None:
    """Issue every command of channel `ch` that is due before clock `until`."""
    while True:
        best, at = np.int64(-1), s.FAR
        for g in range(ch * m[s.PC], (ch + 1) * m[s.PC]):
            kp = m[s.O_PSEUDO] + g * s.N_PSEUDO
            if m[kp + s.P_DIRTY]:
                _plan(m, g)
            if m[kp + s.P_TIME] < at:
                best, at = np.int64(g), m[kp + s.P_TIME]
        m[m[s.O_CHANNEL] + ch * s.N_CHANNEL + s.NEXT] = at
        if at >= until:
            return
        _issue(m, ch, best, at)


@numba.njit(cache=True)
def advance_all(m: I64, until: int) -> int:
    """Issue every command due before `until`; return the clock of the next one of all channels."""
    nearest = s.FAR
    for ch in range(m[s.CH]):
        kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
        if m[kc + s.NEXT] < until:
            advance(m, ch, until)
        nearest = min(nearest, m[kc + s.NEXT])
    return nearest


@numba.njit(cache=True)
def refresh_until(m: I64, until: int) -> None:
    """Count the refreshes that were due before `until` while a pseudo-channel had nothing to do."""
    for g in range(m[s.CH] * m[s.PC]):
        kp = m[s.O_PSEUDO] + g * s.N_PSEUDO
        if m[s.REFRESH] and m[kp + s.P_NEXT_REF] < until:
            due = (until - 1 - m[kp + s.P_NEXT_REF]) // m[s.REFI] + 1
            m[s.REFS] += due
            m[kp + s.P_NEXT_REF] += due * m[s.REFI]


@numba.njit(cache=True)
def push(m: I64, address: int, arrival: int, slot: int, write: int) -> int:
    """Send the granule at byte `address` to its channel, `arrival` being the clock at which it gets there.

    Returns the clock at which the channel took it, later than `arrival` where its FIFO was full.
    """
    granule = address >> m[s.GRANULE_SHIFT]
    ch = (granule >> m[s.SHIFT + s.CH_]) & m[s.MASK + s.CH_]
    pc = (granule >> m[s.SHIFT + s.PC_]) & m[s.MASK + s.PC_]
    group = (granule >> m[s.SHIFT + s.BG_]) & m[s.MASK + s.BG_]
    b = group * m[s.BA] + ((granule >> m[s.SHIFT + s.BA_]) & m[s.MASK + s.BA_])
    row = (granule >> m[s.SHIFT + s.RO_]) & m[s.MASK + s.RO_]
    kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    if m[kc + s.NEXT] < arrival:
        advance(m, ch, arrival)
    while m[kc + s.F_N] == m[s.FIFO] and m[kc + s.IN_WINDOW] == m[s.WINDOW]:
        arrival = max(arrival, m[kc + s.NEXT] + 1)
        advance(m, ch, arrival)
    if m[kc + s.IN_WINDOW] < m[s.WINDOW]:
        _enter(m, ch, pc, arrival, arrival, b, row, slot, write)
        return arrival
    q = m[s.O_FIFO] + (ch * m[s.FIFO] + (m[kc + s.F_HEAD] + m[kc + s.F_N]) % m[s.FIFO]) * s.N_FIFO
    m[q], m[q + 1], m[q + 2], m[q + 3], m[q + 4] = arrival, pc, b, row, slot * 2 + write
    m[kc + s.F_N] += 1
    return arrival
