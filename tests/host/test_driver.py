"""The driver, at a board that is played by a test."""

import sys
from types import SimpleNamespace

import pytest

from tokensieve.arch.errors import LinkError, TokensieveError, ToolError, WorkloadError
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import Command, PrunerFormat, ReplyStatus, reply
from tokensieve.arch.host_link import HostLink
from tokensieve.host.driver import HostDriver
from tokensieve.host.transport import SerialTransport

PRUNER = FixedLengthPruner(max_tokens=4, keep=1, id_bits=4, score_bits=4)
RESET = [Command.RESET]


class Board:
    """Answers each frame that is written as the next one of `answers` says: a function of frame and seq, or None."""

    def __init__(self, *answers):
        self.answers, self.written, self.came = list(answers), [], b""

    def write(self, data):
        self.written.append(data)
        told = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.came += told(data, data[2]) if told else b""

    def read(self, seconds):
        came, self.came = self.came, b""
        return came


def right(frame, seq):
    """Answer a frame without a payload of its own."""
    return reply(ReplyStatus.OK, seq, frame[-2:])


def kept(frame, seq):
    """Answer a sequence: its first token."""
    value = (frame[5] if len(frame) > 7 else 0) | 0x100
    return reply(ReplyStatus.OK, seq, frame[-2:] + value.to_bytes(2, "little"))


def driver(board, **told):
    return HostDriver(board, PRUNER, HostLink(port="parallel"), 1e6, **told)


def broken(data):
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    "answer",
    [
        None,
        lambda frame, seq: broken(right(frame, seq)),
        lambda frame, seq: right(frame, seq)[:-1],
        lambda frame, seq: b"\x5a\x00" + right(frame, seq)[:-3],
        lambda frame, seq: reply(ReplyStatus.BAD_CRC, seq),
        lambda frame, seq: reply(ReplyStatus.TIMEOUT, 0),
        lambda frame, seq: reply(ReplyStatus.OK, seq, b"\x00\x00"),
        lambda frame, seq: reply(ReplyStatus.OK, seq, frame[-2:] + b"\x00"),
        lambda frame, seq: reply(ReplyStatus.OK, seq),
        lambda frame, seq: right(frame, seq ^ 1),
    ],
    ids=[
        "nothing", "bad CRC", "cut off", "late start", "status bad CRC", "status timeout", "echo of another request",
        "too long", "no echo", "seq of another request",
    ],
)  # fmt: skip
def test_whatever_is_no_right_answer_has_the_request_sent_again_with_its_seq(answer):
    board = Board(answer, right)
    host = driver(board)
    host.reset()

    assert host.resent == 1
    assert board.written[0] == board.written[1]


def test_a_start_byte_before_an_answer_does_not_hide_it():
    host = driver(Board(lambda frame, seq: b"\x5a\x01\x02\x01\x00" + right(frame, seq)))
    host.reset()

    assert host.resent == 0


def test_late_answers_to_requests_that_are_over_are_passed_by():
    board = Board(right)
    host = driver(board)
    host.reset()
    board.came += right(board.written[0], board.written[0][2])
    host.reset()

    assert host.resent == 0


def test_two_sequences_are_under_way_and_both_are_sent_again_if_the_first_one_s_answer_is_lost():
    board = Board(None, kept)
    given = [([number], [1]) for number in range(5)]
    answers = list(driver(board).prune(given))

    assert [[one.id for one in answer] for answer in answers] == [[number] for number in range(5)]
    assert [frame[2] for frame in board.written] == [1, 2, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("answer", "said"),
    [(None, "no reply"), (lambda _, seq: reply(ReplyStatus.BAD_LENGTH, seq), "status BAD_LENGTH")],
)
def test_a_board_that_never_answers_is_given_up(answer, said):
    board = Board(answer)

    with pytest.raises(LinkError, match=f"RESET was sent 3 times; the last try got {said}"):
        driver(board, tries=3).reset()
    assert len(board.written) == 3


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"tries": 0}, "tries must be a whole number of 1 or more, got 0"),
        ({"tries": -1}, "tries must be a whole number of 1 or more, got -1"),
        ({"tries": 2.5}, "tries must be a whole number of 1 or more, got 2.5"),
        ({"clock_hz": 0}, "clock_hz must be a finite number above 0, got 0"),
        ({"clock_hz": float("nan")}, "clock_hz must be a finite number above 0, got nan"),
        ({"latency": -1}, "latency must be a finite number of 0 or more, got -1"),
        ({"latency": float("inf")}, "latency must be a finite number of 0 or more, got inf"),
    ],
)
def test_a_driver_with_which_no_request_could_end_is_refused(fields, message):
    with pytest.raises(TokensieveError, match=message):
        HostDriver(Board(None), PRUNER, HostLink(port="parallel"), **{"clock_hz": 1e6, **fields})


def test_nothing_is_sent_until_the_answers_are_asked_for():
    board = Board(kept)
    answers = driver(board).prune([([1], [1])])

    assert board.written == []
    assert len(list(answers)) == len(board.written) == 1


def test_a_line_that_is_never_quiet_is_given_up():
    class Noise(Board):
        def read(self, seconds):
            return b"\x5a\x00\x01" * 5000

    with pytest.raises(LinkError, match="the board must answer within 1048576 bytes"):
        driver(Noise(None)).reset()


def test_a_sequence_that_is_too_long_is_not_sent():
    board = Board(kept)

    with pytest.raises(WorkloadError, match=r"ids must be at most pruner.max_tokens = 4, got 5"):
        list(driver(board).prune([(range(5), range(5))]))
    assert board.written == []


def test_a_serial_port_without_pyserial_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", None)

    with pytest.raises(ToolError, match=r"a serial port needs pyserial: pip install -e '\.\[fpga\]'"):
        SerialTransport("/dev/ttyUSB0", 3_000_000)


class FakePort:
    """A port of pyserial."""

    def __init__(self, name, baud):
        if name == "absent":
            raise OSError("no such file")
        self.name, self.baud, self.sent, self.waiting, self.timeout = name, baud, b"", b"", None

    @property
    def in_waiting(self):
        return len(self.waiting)

    def write(self, data):
        self.sent += data

    def flush(self):
        if self.name == "broken":
            raise OSError("device gone")

    def read(self, count):
        came, self.waiting = self.waiting[:count], self.waiting[count:]
        return came


def test_a_serial_port_hands_all_waiting_bytes_over_and_says_what_fails(monkeypatch):
    monkeypatch.setitem(sys.modules, "serial", SimpleNamespace(Serial=FakePort, SerialException=OSError))
    transport = SerialTransport("ttyUSB0", 115200)
    transport.write(b"abc")
    transport._port.waiting = b"12345"

    assert transport._port.sent == b"abc"
    assert transport.read(0.5) == b"12345"
    assert transport.read(0.25) == b""
    assert transport._port.timeout == 0.25
    with pytest.raises(LinkError, match="port absent at 9600 baud cannot be opened: no such file"):
        SerialTransport("absent", 9600)
    with pytest.raises(LinkError, match="port broken cannot be written: device gone"):
        SerialTransport("broken", 9600).write(b"a")


def test_the_format_s_longest_reply_is_that_of_the_counters_at_a_small_size():
    """A driver that looked for the kept tokens alone would pass the counters by."""
    frames = PrunerFormat(PRUNER)

    assert frames.longest_reply == frames.reply_bytes(Command.COUNTERS) == 20
