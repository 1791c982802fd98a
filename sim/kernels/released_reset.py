"""The released design's state after reset."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.sim.kernels import released_state as s
from tokensieve.sim.kernels.columns import I64

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
    read = [bits * arch.qk.multipliers * s.FUSED for bits in arch.released.widths]
    element = math.gcd(written, *read)
    pushed, popped = written // element, max(read) // element
    return _Realign(ports=element // (8 * arch.dram.granule_bytes), pushed=pushed, held=2 * max(pushed, popped))


def new_state(arch: Arch, rows: I64, indexes: I64) -> I64:
    """Return the state after reset.

    `rows` has the `N_GIVEN` columns of each row of the request list, `indexes` the row indices of the index memory.
    """
    tables, fifos = _tables(arch, len(rows)), _fifos(arch)
    m = np.zeros(s.HEADER + sum(tables.values()) + sum(s.N_FIFO + _ring(n) for n in fifos.values()), np.int64)
    _set_figures(m, arch, len(rows))
    place = s.HEADER
    for name, size in tables.items():
        m[name] = place
        place += size
    for name, depth in fifos.items():
        m[name], m[place + s.F_DEPTH], m[place + s.F_DATA] = place, depth, place + s.N_FIFO
        m[place + s.F_MASK] = _ring(depth) - 1
        place += s.N_FIFO + _ring(depth)
    _begin(m, arch, tables)
    table = s.row_table(m)
    table[:, : s.N_GIVEN], table[:, [s.ACCEPT, s.RESPONSE]] = rows, -1
    m[m[s.O_INDEX] : m[s.O_INDEX] + len(indexes)] = indexes
    return m


def _figures(arch: Arch, rows: int) -> dict[int, int]:
    d, lanes, realign = arch.released, score_lanes(arch), _realign(arch)
    tree = lanes.bit_length() - 1
    return {
        s.ROWS: rows, s.PORTS: arch.fetcher.ports, s.LANES: lanes, s.LINES: arch.key_lines,
        s.GROUPS: arch.fetcher.ports // lanes, s.INDEXES: arch.key_lines * arch.fetcher.ports,
        s.RAM_READY: d.reset_cycles + arch.key_lines // s.FUSED, s.MANAGER_READY: d.reset_cycles + d.handles,
        s.ADDRESSES: d.address_fifo, s.FLIGHT: d.in_flight,
        s.RESPONSES: arch.fetcher.fifo_depth, s.HANDLES: d.handles, s.REPLAYS: d.replay, s.PENDING: d.pending,
        s.BEAT_MASK: _beats(arch) - 1, s.CHANNELS: arch.dram.channels, s.ID_MASK: _ids(arch) - 1,
        s.ELEMENT_PORTS: realign.ports, s.PUSHED_ELEMENTS: realign.pushed, s.ELEMENTS: realign.held,
        s.PRODUCT_TREE: HEAD_DIM.bit_length(), s.MAXIMUM_TREE: tree,
        s.VALUE_STAGES: 3 + tree, s.LSB_BITS: arch.number.lsb_bits, s.FETCH_LAST: 1, s.FIRST_BEAT: 1,
        s.REPLAY_MASK: _ring(d.replay) - 1, s.LINE_MASK: arch.key_lines - 1,
    }  # fmt: skip


def _set_figures(m: I64, arch: Arch, rows: int) -> None:
    figures = _figures(arch, rows)
    m[list(figures)] = list(figures.values())
    empty = [
        s.ACCEPTED, s.SECOND, s.SECOND_SKID, s.SECOND_NEW, s.ADMIT_LOCK, s.DISPATCHED, s.KEY_REQUEST, s.KEY_FETCH,
        s.PRODUCT, s.DECIDED, s.HELD_LOCK, s.BUFFERED, s.REBATCHED, s.RELOAD_1, s.RELOAD_2, s.SELECT_LOCK, s.KEPT,
        s.VALUE_FETCH, s.FETCH_LOCK, s.SPLIT_1, s.SPLIT_2, s.RESULT, s.REALIGNED, s.CONVERTED,
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
    buffer = s.REPLAY + _ring(d.replay) * s.N_REPLAY + lines
    return {
        s.O_ROW: rows * s.N_ROW,
        s.O_INDEX: lines * ports,
        s.O_KEYS: buffer,
        s.O_VALUES: buffer,
        s.O_KEY_LINES: s.L_TABLE + s.N_HANDLE * d.handles,
        s.O_VALUE_LINES: s.L_TABLE + s.N_HANDLE * d.handles,
        s.O_PORT: ports * s.N_PORT,
        s.O_BEAT: _beats(arch) * s.N_BEAT,
        s.O_ADDRESS: _beats(arch) * ports * s.N_ADDRESS,
        s.O_CHANNEL: channels * s.N_CHANNEL,
        s.O_ID: channels * _ids(arch),
        s.O_READY: channels * _ids(arch),
        s.O_REQUEST: 2 * s.REQUEST_RING * (s.T_INDEX + ports // score_lanes(arch)),
        s.O_ELEMENT: _realign(arch).held,
        s.O_PRODUCT: HEAD_DIM.bit_length(),
        s.O_MAXIMUM: score_lanes(arch).bit_length(),
    }


def _fifos(arch: Arch) -> Mapping[int, int]:
    """Return the depth of each FIFO."""
    d, lines = arch.released, arch.key_lines
    return {
        s.F_HEADS: d.head_fifo,
        s.F_SCORES: lines,
        s.F_HELD: lines * d.held_buffers,
        s.F_SELECT: lines,
        s.F_WEIGHTS: arch.fetcher.ports // score_lanes(arch) * s.FUSED * d.weight_lines,
        s.F_CONTEXT: d.context_fifo,
    }


def _begin(m: I64, arch: Arch, tables: Mapping[int, int]) -> None:
    for name in (s.O_PRODUCT, s.O_MAXIMUM):
        m[m[name] : m[name] + tables[name]] = -1
    for name in (s.O_KEYS, s.O_VALUES):
        _empty_buffer(m[m[name] : m[name] + tables[name]], arch)
    port = m[m[s.O_PORT] : m[s.O_PORT] + tables[s.O_PORT]].reshape(-1, s.N_PORT)
    port[:, [s.A_NEXT, s.A_REQUEST, s.D_LOCK]] = -1
    channel = m[m[s.O_CHANNEL] : m[s.O_CHANNEL] + tables[s.O_CHANNEL]].reshape(-1, s.N_CHANNEL)
    channel[:, [s.C_STALLED, s.C_LOCK]] = -1


def _empty_buffer(b: I64, arch: Arch) -> None:
    b[[s.G_LINE, s.P_LINE, s.B_3, s.B_LOCK, s.READ]] = -1
    b[s.B_1 : s.B_1 + s.FUSED] = b[s.B_2 : s.B_2 + s.FUSED] = -1
    ports = b[s.W_PORT : s.W_PORT + s.FUSED * s.N_W_PORT].reshape(s.FUSED, s.N_W_PORT)
    ports[:, [s.W_DATA, s.W_SKID, s.W_PIPE]] = -1
    banks = b[s.W_BANK : s.W_BANK + s.FUSED * s.N_W_BANK].reshape(s.FUSED, s.N_W_BANK)
    banks[:, [s.K_LINE, s.K_REPLY, s.K_STORE]], banks[:, s.K_LAST] = -1, s.FUSED - 1
    b[s.REPLAY + _ring(arch.released.replay) * s.N_REPLAY :] = -1
