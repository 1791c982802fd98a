"""The cocotb test that plays cases on a unit in its AXI4-Stream wrapper, by sources and sinks of cocotbext-axi.

These pause by the clock: a gap of n cycles before a beat is n cycles of pause at the time when the beat would leave if
nothing held it up. A memory answers a fixed time after each request, or later where it pauses. What was really offered
and taken is in the record, which is all that a twin looks at.
"""

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from tokensieve.rtl.axi import Bus
from tokensieve.rtl.flow.axiframe import Transfer, on_bus, read, seen
from tokensieve.rtl.flow.case import Case, Ports, Record, parts
from tokensieve.rtl.flow.exchange import read_cases, write_records
from tokensieve.rtl.flow.player import Player


@cocotb.test()
async def play_all(dut: Any) -> None:
    """Play every case, each from reset."""
    logging.getLogger(f"cocotb.{dut._name}").setLevel(logging.WARNING)
    ports, cases = read_cases(Path(os.environ["TOKENSIEVE_CASES"]))
    Clock(dut.aclk, 2, "ns").start()
    dut.aresetn.value = 0
    bench = _Bench(dut, ports, read(os.environ["TOKENSIEVE_AXI"]))
    records = [await bench.play(case) for case in cases]
    write_records(Path(os.environ["TOKENSIEVE_RECORDS"]), records)


class _Bench:
    """Sources and sinks on all buses of a unit."""

    def __init__(self, dut: Any, ports: Ports, buses: Mapping[str, Bus]) -> None:
        self._dut, self._ports, self._buses, self._edge = dut, ports, buses, RisingEdge(dut.aclk)
        self._sources = {port.name: self._end(AxiStreamSource, f"s_axis_{port.name}") for port in ports.sources}
        self._sinks = {port.name: self._end(AxiStreamSink, f"m_axis_{port.name}") for port in ports.sinks}
        payloads = [self._reader(f"m_axis_{port.name}", buses[port.name]) for port in ports.sinks]
        self._payloads = [*payloads, *(self._event(port.name, port.width) for port in ports.events)]

    def _end(self, kind: Any, prefix: str) -> Any:
        bus = AxiStreamBus.from_prefix(self._dut, prefix)
        return kind(bus, self._dut.aclk, self._dut.aresetn, reset_active_level=False)

    def _reader(self, prefix: str, bus: Bus) -> Callable[[], int]:
        """Return a function that reads the payload that stands on a bus."""
        wires = {"tdata": True, "tkeep": bool(bus.keep), "tlast": bus.last is not None, "tuser": bus.user_bits > 0}
        signals = [getattr(self._dut, f"{prefix}_{wire}") if there else None for wire, there in wires.items()]

        def payload() -> int:
            return seen(bus, Transfer(*(0 if signal is None else int(signal.value) for signal in signals)))

        return payload

    def _event(self, name: str, width: int) -> Callable[[], int]:
        signal = getattr(self._dut, f"{name}__payload") if width else None
        return lambda: 0 if signal is None else int(signal.value)

    async def play(self, case: Case) -> Record:
        """Return what was seen after the last reset of a case."""
        for cycles, part in parts(case):
            await self._reset(part, cycles)
            record = await self._play_part(part)
        return record

    async def _play_part(self, case: Case) -> Record:
        player, more, first = Player(self._ports, case), True, len(self._ports.sources)
        flags = self._dut.flags
        answers = [cocotb.start_soon(self._answer(case, name)) for name in case.after]
        while more:
            await self._edge
            more = player.step(int(flags.value), lambda number: self._payloads[number - first]())
        for answer in answers:
            answer.cancel()
        return player.record()

    async def _answer(self, case: Case, name: str) -> None:
        """Lay each beat of a stream that answers requests ready for the first cycle in which it may be offered.

        That is done in the middle of the cycle before: at its end the source takes up what is ready.
        """
        request, latency = case.after[name]
        streams, half = [port.name for port in self._ports.streams], FallingEdge(self._dut.aclk)
        moves, asked, cycle, sent = 1 << streams.index(request), list[int](), 0, 0
        while True:
            await half
            flags = int(self._dut.flags.value)
            if flags & flags >> len(streams) & moves:
                asked.append(cycle)
            while sent < min(len(asked), len(case.beats[name])) and cycle >= asked[sent] + latency - 1:
                for frame in frames(self._buses[name], [case.beats[name][sent]]):
                    self._sources[name].send_nowait(frame)
                sent += 1
            cycle += 1

    async def _reset(self, case: Case, cycles: int) -> None:
        """Hold the unit in reset, and lay ready what is to be sent."""
        self._dut.aresetn.value = 0
        for port in self._ports.constants:
            if port.width:
                getattr(self._dut, port.name).value = case.constants.get(port.name, 0)
        for end in (*self._sources.values(), *self._sinks.values()):
            end.clear_pause_generator()
            end.pause = False
        for _ in range(cycles):
            await self._edge
        for end in (*self._sources.values(), *self._sinks.values()):
            end.clear()
        for name, source in self._sources.items():
            for frame in frames(self._buses[name], () if name in case.after else case.beats[name]):
                source.send_nowait(frame)
            source.set_pause_generator(_source_pauses(case.gaps.get(name, ())))
        for name, sink in self._sinks.items():
            sink.set_pause_generator(_sink_pauses(case.stalls.get(name, ())))
        self._dut.aresetn.value = 1


def frames(bus: Bus, beats: Sequence[int]) -> Iterator[AxiStreamFrame]:
    """Yield the beats of a stream as frames: packets, or one long one where there is no TLAST."""
    data, keep, user = bytearray(), list[int](), list[int]()
    for number, beat in enumerate(beats, 1):
        transfer = on_bus(bus, beat)
        data += transfer.data.to_bytes(bus.data_bytes, "little")
        keep += [transfer.keep >> byte & 1 for byte in range(bus.data_bytes)]
        user += [transfer.user] * bus.data_bytes
        if number == len(beats) or (bus.last is not None and transfer.last):
            yield AxiStreamFrame(bytes(data), tkeep=keep, tuser=user)
            data, keep, user = bytearray(), [], []


def _source_pauses(gaps: Sequence[int]) -> Iterator[bool]:
    for gap in gaps:
        yield from [True] * gap
        yield False
    yield False


def _sink_pauses(stalls: Sequence[bool]) -> Iterator[bool]:
    yield from map(bool, stalls)
    yield False
