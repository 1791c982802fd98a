"""The host's ports: bytes cross whatever the host's clock, and at the pace that is promised.

Spikes, breaks, bytes that nobody takes, and parallel hosts of any kind are in scenes: ``test_host_faults.py``.
"""

import pytest
from bench.hostports import Loop, SimulatedPort, looped
from bench.hostportscenes import BYTES


@pytest.mark.parametrize(
    ("divisor", "off"), [(16, 0.0), (16, 0.02), (16, -0.02), (4, 0.02), (4, -0.02), (5, 0.02), (33, -0.02)]
)
def test_uart_carries_bytes_from_a_clock_that_is_off_by_2_percent(divisor, off):
    """Without a gap, unless the host is the faster one: what it sends without a gap cannot all be handed back."""
    bit = divisor * (1 + off)
    gap = [bit] if off < 0 else []
    data = [one for byte in BYTES for one in (byte, *gap)]

    came, _, errors = looped(Loop("uart", divisor), data, bit=bit, phase=0.37)

    assert came == BYTES
    assert errors == (0, 0)


def test_uart_receives_without_gaps_from_a_host_that_is_faster():
    """One byte waits on the transmitter at the end of 20, 2 % are less than half of one."""
    came, _, errors = looped(Loop("uart", 16), BYTES, bit=16 / 1.02)

    assert came == BYTES
    assert errors == (0, 0)


def test_uart_sends_a_byte_in_ten_bits():
    """So that the last one of 20 has come after 200 bits and what the loop takes."""
    loop = Loop("uart", 8)
    host = SimulatedPort(loop, loop, bit=8.0)
    host.write(BYTES)
    came = 0
    while came < len(BYTES):
        came += len(host.read(8.0))

    assert host.cycles < 10 * 8 * (len(BYTES) + 1) + 4 * 8


def test_parallel_port_takes_as_many_cycles_a_byte_as_promised():
    """The host answers at once, and its edges lie just before those of the board."""
    loop = Loop("parallel")
    host = SimulatedPort(loop, loop, answer=0.001, phase=0.9)
    host.write(BYTES * 5)
    came = 0
    while came < 5 * len(BYTES):
        came += len(host.read(8.0))

    assert 7 * 5 * len(BYTES) <= host.cycles <= 7 * 5 * len(BYTES) + 24
