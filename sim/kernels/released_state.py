"""What the released design remembers: one flat array, its columns, and how it begins.

Names of registers and queues follow the list of blocks in docs/explanation/released-rtl.md. An empty register holds -1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.sim.kernels.columns import I64

FUSED = 2
"""Heads that may share a fetch; so many write ports and banks has a buffer (`maxFusedMatrix` of the release)."""

# The state is one flat array, because numba counts references to every array that a call passes. It begins with the
# configuration; the tables follow, each from the place that O_... holds, in lines of N_... columns, and the FIFOs, each
# from the place that F_... holds. ..._MASK: the places of a ring, a power of two, less one.
(NOW, ROWS, PORTS, LANES, LINES, GROUPS, INDEXES, RAM_READY, MANAGER_READY, ADDRESSES, FLIGHT) = range(11)
(RESPONSES, HANDLES, REPLAYS, PENDING, BEAT_MASK, CHANNELS, ID_MASK, ELEMENT_PORTS, PUSHED_ELEMENTS) = range(11, 20)
(ELEMENTS, PRODUCT_TREE, MAXIMUM_TREE) = range(20, 23)
(VALUE_STAGES, LSB_BITS, PROGRESS, DONE, NEXT_ROW, READS) = range(23, 29)
(O_ROW, O_INDEX, O_KEYS, O_VALUES, O_KEY_LINES, O_VALUE_LINES, O_PORT, O_BEAT, O_ADDRESS, O_CHANNEL, O_ID) = range(
    29, 40
)
(O_READY, O_REQUEST, O_ELEMENT, O_PRODUCT, O_MAXIMUM) = range(40, 45)
(F_HEADS, F_SCORES, F_HELD, F_SELECT, F_WEIGHTS, F_CONTEXT) = range(45, 51)
# Registers of the key side, from the test bench to the decision.
(ACCEPTED, SECOND, SECOND_SKID, SECOND_NEW, ADMIT_LOCK, TO_HEADS, TO_DISPATCH, DISPATCHED) = range(51, 59)
LINK = 59  # whether writer, fetcher, reader and multiplier have taken the dispatched head
WRITER_LINK = LINK + 4  # whether each write port has
(KEY_LINE, KEY_REQUEST, KEY_FETCH, PRODUCT, IN_TREES, MID_HEAD, MAXIMUM, DECIDED, REPORTED, PASSED_ON) = range(65, 75)
(HELD_LOCK, SECONDS_DUE, SECONDS_DONE, BUFFERED, REBATCHED, PART_NEXT, RELOAD_1, RELOAD_2, TRIMMED) = range(75, 84)
# Registers of the value side, from top-k to the multiplier.
(IN_SELECT, WAITED, SELECT_LINE, SELECT_LOCK, KEPT) = range(84, 89)
V_LINK = 89
V_WRITER_LINK = V_LINK + 4
(GATHER_FULL, GATHERED, GATHER_LINE, GATHER_REQUEST, VALUE_FETCH) = range(95, 100)
# Registers of the fetcher.
REQUESTS_MADE = 100  # of keys, of values
(FETCH_LOCK, FETCH_LAST, PIECE, SPLIT_1, SPLIT_1_PIECE, SPLIT_2, SPLIT_2_PIECE, FIRST_BEAT, PUSHED, POPPED) = range(
    102, 112
)
(RESULT, IN_REALIGN, REALIGN_HEAD, REALIGN_TAIL, REALIGNED, CONVERTED) = range(112, 118)
DELIVERED = 118  # whether each write port has taken the converted line
# Allocation of both sides: the buffer lines and handle of the last batch, and its number.
(KEY_BATCH, KEY_START, KEY_HANDLE, VALUE_BATCH, VALUE_START, VALUE_HANDLE) = range(120, 126)
REPLAY_MASK, LINE_MASK, HEADER = 126, 127, 128

# Row of the request list; the first N_GIVEN columns are given. PART, LAST: its place in a batch of fused heads, before
# and (V_...) after the batches are formed anew for the values.
(KEYS, VALUES, KEY_BITS, VALUE_BITS, SECOND_PASS, LATENCY, LAST, KEY_BASE, LSB_BASE, VALUE_BASE) = range(10)
N_GIVEN = 10
(ACCEPT, RESPONSE, PART, BATCH, HANDLE, START, V_PART, V_LAST, V_BATCH, V_HANDLE, V_START, N_ROW) = range(10, 22)

# A line of a head on its way: head x 4 + FIRST + FINAL; heads of the key side are row x 2 + second pass.
FINAL, FIRST = 1, 2

# FIFO with a register behind its memory: writes, reads, whether the register is full, whether it was read this cycle,
# depth, where the entries begin, and the mask of a place. Every ring has a power of two of places.
F_W, F_R, F_VALID, F_TAKEN, F_DEPTH, F_DATA, F_MASK, N_FIFO = range(8)

# Buffer (keys or values): the reader. R_FROM.. is the head to read; P_.. the next speculative read; B_1, B_2 two
# registers behind each bank, B_3 the one both share. A read on its way is matched + 2 x final + 4 x its flag.
(R_LINES, R_FROM, R_TAG, R_NEXT, G_LINE, G_TAG, G_FINAL, COMMIT, ISSUE, TAIL, BLOCKED, ISSUE_FLAG, RETURN_FLAG) = range(
    13
)
(P_LINE, P_TAG, P_FINAL, P_FLAG, B_1, B_2, B_3, B_LOCK, READ) = (13, 14, 15, 16, 17, 19, 21, 22, 23)
# ... its write ports: lines still to come of the head that is written, then the way to the banks;
W_PORT = 24
W_LINES, W_FROM, W_STEP, W_TAG, W_OFFSET, W_COUNT, W_DATA, W_SKID, W_SKID_TAG, W_PIPE, W_PIPE_TAG, N_W_PORT = range(12)
# ... its banks;
W_BANK = W_PORT + FUSED * N_W_PORT
K_LINE, K_TAG, K_PORT, K_REPLY, K_LAST, K_LOCKED, K_STORE, K_STORE_TAG, N_W_BANK = range(9)
# ... the replay queue (line, tag, final), and the tag of each line.
REPLAY = W_BANK + FUSED * N_W_BANK
N_REPLAY = 3

# Allocator of lines: handles and lines in use, oldest and next handle, next line; then of each handle its lines and the
# cycle from which they may be taken back.
L_HANDLES, L_LINES, L_OLDEST, L_NEXT, L_LINE, L_TABLE = range(6)

# Port of the fetcher: address FIFO (which all ports fill together), in-flight FIFO, response FIFO (emptied together).
(A_R, A_VALID, A_TAKEN, A_NEXT, A_REQUEST, Q_W, Q_R, Q_VALID, D_W, D_VALID, D_LOCK, D_FROM, N_PORT) = range(13)
# Beat, one address for each port; an address is channel, bank and row there, then the byte.
E_COUNT, E_FINAL, N_BEAT = range(3)
ADDRESS_PARTS = 4
# Channel: whether its response register is full, and taken; the request that the controller did not take yet (the line
# of its address, -1 none); requests pending; ids and completions written and read; the port whose request is on offer.
C_RESPONSE, C_TAKEN, C_STALLED, C_PENDING, C_ID_W, C_ID_R, C_READY_W, C_READY_R, C_LOCK, N_CHANNEL = range(10)
FIRED = -2  # of C_LOCK: a request went this cycle
# Request for the rows of one line of indices, then for each group of lanes the first index.
REQUEST_RING = 8  # more than there are registers for requests of one side
T_ROWS, T_PIECES, T_BYTES, T_BASE, T_VALUE, T_FINAL, T_ELEMENTS, T_INDEX = range(8)


HEAD_DIM = 64
"""Elements of a row; the release knows no other (`minD = sizeD = 64`)."""


def score_lanes(arch: Arch) -> int:
    """Return the keys, or values, of a buffer line."""
    return arch.qk.multipliers // HEAD_DIM


@dataclass(frozen=True)
class _Realign:
    """Elements of the realigner: the widest unit that both what is written and what is read consist of."""

    ports: int
    pushed: int
    held: int


def _realign(arch: Arch) -> _Realign:
    written = arch.fetcher.ports * arch.dram.granule_bytes * 8
    read = [bits * arch.qk.multipliers * FUSED for bits in arch.released.widths]
    element = math.gcd(written, *read)
    pushed, popped = written // element, max(read) // element
    return _Realign(ports=element // (8 * arch.dram.granule_bytes), pushed=pushed, held=2 * max(pushed, popped))


def new_state(arch: Arch, rows: I64, indexes: I64) -> I64:
    """Return the state after reset.

    `rows` has the `N_GIVEN` columns of each row of the request list, `indexes` the row indices of the index memory.
    """
    tables, fifos = _tables(arch, len(rows)), _fifos(arch)
    m = np.zeros(HEADER + sum(tables.values()) + sum(N_FIFO + _ring(n) for n in fifos.values()), np.int64)
    _set_figures(m, arch, len(rows))
    place = HEADER
    for name, size in tables.items():
        m[name] = place
        place += size
    for name, depth in fifos.items():
        m[name], m[place + F_DEPTH], m[place + F_DATA] = place, depth, place + N_FIFO
        m[place + F_MASK] = _ring(depth) - 1
        place += N_FIFO + _ring(depth)
    _begin(m, arch, tables)
    table = row_table(m)
    table[:, :N_GIVEN], table[:, [ACCEPT, RESPONSE]] = rows, -1
    m[m[O_INDEX] : m[O_INDEX] + len(indexes)] = indexes
    return m


def row_table(m: I64) -> I64:
    """Return the rows of the request list, shape ``(rows, N_ROW)``, as a view."""
    return m[m[O_ROW] : m[O_ROW] + m[ROWS] * N_ROW].reshape(-1, N_ROW)


def _figures(arch: Arch, rows: int) -> dict[int, int]:
    d, lanes, realign = arch.released, score_lanes(arch), _realign(arch)
    tree = lanes.bit_length() - 1
    return {
        ROWS: rows, PORTS: arch.fetcher.ports, LANES: lanes, LINES: arch.key_lines, GROUPS: arch.fetcher.ports // lanes,
        INDEXES: arch.key_lines * arch.fetcher.ports, RAM_READY: d.reset_cycles + arch.key_lines // FUSED,
        MANAGER_READY: d.reset_cycles + d.handles, ADDRESSES: d.address_fifo, FLIGHT: d.in_flight,
        RESPONSES: arch.fetcher.fifo_depth, HANDLES: d.handles, REPLAYS: d.replay, PENDING: d.pending,
        BEAT_MASK: _beats(arch) - 1, CHANNELS: arch.dram.channels, ID_MASK: _ids(arch) - 1,
        ELEMENT_PORTS: realign.ports, PUSHED_ELEMENTS: realign.pushed, ELEMENTS: realign.held,
        PRODUCT_TREE: HEAD_DIM.bit_length(), MAXIMUM_TREE: tree,
        VALUE_STAGES: 3 + tree, LSB_BITS: arch.number.lsb_bits, FETCH_LAST: 1, FIRST_BEAT: 1,
        REPLAY_MASK: _ring(d.replay) - 1, LINE_MASK: arch.key_lines - 1,
    }  # fmt: skip


def _set_figures(m: I64, arch: Arch, rows: int) -> None:
    figures = _figures(arch, rows)
    m[list(figures)] = list(figures.values())
    empty = [
        ACCEPTED, SECOND, SECOND_SKID, SECOND_NEW, ADMIT_LOCK, DISPATCHED, KEY_REQUEST, KEY_FETCH, PRODUCT, DECIDED,
        HELD_LOCK, BUFFERED, REBATCHED, RELOAD_1, RELOAD_2, SELECT_LOCK, KEPT, VALUE_FETCH, FETCH_LOCK, SPLIT_1,
        SPLIT_2, RESULT, REALIGNED, CONVERTED,
    ]  # fmt: skip
    m[empty] = -1


def _beats(arch: Arch) -> int:
    """Return the places for beats on their way through the fetcher."""
    return _ring(arch.released.address_fifo + arch.released.in_flight + arch.fetcher.fifo_depth + 8)


def _ids(arch: Arch) -> int:
    """Return the places for requests of a channel on their way."""
    return _ring(arch.released.pending + 4)


def _ring(places: int) -> int:
    """Return the least power of two that is not below `places`."""
    return 1 << (places - 1).bit_length()


def _tables(arch: Arch, rows: int) -> dict[int, int]:
    """Return the size of each table."""
    ports, channels, lines, d = arch.fetcher.ports, arch.dram.channels, arch.key_lines, arch.released
    buffer = REPLAY + _ring(d.replay) * N_REPLAY + lines
    return {
        O_ROW: rows * N_ROW,
        O_INDEX: lines * ports,
        O_KEYS: buffer,
        O_VALUES: buffer,
        O_KEY_LINES: L_TABLE + 2 * d.handles,
        O_VALUE_LINES: L_TABLE + 2 * d.handles,
        O_PORT: ports * N_PORT,
        O_BEAT: _beats(arch) * N_BEAT,
        O_ADDRESS: _beats(arch) * ports * ADDRESS_PARTS,
        O_CHANNEL: channels * N_CHANNEL,
        O_ID: channels * _ids(arch),
        O_READY: channels * _ids(arch),
        O_REQUEST: 2 * REQUEST_RING * (T_INDEX + ports // score_lanes(arch)),
        O_ELEMENT: _realign(arch).held,
        O_PRODUCT: HEAD_DIM.bit_length(),
        O_MAXIMUM: score_lanes(arch).bit_length(),
    }


def _fifos(arch: Arch) -> Mapping[int, int]:
    """Return the depth of each FIFO."""
    d, lines = arch.released, arch.key_lines
    return {
        F_HEADS: d.head_fifo,
        F_SCORES: lines,
        F_HELD: lines * d.held_buffers,
        F_SELECT: lines,
        F_WEIGHTS: arch.fetcher.ports // score_lanes(arch) * FUSED * d.weight_lines,
        F_CONTEXT: d.context_fifo,
    }


def _begin(m: I64, arch: Arch, tables: Mapping[int, int]) -> None:
    for name in (O_PRODUCT, O_MAXIMUM):
        m[m[name] : m[name] + tables[name]] = -1
    for name in (O_KEYS, O_VALUES):
        _empty_buffer(m[m[name] : m[name] + tables[name]], arch)
    port = m[m[O_PORT] : m[O_PORT] + tables[O_PORT]].reshape(-1, N_PORT)
    port[:, [A_NEXT, A_REQUEST, D_LOCK]] = -1
    channel = m[m[O_CHANNEL] : m[O_CHANNEL] + tables[O_CHANNEL]].reshape(-1, N_CHANNEL)
    channel[:, [C_STALLED, C_LOCK]] = -1


def _empty_buffer(b: I64, arch: Arch) -> None:
    b[[G_LINE, P_LINE, B_1, B_1 + 1, B_2, B_2 + 1, B_3, B_LOCK, READ]] = -1
    ports = b[W_PORT:W_BANK].reshape(FUSED, N_W_PORT)
    ports[:, [W_DATA, W_SKID, W_PIPE]] = -1
    banks = b[W_BANK:REPLAY].reshape(FUSED, N_W_BANK)
    banks[:, [K_LINE, K_REPLY, K_STORE]], banks[:, K_LAST] = -1, FUSED - 1
    b[REPLAY + _ring(arch.released.replay) * N_REPLAY :] = -1
