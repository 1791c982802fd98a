"""What each command does to a bank, its group and its pseudo-channel, whichever controller issues it (numba).

`g` is a pseudo-channel, counted over all channels; `b` a bank of it; `t` the clock of the command.
"""

from tokensieve.sim.kernels import dram_state as s
from tokensieve.sim.kernels.step import part


@part
def record(m, t, g, command, b, row):
    """Add a command to the log, as far as it has room."""
    if m[s.LOGGED] < m[s.LOG]:
        k = m[s.O_LOG] + m[s.LOGGED] * s.N_LOG
        m[k + s.LOG_CLOCK], m[k + s.LOG_PSEUDO], m[k + s.LOG_COMMAND] = t, g, command
        m[k + s.LOG_BANK], m[k + s.LOG_ROW] = b, row
    m[s.LOGGED] += 1


@part
def open_row(m, g, b, row, t):
    """Activate `row`."""
    kp, kb = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
    kg = m[s.O_GROUP] + g * (1 + m[s.BG]) * s.N_GROUP
    m[kb + s.ROW], m[kb + s.USED] = row, 0
    m[kb + s.OPENED] = max(m[kb + s.OPENED], s.NEXT_ACT)
    m[kb + s.COL_OK], m[kb + s.WR_OK] = t + m[s.RCD], t + m[s.RCD_WR]
    m[kb + s.PRE_OK], m[kb + s.ACT_OK] = t + m[s.RAS], t + m[s.RC]
    m[kg + s.ACT_AT] = m[kg + m[kb + s.GROUP] * s.N_GROUP + s.ACT_AT] = t
    m[kp + s.P_FAW + m[kp + s.P_OLDEST]] = t
    m[kp + s.P_OLDEST] = (m[kp + s.P_OLDEST] + 1) % s.FAW_ACTS
    m[kp + s.P_ROW_BUS], m[kp + s.P_NOW] = t + m[s.ACT_CLOCKS], t
    m[s.ACTS] += 1


@part
def close_row(m, g, b, t):
    """Precharge a bank."""
    kp, kb = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
    m[kb + s.ROW], m[kb + s.HIT_R], m[kb + s.HIT_W], m[kb + s.OPENED] = -1, 0, 0, s.NEXT_PRE
    m[kb + s.ACT_OK] = max(m[kb + s.ACT_OK], t + m[s.RP])
    m[kp + s.P_ROW_BUS], m[kp + s.P_NOW] = t + 1, t


@part
def move_data(m, g, b, slot, write, t):
    """Read or write a granule of the open row for `slot`; return when its data is with the requester."""
    kp, kb = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
    kg = m[s.O_GROUP] + g * (1 + m[s.BG]) * s.N_GROUP
    own = kg + m[kb + s.GROUP] * s.N_GROUP
    m[kg + s.COL_AT] = m[own + s.COL_AT] = m[kp + s.P_NOW] = t
    if write:
        end = t + m[s.CWL] + m[s.BL]
        m[kg + s.WRITE_END] = m[own + s.WRITE_END] = end
        m[kb + s.PRE_OK] = max(m[kb + s.PRE_OK], end + m[s.WR])
        m[s.WRITES] += 1
    else:
        end = t + m[s.CL] + m[s.BL]
        m[kp + s.P_READ_AT] = t
        m[kb + s.PRE_OK] = max(m[kb + s.PRE_OK], t + m[s.RTP])
        m[s.READS] += 1
    if m[s.CONTROLLER] != s.ACTIVE_BUFFER:  # which counts by the first command of a request
        m[s.HITS + m[kb + s.OPENED]] += 1
    m[kb + s.OPENED] = s.NEXT_COL
    m[kb + s.USED] += 1
    complete(m, slot, end + m[s.BACK])
    return end + m[s.BACK]


@part
def complete(m, slot, end):
    """Count a granule of `slot`, whose data is with the requester at `end`."""
    m[s.LAST] = max(m[s.LAST], end)
    k = m[s.O_SLOT] + slot * s.N_SLOT
    m[k + s.LEFT] -= 1
    m[k + s.END] = max(m[k + s.END], end)
    if m[k + s.LEFT] == 0:
        m[m[s.O_DONE] + m[s.DONE]] = slot
        m[s.DONE] += 1


@part
def close_after(m, g, b):
    """Close the row by itself after a column command with auto-precharge, as early as the timings let it."""
    kb = m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
    m[kb + s.ROW], m[kb + s.HIT_R], m[kb + s.HIT_W] = -1, 0, 0
    m[kb + s.ACT_OK] = max(m[kb + s.ACT_OK], m[kb + s.PRE_OK] + m[s.RP])


@part
def refresh_rows(m, g, t):
    """Refresh all banks of a pseudo-channel; their rows are closed."""
    kp, k0 = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_BANK] + g * m[s.BANKS] * s.N_BANK
    for b in range(m[s.BANKS]):
        kb = k0 + b * s.N_BANK
        m[kb + s.ROW], m[kb + s.OPENED], m[kb + s.HIT_R], m[kb + s.HIT_W] = -1, s.NEXT_COL, 0, 0
        m[kb + s.ACT_OK] = t + m[s.RFC]
    m[kp + s.P_ROW_BUS], m[kp + s.P_NOW] = t + 1, t


@part
def column_from(m, g, b, write):
    """Return the clock from which a read or write of the open row may go."""
    kp, kb = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
    kg = m[s.O_GROUP] + g * (1 + m[s.BG]) * s.N_GROUP
    own = kg + m[kb + s.GROUP] * s.N_GROUP
    t = max(m[kb + s.COL_OK + write], m[kg + s.COL_AT] + m[s.CCD_S], m[own + s.COL_AT] + m[s.CCD_L])
    if write:
        return max(t, m[kp + s.P_READ_AT] + m[s.CL] + m[s.BL] + m[s.TURN] - m[s.CWL])
    return max(t, m[kg + s.WRITE_END] + m[s.WTR_S], m[own + s.WRITE_END] + m[s.WTR_L])


@part
def activate_from(m, g, b):
    """Return the clock from which the bank may open a row, but for the command bus."""
    kp, kb = m[s.O_PSEUDO] + g * s.N_PSEUDO, m[s.O_BANK] + (g * m[s.BANKS] + b) * s.N_BANK
    kg = m[s.O_GROUP] + g * (1 + m[s.BG]) * s.N_GROUP
    own = kg + m[kb + s.GROUP] * s.N_GROUP
    t = max(m[kb + s.ACT_OK], m[kg + s.ACT_AT] + m[s.RRD_S], m[own + s.ACT_AT] + m[s.RRD_L])
    return max(t, m[kp + s.P_FAW + m[kp + s.P_OLDEST]] + m[s.FAW]) if m[s.FAW] > 0 else t
