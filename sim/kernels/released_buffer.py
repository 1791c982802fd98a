"""The key and the value buffer of the released design, and the allocator of their lines (numba).

A buffer has a tag for each line, two banks by the parity of the line, two write ports and one reader. The reader does
not wait for data: it reads speculatively, and begins anew at the oldest unmatched line where a tag is not the one it
expects. A cycle has two halves: first what leaves (`read`, `write`), then what enters; `store` ends it.
"""

import numba

from tokensieve.sim.kernels import released_state as s
from tokensieve.sim.kernels.dram_state import FAR


@numba.njit(cache=True)
def read(m, b, ready):
    """Do one cycle of the reader of buffer `b`; `ready` tells whether the memories have been initialised."""
    if m[b + s.COMMIT] == m[b + s.TAIL] and m[b + s.R_LINES] == 0 and m[b + s.G_LINE] < 0 and not _on_the_way(m, b):
        return
    verdict = _judge(m, b)
    _banks(m, b, ready)
    commit, tail, issue = m[b + s.COMMIT], m[b + s.TAIL], m[b + s.ISSUE]
    if issue != tail and m[b + s.BLOCKED] == 0 and m[b + s.P_LINE] < 0:
        e = b + s.REPLAY + (issue & m[s.REPLAY_MASK]) * s.N_REPLAY
        m[b + s.P_LINE], m[b + s.P_TAG] = m[e + s.REPLAY_LINE], m[e + s.REPLAY_TAG]
        m[b + s.P_FINAL] = m[e + s.REPLAY_FINAL]
        m[b + s.P_FLAG] = m[b + s.ISSUE_FLAG]
        issue += 1
    if verdict == MATCHED:
        m[b + s.COMMIT] = commit + 1
    elif verdict == MISSED:
        issue = commit
        m[b + s.ISSUE_FLAG] ^= 1
        m[b + s.RETURN_FLAG] ^= 1
    m[b + s.ISSUE], m[b + s.BLOCKED] = issue, 0
    if m[b + s.G_LINE] >= 0 and tail - commit < m[s.REPLAYS] - 1:
        e = b + s.REPLAY + (tail & m[s.REPLAY_MASK]) * s.N_REPLAY
        m[e + s.REPLAY_LINE], m[e + s.REPLAY_TAG] = m[b + s.G_LINE], m[b + s.G_TAG]
        m[e + s.REPLAY_FINAL] = m[b + s.G_FINAL]
        m[b + s.TAIL] = tail + 1
        m[b + s.G_LINE] = -1
        m[b + s.BLOCKED] = issue == tail
    _next_line(m, b)


NOTHING, MATCHED, MISSED = range(3)


@numba.njit(cache=True)
def _on_the_way(m, b):
    """Return whether a speculative read has not come back."""
    fullest = max(m[b + s.P_LINE], m[b + s.B_3])
    for k in range(s.FUSED):
        fullest = max(fullest, m[b + s.B_1 + k], m[b + s.B_2 + k])
    return fullest >= 0


@numba.njit(cache=True)
def _judge(m, b):
    """Compare the flag and tag of what came back; pass a matched line on."""
    code = m[b + s.B_3]
    if code < 0:
        return NOTHING
    if code >> 2 != m[b + s.RETURN_FLAG]:
        m[b + s.B_3] = -1
        return NOTHING
    if code & 1 == 0:
        m[b + s.B_3] = -1
        return MISSED
    if m[b + s.READ] >= 0:
        return NOTHING
    m[b + s.READ], m[b + s.B_3] = code >> 1 & 1, -1
    return MATCHED


@numba.njit(cache=True)
def _banks(m, b, ready):
    """Move reads through the registers behind the banks, and start the next one."""
    bank = m[b + s.B_LOCK]
    if bank < 0:
        bank = 0 if m[b + s.B_2] >= 0 else 1
    if m[b + s.B_2 + bank] >= 0:
        free = m[b + s.B_3] < 0
        if free:
            m[b + s.B_3], m[b + s.B_2 + bank] = m[b + s.B_2 + bank], -1
        m[b + s.B_LOCK] = -1 if free else bank
    for k in range(s.FUSED):
        if m[b + s.B_2 + k] < 0:
            m[b + s.B_2 + k], m[b + s.B_1 + k] = m[b + s.B_1 + k], -1
    line = m[b + s.P_LINE]
    if line >= 0 and ready and m[b + s.B_1 + line % s.FUSED] < 0:
        matched = m[_tag_of(m, b, line)] == m[b + s.P_TAG]
        m[b + s.B_1 + line % s.FUSED] = matched | m[b + s.P_FINAL] << 1 | m[b + s.P_FLAG] << 2
        m[b + s.P_LINE] = -1


@numba.njit(cache=True)
def _tag_of(m, b, line):
    """Return where the tag of a line stands, behind the replay queue."""
    return b + s.REPLAY + (m[s.REPLAY_MASK] + 1) * s.N_REPLAY + line


@numba.njit(cache=True)
def _next_line(m, b):
    """Ask for the next line of the head that is read."""
    n = m[b + s.R_NEXT]
    if m[b + s.G_LINE] < 0 and m[b + s.R_LINES] > 0:
        final = n == m[b + s.R_LINES] - 1
        m[b + s.G_LINE] = (m[b + s.R_FROM] + n) & m[s.LINE_MASK]
        m[b + s.G_TAG], m[b + s.G_FINAL] = m[b + s.R_TAG], final
        m[b + s.R_NEXT] = 0 if final else n + 1
        if final:
            m[b + s.R_LINES] = 0


@numba.njit(cache=True)
def prepare_read(m, b, start, lines, tag):
    """Tell the reader which lines to read; returns whether it took them."""
    if m[b + s.R_LINES] > 0:
        return False
    m[b + s.R_LINES], m[b + s.R_FROM], m[b + s.R_TAG] = lines, start, tag
    return True


@numba.njit(cache=True)
def write(m, b, ready):
    """Do one cycle of the write ports of buffer `b`; the lines are stored at the end of the cycle."""
    w = b + s.W_BANK
    if m[w + s.K_REPLY] < 0 or m[w + s.K_REPLY] != m[w + s.N_W_BANK + s.K_REPLY]:
        m[w + s.N_W_BANK + s.K_REPLY] = -1  # else both banks answer the same port, which takes the lower one first
    m[w + s.K_REPLY] = -1
    for k in range(s.FUSED):
        o = w + k * s.N_W_BANK
        if m[o + s.K_LINE] >= 0 and ready and m[o + s.K_REPLY] < 0:
            m[o + s.K_STORE], m[o + s.K_STORE_TAG], m[o + s.K_REPLY] = m[o + s.K_LINE], m[o + s.K_TAG], m[o + s.K_PORT]
            m[o + s.K_LINE] = -1
    for k in range(s.FUSED):
        _grant(m, b, k)
    for port in range(s.FUSED):
        _port(m, b + s.W_PORT + port * s.N_W_PORT)


@numba.njit(cache=True)
def _grant(m, b, k):
    """Give bank `k` to one of the ports that want it, in turn; the choice stands until the bank takes the line."""
    o = b + s.W_BANK + k * s.N_W_BANK
    chosen = m[o + s.K_LAST]
    if m[o + s.K_LOCKED] == 0:
        chosen = 1 - chosen
        if not _wants(m, b, chosen, k):
            chosen = 1 - chosen
            if not _wants(m, b, chosen, k):
                return
    m[o + s.K_LAST], m[o + s.K_LOCKED] = chosen, m[o + s.K_LINE] >= 0
    if m[o + s.K_LINE] < 0:
        p = b + s.W_PORT + chosen * s.N_W_PORT
        m[o + s.K_LINE], m[o + s.K_TAG], m[o + s.K_PORT] = m[p + s.W_PIPE], m[p + s.W_PIPE_TAG], chosen
        m[p + s.W_PIPE] = -1


@numba.njit(cache=True)
def _wants(m, b, port, k):
    line = m[b + s.W_PORT + port * s.N_W_PORT + s.W_PIPE]
    return line >= 0 and line % s.FUSED == k


@numba.njit(cache=True)
def _port(m, p):
    """Move the lines of one write port; those beyond the end of the head are dropped."""
    full = m[p + s.W_SKID] >= 0
    if full and m[p + s.W_PIPE] < 0:
        m[p + s.W_PIPE], m[p + s.W_PIPE_TAG], m[p + s.W_SKID] = m[p + s.W_SKID], m[p + s.W_SKID_TAG], -1
    final = m[p + s.W_DATA]
    inside = m[p + s.W_COUNT] < m[p + s.W_LINES]
    if final < 0 or m[p + s.W_LINES] == 0 or (inside and full):
        return
    if inside:
        line = (m[p + s.W_FROM] + m[p + s.W_OFFSET]) & m[s.LINE_MASK]
        if m[p + s.W_PIPE] < 0:
            m[p + s.W_PIPE], m[p + s.W_PIPE_TAG] = line, m[p + s.W_TAG]
        else:
            m[p + s.W_SKID], m[p + s.W_SKID_TAG] = line, m[p + s.W_TAG]
    m[p + s.W_DATA] = -1
    m[p + s.W_OFFSET] += m[p + s.W_STEP]
    m[p + s.W_COUNT] += 1
    if final:
        m[p + s.W_OFFSET] = m[p + s.W_COUNT] = m[p + s.W_LINES] = 0


@numba.njit(cache=True)
def prepare_write(m, b, links, start, lines, tag, fused):
    """Tell the write ports which lines come next, each as soon as it is free; returns whether all know.

    A line of two fused heads goes to both ports, one for each head; else the ports take the lines of a head in turn.
    """
    known = 0
    for port in range(s.FUSED):
        p = b + s.W_PORT + port * s.N_W_PORT
        if m[links + port] == 0 and m[p + s.W_LINES] == 0:
            m[p + s.W_TAG], m[links + port] = tag, 1
            if fused > 1:
                m[p + s.W_FROM], m[p + s.W_STEP], m[p + s.W_LINES] = start + lines * port, 1, lines
            else:
                m[p + s.W_FROM], m[p + s.W_STEP], m[p + s.W_LINES] = start + port, s.FUSED, lines // s.FUSED
        known += m[links + port]
    if known < s.FUSED:
        return False
    m[links : links + s.FUSED] = 0
    return True


@numba.njit(cache=True)
def deliver(m, b, final):
    """Hand a fetched line to the write ports, each as soon as it is free; returns whether all took it."""
    took = 0
    for port in range(s.FUSED):
        p = b + s.W_PORT + port * s.N_W_PORT
        if m[s.DELIVERED + port] == 0 and m[p + s.W_DATA] < 0:
            m[p + s.W_DATA], m[s.DELIVERED + port] = final, 1
        took += m[s.DELIVERED + port]
    if took < s.FUSED:
        return False
    m[s.DELIVERED : s.DELIVERED + s.FUSED] = 0
    return True


@numba.njit(cache=True)
def store(m, b):
    """End a cycle: what was written can be read from the next one on."""
    for k in range(s.FUSED):
        o = b + s.W_BANK + k * s.N_W_BANK
        if m[o + s.K_STORE] >= 0:
            m[_tag_of(m, b, m[o + s.K_STORE])] = m[o + s.K_STORE_TAG]
            m[o + s.K_STORE] = -1


@numba.njit(cache=True)
def allocate(m, o, lines):
    """Take a handle and `lines` lines of allocator `o`, none of both for 0; returns whether there were any."""
    if m[o + s.L_HANDLES] == m[s.HANDLES] or m[o + s.L_LINES] + lines > m[s.LINES]:
        return False
    if lines > 0:
        h = o + s.L_TABLE + m[o + s.L_NEXT] * s.N_HANDLE
        m[h + s.H_LINES], m[h + s.H_FREE_AT] = lines, FAR
        m[o + s.L_NEXT] = (m[o + s.L_NEXT] + 1) % m[s.HANDLES]
        m[o + s.L_LINE] = (m[o + s.L_LINE] + lines) & m[s.LINE_MASK]
        m[o + s.L_HANDLES] += 1
        m[o + s.L_LINES] += lines
    return True


@numba.njit(cache=True)
def release(m, o, handle, now):
    """Give a handle back at cycle `now`; its flag is written a cycle later, and read in the one after that."""
    m[o + s.L_TABLE + handle * s.N_HANDLE + s.H_FREE_AT] = now + 3


@numba.njit(cache=True)
def recycle(m, o, now):
    """End a cycle: the oldest handle, once given back, and its lines are free from the next one on."""
    h = o + s.L_TABLE + m[o + s.L_OLDEST] * s.N_HANDLE
    if m[o + s.L_HANDLES] > 0 and m[h + s.H_FREE_AT] <= now:
        m[o + s.L_OLDEST] = (m[o + s.L_OLDEST] + 1) % m[s.HANDLES]
        m[o + s.L_HANDLES] -= 1
        m[o + s.L_LINES] -= m[h + s.H_LINES]
