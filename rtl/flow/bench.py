"""The cocotb test that plays all cases of a file and writes what it saw. It runs inside the simulator's process.

What is read at a rising edge is what stood before it: the cycle that it ends. What is written then is for the next one.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from tokensieve.rtl.flow.case import Case, Ports, Record, parts
from tokensieve.rtl.flow.exchange import read_cases, write_records
from tokensieve.rtl.flow.player import Player


@cocotb.test()
async def play_all(dut: Any) -> None:
    """Play every case, each from reset."""
    ports, cases = read_cases(Path(os.environ["TOKENSIEVE_CASES"]))
    Clock(dut.clk, 2, "ns").start()
    records = [await _play(dut, ports, case) for case in cases]
    write_records(Path(os.environ["TOKENSIEVE_RECORDS"]), records)


async def _play(dut: Any, ports: Ports, case: Case) -> Record:
    """Return what was seen after the last reset of a case."""
    for cycles, part in parts(case):
        await _reset(dut, ports, part, cycles)
        record = await _play_part(dut, ports, part)
    return record


async def _play_part(dut: Any, ports: Ports, case: Case) -> Record:
    edge, flags = RisingEdge(dut.clk), _reader(dut, "flags")
    reads = [_reader(dut, f"{port.name}__payload") if port.width else (lambda: 0) for port in ports.watched]
    payloads = [getattr(dut, f"{port.name}__payload", None) for port in ports.sources]
    player, more, driven = Player(ports, case), True, -1
    while more:
        for number, beat in player.payloads:
            payload = payloads[number]
            if payload is not None:
                payload.value = beat
        if player.drive != driven:
            dut.drive.value = driven = player.drive
        await edge
        more = player.step(flags(), lambda number: reads[number]())
    return player.record()


async def _reset(dut: Any, ports: Ports, case: Case, cycles: int) -> None:
    dut.rst.value, dut.drive.value = 1, 0
    for port in ports.constants:
        if port.width:
            getattr(dut, port.name).value = case.constants.get(port.name, 0)
    for _ in range(cycles):
        await RisingEdge(dut.clk)
    dut.rst.value = 0


def _reader(dut: Any, name: str) -> Callable[[], int]:
    """Return a function that reads a signal of `dut` as a whole number."""
    signal = getattr(dut, name)
    return lambda: int(signal.value)
