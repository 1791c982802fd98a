"""The DRAM controllers' state before the first request: an idle stack with all rows closed."""

import math

import numpy as np

from tokensieve.arch.mapping import ADDRESS_PARTS
from tokensieve.arch.memory import Dram
from tokensieve.sim.kernels import dram_state as s
from tokensieve.sim.kernels.columns import I64

MOST_JOINED = 1 << 24
"""Requests beyond these wait where a place in a queue would be theirs at once."""


def new_state(dram: Dram, mhz: int | None, fifo: int, log: int = 0, requests: int = 0) -> I64:
    """Return the state of an idle stack with all rows closed; `log` is the capacity of the command log.

    `mhz` is the clock of the accelerator; None stands for that of the DRAM. Of `bank-queues`, which lets requests join
    others without taking a place, `requests` (up to MOST_JOINED) may do so at one time, or as many as have places.
    """
    slots = dram.channels * (dram.held + fifo) + 64
    joined = max(slots, min(requests, MOST_JOINED)) if dram.controller == "bank-queues" else 0
    slots += joined
    tables = _tables(dram, fifo, slots, log, joined)
    m = np.zeros(s.HEADER + sum(rows * columns for rows, columns in tables.values()), np.int64)
    _set_timings(m, dram)
    m[[s.WINDOW, s.FIFO, s.SLOTS, s.LOG, s.JOINED]] = dram.window, fifo, slots, log, joined
    m[[s.NUM, s.DEN]] = (1, 1) if mhz is None else (1_000_000, mhz * dram.tCK_ps)
    m[s.LISTS], m[s.ROOM] = _lists(dram)
    set_address(m, dram)
    place, table = s.HEADER, {}
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
        s.O_BANK: (g * d.banks, s.N_BANK),
        s.O_GROUP: (g * (1 + d.bank_groups), s.N_GROUP),
        s.O_PSEUDO: (g, s.N_PSEUDO),
        s.O_ENTRY: (g * d.window if d.controller == "frfcfs" else 0, s.N_ENTRY),
        s.O_CHANNEL: (ch, s.N_CHANNEL),
        s.O_FIFO: (ch * fifo, s.N_FIFO),
        s.O_SLOT: (slots, s.N_SLOT),
        s.O_DONE: (slots, 1),
        s.O_LOG: (log, s.N_LOG),
        s.O_LIST: (ch * lists, s.N_ENTRY),
        s.O_COUNT: (ch * _lists(d)[0], 1),
        s.O_JOINED: (joined, s.N_JOINED),
    }


def _lists(d: Dram) -> tuple[int, int]:
    """Return how many lists a channel has that is stepped by the clock, and the most requests of one."""
    if d.controller == "frfcfs":
        return 0, 0
    if d.controller == "active-buffer":
        return s.L_ACTIVE + 1, d.window
    return s.L_BANK + d.pseudo_channels * d.banks, max(d.window, d.bank_queue)


def _set_timings(m: I64, d: Dram) -> None:
    named = {
        s.CH: d.channels, s.PC: d.pseudo_channels, s.BG: d.bank_groups, s.BA: d.banks_per_group, s.BANKS: d.banks,
        s.BL: d.nBL, s.CL: d.nCL, s.CWL: d.nCWL, s.RCD: d.nRCD, s.RP: d.nRP, s.RAS: d.nRAS, s.RC: d.nRC,
        s.RCD_WR: d.nRCD if d.nRCD_WR is None else d.nRCD_WR, s.CCD_S: max(d.nCCD_S, d.nBL),
        s.CCD_L: max(d.nCCD_L, d.nBL), s.RRD_S: d.nRRD_S, s.RRD_L: d.nRRD_L, s.FAW: d.nFAW, s.RTP: d.nRTP, s.WR: d.nWR,
        s.WTR_S: d.nWTR_S, s.WTR_L: d.nWTR_L, s.TURN: d.nTurn, s.REFRESH: d.refresh, s.RFC: d.nRFC, s.REFI: d.nREFI,
        s.ACT_CLOCKS: d.act_clocks, s.BACK: d.return_clocks, s.CONTROLLER: s.CONTROLLERS.index(d.controller),
        s.BUS: s.BUSES.index(d.command_bus), s.CLOSED: d.page == "closed", s.QUEUE: d.bank_queue,
        s.HIT_LIMIT: d.row_hit_limit or s.FAR, s.GRANULE_SHIFT: d.granule_bytes.bit_length() - 1,
    }  # fmt: skip
    m[list(named)] = list(named.values())


def _begin(d: Dram, table: dict[int, I64]) -> None:
    g = d.channels * d.pseudo_channels
    table[s.O_BANK][:, [s.ROW, s.HEAD, s.CAND]] = -1
    table[s.O_BANK][:, s.GROUP] = np.tile(1 + np.arange(d.banks) // d.banks_per_group, g)
    table[s.O_GROUP][:] = -s.FAR
    table[s.O_PSEUDO][:, s.P_NEXT_REF] = d.nREFI
    table[s.O_PSEUDO][:, s.P_TIME] = s.FAR
    table[s.O_PSEUDO][:, [s.P_READ_AT, *range(s.P_FAW, s.P_FAW + s.FAW_ACTS)]] = -s.FAR
    if d.controller == "frfcfs":
        table[s.O_ENTRY][:, s.LINK] = np.tile(np.arange(1, d.window + 1), g)
    table[s.O_CHANNEL][:, s.NEXT] = s.FAR


def set_address(m: I64, dram: Dram) -> None:
    """Let a state take addresses as `dram` cuts them."""
    sizes = {"co": dram.columns, "pc": dram.pseudo_channels, "ch": dram.channels}
    sizes |= {"bg": dram.bank_groups, "ba": dram.banks_per_group, "ro": dram.rows}
    shift = 0
    for part in reversed(dram.order):
        k = ADDRESS_PARTS.index(part)
        m[s.SHIFT + k], m[s.MASK + k] = shift, sizes[part] - 1
        shift += sizes[part].bit_length() - 1
