"""A board is opened by the report beside its bitstream, and asked whether it is the one that the report is about."""

import json

import pytest
from bench.hostlinks import BoardStub

from tokensieve.arch.errors import LinkError
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import PrunerFormat
from tokensieve.host import board as boards
from tokensieve.host.board import open_board

PRUNER = FixedLengthPruner(max_tokens=8, keep=2, id_bits=4, score_bits=4)
REPORT = {
    "unit": "fixed-length-pruner", "parameters": PRUNER.model_dump(mode="json"), "clock_mhz": 96.0, "baud": 3_000_000,
    "digest": PrunerFormat(PRUNER).digest.hex(),
    "host_link": {"port": "uart", "divisor": 32, "timeout_cycles": 1 << 22},
}  # fmt: skip


@pytest.fixture
def report(tmp_path):
    def write(told):
        (tmp_path / "report.json").write_text(told if isinstance(told, str) else json.dumps(told))
        return tmp_path / "report.json"

    return write


def test_the_driver_is_the_one_of_the_report(report, monkeypatch):
    stub = BoardStub(PRUNER)
    monkeypatch.setattr(boards, "SerialTransport", stub)

    board = open_board(report(REPORT), "/dev/ttyUSB0")

    assert stub.opened == ("/dev/ttyUSB0", 3_000_000)
    [kept] = board.prune([([1, 2, 3], [5, 9, 5])])
    assert [(token.id, token.score) for token in kept] == [(1, 5), (2, 9)]


def test_a_board_with_other_parameters_is_refused(report, monkeypatch):
    monkeypatch.setattr(boards, "SerialTransport", BoardStub(FixedLengthPruner(max_tokens=8, keep=3)))

    with pytest.raises(LinkError, match=r"pruner must be \w+, got \w+: load the bitstream of this report, or open"):
        open_board(report(REPORT), "/dev/ttyUSB0")


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("[" * 200_000, r"report.json: no JSON; `tokensieve fpga build` writes report.json beside the bitstream"),
        ("{", r"report.json: no JSON; `tokensieve fpga build` writes report.json beside the bitstream"),
        ("[]", "no report of a bitstream with a host link: the report: "),
        ({**REPORT, "host_link": None}, "with a host link: host_link: "),
        ({**REPORT, "clock_mhz": 0}, "clock_mhz: Input should be greater than 0"),
        ({**REPORT, "parameters": {"keep": 999}}, r"parameters: .*keep must be at most max_tokens = 128, got 999"),
        ({**REPORT, "digest": "x"}, "digest: String should match pattern"),
        (
            {**REPORT, "host_link": {"port": "parallel"}},
            "host_link.port must be uart for a serial port, got parallel",
        ),
    ],
)
def test_what_is_no_report_of_such_a_board_is_refused(report, told, message):
    with pytest.raises(LinkError, match=message):
        open_board(report(told), "/dev/ttyUSB0")


def test_a_report_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(LinkError, match=r"absent.json: No such file"):
        open_board(tmp_path / "absent.json", "/dev/ttyUSB0")


def test_a_board_is_waited_for_as_long_as_its_clock_makes_the_timeout(report, monkeypatch):
    """Of 2^22 cycles at 96 MHz, a quarter more, and 0.1 s for the way there: not for minutes, nor for no time."""
    stub, waited = BoardStub(PRUNER), []

    def read(seconds, read=stub.read):
        waited.append(seconds)
        return read(seconds)

    monkeypatch.setattr(stub, "read", read)
    monkeypatch.setattr(boards, "SerialTransport", stub)
    open_board(report(REPORT), "/dev/ttyUSB0")

    assert waited == [pytest.approx(1.25 * 2**22 / 96e6 + 0.1, rel=0.01)]
