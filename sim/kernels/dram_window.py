"""Controller `frfcfs`: first ready, first come within a bounded window, from event to event (numba).

Each pseudo-channel has its own row and column command bus; the pseudo-channels of a channel share its request window.
The controller is first ready, first come: of the commands that the requests of the window need next, the one that may
issue earliest goes first, the oldest request on a tie. A row stays open until a request of the window needs another
row of its bank and none needs this one. Writes wait until they fill half the window or no read is left. Times are DRAM
clocks.
"""

import numpy as np

from tokensieve.sim.kernels import dram_bank as bank
from tokensieve.sim.kernels import dram_rest as rest
from tokensieve.sim.kernels import dram_state as s
from tokensieve.sim.kernels.columns import I64, NONE
from tokensieve.sim.kernels.step import part, step


@part
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


@step
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


@part
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
        col_any = max(col_any, m[kp + s.P_READ_AT] + m[s.CL] + m[s.BL] + m[s.TURN] - m[s.CWL])
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
            t = max(t, col_any, m[kb + s.COL_OK + wanted], m[own + s.COL_AT] + m[s.CCD_L])
            if not wanted:
                t = max(t, m[own + s.WRITE_END] + m[s.WTR_L])
        elif kind == s.NEXT_ACT:
            t = max(t, act_any, m[kb + s.ACT_OK], m[own + s.ACT_AT] + m[s.RRD_L])
        else:
            t = max(t, pre_any, m[kb + s.PRE_OK])
        if t < best or (t == best and _first(kind, m[kb + s.SEQ], best_kind, best_seq)):
            best, best_bank, best_kind, best_seq = t, b, kind, m[kb + s.SEQ]
    if m[s.REFRESH] and best >= m[kp + s.P_NEXT_REF]:
        rest.pass_over(m, g, best)
        best, best_kind = max(m[kp + s.P_NEXT_REF], m[kp + s.P_NOW]), np.int64(s.NEXT_REF)
    m[kp + s.P_TIME], m[kp + s.P_BANK], m[kp + s.P_KIND] = best, best_bank, best_kind


@step
def _first(kind, seq, other_kind, other_seq):
    """Return whether a command goes before another one due at the same clock: columns first, then the older request."""
    if (kind == s.NEXT_COL) != (other_kind == s.NEXT_COL):
        return kind == s.NEXT_COL
    return seq < other_seq


@part
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
    m[kp + s.P_N] += 1
    m[kp + s.P_WRITES] += write
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
    # The plan stays valid if reads are being served and the new request is a read that queues behind its bank's
    # candidate and arrives before the planned command: the direction stays, and no other command gets earlier.
    stands = not write and not m[kp + s.P_DRAIN] and now <= m[kp + s.P_TIME]
    if write == m[kp + s.P_DRAIN] and (m[kb + s.CAND] < 0 or (hit and m[kb + s.KIND] != s.NEXT_COL)):
        m[kb + s.CAND], m[kb + s.SEQ] = i, m[e + s.E_SEQ]
        m[kb + s.KIND] = s.NEXT_COL if hit else (s.NEXT_ACT if m[kb + s.ROW] < 0 else s.NEXT_PRE)
        stands = False
    if not stands:
        m[kp + s.P_DIRTY], m[kc + s.NEXT] = 1, -1


@step
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


@step
def _column(m, ch, g, b, t, last):
    """Issue the RD or WR that bank `b` is due at `t`, and let the next request of the FIFO into the window.

    `last`: the row is closed behind it.
    """
    kb = m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
    i = m[kb + s.CAND]
    e = m[s.O_ENTRY] + (g * m[s.WINDOW] + i) * s.N_ENTRY
    bank.move_data(m, g, b, m[e + s.SLOT], m[e + s.WRITE], t)
    _leave(m, ch, g, b, i)
    if last:
        bank.close_after(m, g, b)
    kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    if m[kc + s.IN_FIFO] > 0:
        q = m[s.O_FIFO] + (ch * m[s.FIFO] + m[kc + s.FIFO_HEAD]) * s.N_FIFO
        m[kc + s.FIFO_HEAD] = (m[kc + s.FIFO_HEAD] + 1) % m[s.FIFO]
        m[kc + s.IN_FIFO] -= 1
        arrival = max(m[q + s.F_ARRIVAL], t + 1)
        _enter(m, ch, m[q + s.F_PSEUDO], t, arrival, m[q + s.F_BANK], m[q + s.F_ROW], m[q + s.F_SLOT], m[q + s.F_WRITE])


@step
def _activate(m, g, b, t):
    kb, ke = m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK, m[s.O_ENTRY] + g * m[s.WINDOW] * s.N_ENTRY
    row = m[ke + m[kb + s.CAND] * s.N_ENTRY + s.E_ROW]
    bank.open_row(m, g, b, row, t)
    k = m[kb + s.HEAD]
    while k >= 0:
        e = ke + k * s.N_ENTRY
        if m[e + s.E_ROW] == row:
            m[kb + s.HIT_R + m[e + s.WRITE]] += 1
        k = m[e + s.LINK]


@step
def _refresh(m, g):
    """Close all banks of pseudo-channel `g` and refresh them."""
    kp, k0 = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_BANK] + g * m[s.BANKS] * s.N_BANK
    t, ready = max(m[kp + s.P_NEXT_REF], m[kp + s.P_ROW_BUS], m[kp + s.P_NOW]), np.int64(0)
    any_open, closes = False, np.int64(0)
    for b in range(m[s.BANKS]):
        kb = k0 + b * s.N_BANK
        ready, closes = max(ready, m[kb + s.ACT_OK]), max(closes, m[kb + s.PRE_OK])
        any_open = any_open or m[kb + s.ROW] >= 0
    if any_open:
        t = max(t, closes)  # also of banks that are still closing by themselves
        bank.record(m, t, g, s.C_PREA, NONE, NONE)
        ready = max(ready, t + max(m[s.RP], 1))
    ready = max(ready, t)
    bank.record(m, ready, g, s.C_REF, NONE, NONE)
    bank.refresh_rows(m, g, ready)
    for b in range(m[s.BANKS]):
        kb = k0 + b * s.N_BANK
        if m[kb + s.HEAD] >= 0:
            _candidate(m, kb, m[s.O_ENTRY] + g * m[s.WINDOW] * s.N_ENTRY, m[kp + s.P_DRAIN])
    m[kp + s.P_NEXT_REF] += m[s.REFI]
    m[s.REFS] += 1


@part
def _issue(m, ch, g, t):
    """Issue the planned command of pseudo-channel `g` at `t`."""
    kp = m[s.O_PSEUDO] + g * s.N_PSEUDO
    b, kind = m[kp + s.P_BANK], m[kp + s.P_KIND]
    m[kp + s.P_DIRTY] = 1
    if kind == s.NEXT_REF:
        _refresh(m, g)
        return
    kb, ke = m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK, m[s.O_ENTRY] + g * m[s.WINDOW] * s.N_ENTRY
    last = m[s.CLOSED] and m[kb + s.HIT_R] + m[kb + s.HIT_W] == 1
    if m[s.LOG]:
        e = ke + m[kb + s.CAND] * s.N_ENTRY
        column = (s.C_RDA if last else s.C_RD) + m[e + s.WRITE]
        command = column if kind == s.NEXT_COL else (s.C_ACT if kind == s.NEXT_ACT else s.C_PRE)
        bank.record(m, t, g, command, b, m[e + s.E_ROW] if kind != s.NEXT_PRE else -1)
    if kind == s.NEXT_COL:
        _column(m, ch, g, b, t, last)
    elif kind == s.NEXT_ACT:
        _activate(m, g, b, t)
    else:
        bank.close_row(m, g, b, t)
    _candidate(m, kb, ke, m[kp + s.P_DRAIN])


@part
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


@part
def push(m, ch, pc, b, row, arrival, slot, write):
    """Send a request to its channel; return the clock at which that took it."""
    kc = m[s.O_CHANNEL] + ch * s.N_CHANNEL
    if m[kc + s.NEXT] < arrival:
        advance(m, ch, arrival)
    while m[kc + s.IN_FIFO] == m[s.FIFO] and m[kc + s.IN_WINDOW] == m[s.WINDOW]:
        arrival = max(arrival, m[kc + s.NEXT] + 1)
        advance(m, ch, arrival)
    if m[kc + s.IN_WINDOW] < m[s.WINDOW]:
        _enter(m, ch, pc, arrival, arrival, b, row, slot, write)
        return arrival
    q = m[s.O_FIFO] + (ch * m[s.FIFO] + (m[kc + s.FIFO_HEAD] + m[kc + s.IN_FIFO]) % m[s.FIFO]) * s.N_FIFO
    m[q + s.F_ARRIVAL], m[q + s.F_PSEUDO], m[q + s.F_BANK], m[q + s.F_ROW] = arrival, pc, b, row
    m[q + s.F_SLOT], m[q + s.F_WRITE] = slot, write
    m[kc + s.IN_FIFO] += 1
    return arrival
