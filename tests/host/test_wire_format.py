"""The bytes on the wire, as docs/reference/host-link.md has them: boards and hosts that are out there know no others.

Where one of these tests fails for a good reason, `PROTOCOL` is another one, so that an older host refuses the board.
"""

from bench.hostlinks import FRAMES, SILENCE, board

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import (
    COUNTER_FIELDS,
    PROTOCOL,
    VERSION_FIELDS,
    Command,
    PrunerFormat,
    ReplyStatus,
    reply,
    request,
)
from tokensieve.arch.host_link import HostLink
from tokensieve.host.driver import HostDriver

VERSION, COUNTERS, SEQUENCE = "a5 01 07 00 00 e4 77", "a5 03 08 00 00 bd b6", "a5 02 09 01 00 4d a1 08"
"""Requests with seq 7, 8 and 9; the last one with a token of id 5 and score 9, in 3 and 4 bits."""


class TransportStub:
    """Gives prepared bytes for each request."""

    def __init__(self, *replies):
        self.replies, self.written = list(map(bytes.fromhex, replies)), []

    def write(self, data):
        self.written.append(data.hex(" "))

    def read(self, seconds):
        return self.replies.pop(0) if self.replies else b""


def test_the_numbers_of_protocol_1_are_these():
    assert PROTOCOL == 1
    assert {one.name: one.value for one in Command} == {"VERSION": 1, "SEQUENCE": 2, "COUNTERS": 3, "RESET": 4}
    assert {one.name: one.value for one in ReplyStatus} == {
        "OK": 0, "BAD_CRC": 1, "UNKNOWN_COMMAND": 2, "BAD_LENGTH": 3, "TIMEOUT": 4
    }  # fmt: skip
    assert list(VERSION_FIELDS.items()) == [("protocol", 1), ("major", 1), ("minor", 1), ("patch", 1), ("digest", 8)]
    assert list(COUNTER_FIELDS.items()) == [
        ("sequences", 4), ("bad_crcs", 2), ("timeouts", 2), ("framing_errors", 2), ("overruns", 2), ("cycles", 6)
    ]  # fmt: skip


def test_frames_of_protocol_1_are_these():
    pruner = PrunerFormat(FixedLengthPruner(max_tokens=4, keep=2, id_bits=16, score_bits=12))
    sequence = pruner.tokens([0x1234, 1], [0xABC, 0])

    assert request(1, 7).hex(" ") == VERSION
    assert request(3, 8).hex(" ") == COUNTERS
    assert request(4, 255).hex(" ") == "a5 04 ff 00 00 52 81"
    assert request(2, 9, FRAMES.tokens([5], [9])).hex(" ") == SEQUENCE
    assert request(2, 9, sequence).hex(" ") == "a5 02 09 08 00 34 12 bc 0a 01 00 00 00 e3 6c"
    assert reply(2, 9).hex(" ") == "5a 02 09 00 00 39 f7"


def test_the_driver_sends_them_and_understands_what_comes():
    line = TransportStub("5a 00 01 14 00 2c 28 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 b4 86")
    host = HostDriver(line, FixedLengthPruner(max_tokens=4, keep=2), HostLink(port="parallel"), 1e6)

    assert host.counters() == {
        "sequences": 0x04030201, "bad_crcs": 0x0605, "timeouts": 0x0807, "framing_errors": 0x0A09,
        "overruns": 0x0C0B, "cycles": 0x1211100F0E0D,
    }  # fmt: skip
    assert line.written == ["a5 03 01 00 00 2c 28"]


def answered(port, *items):
    """Return in hexadecimal what a board answers to bytes and pauses."""
    port.write([one for item in items for one in ([item] if isinstance(item, float) else bytes.fromhex(item))])
    return port.read_all(5 * SILENCE).hex(" ")


def test_a_board_answers_with_these_bytes():
    """What is counted happens so often that no two counters are equal: a sequence, two bad CRCs, three timeouts."""
    port = board()

    assert answered(port, VERSION).startswith("5a 00 07 0e 00 e4 77 01 ")
    assert answered(port, SEQUENCE) == "5a 00 09 08 00 a1 08 cd 00 00 00 00 00 91 16"
    assert answered(port, "a5 05 0a 00 00 44 ff") == "5a 02 0a 00 00 69 ae"  # there is no command 5
    assert answered(port, "a5 03 0b 01 00 00 f1 d6") == "5a 03 0b 00 00 ed ef"  # counters take no payload
    assert answered(port, "a5 01 0c 00 00 00 00" * 2) == "5a 01 0c 00 00 15 87 5a 01 0c 00 00 15 87"
    assert answered(port, *["a5 01 0d", SILENCE] * 3) == " ".join(["5a 04 0d 00 00 60 0c"] * 3)
    assert answered(port, COUNTERS).startswith("5a 00 08 14 00 bd b6 01 00 00 00 02 00 03 00 00 00 00 00 ")


def test_the_two_counters_that_only_a_uart_has_are_framing_errors_and_then_bytes_lost():
    """Three stop bits of a frame are low, all its bits are right."""
    link = HostLink(divisor=4, timeout_cycles=100)
    port, frame = board(link, bit=4.0), bytes.fromhex(VERSION)
    port.write([one for place, byte in enumerate(frame) for one in (byte | (place in {1, 2, 4}) << 8, 4.0)])
    port.read_all(400.0)
    port.write(bytes.fromhex(COUNTERS))

    assert port.read_all(400.0)[15:19] == bytes([3, 0, 0, 0])
