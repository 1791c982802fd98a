"""Streams of requests from text files."""

import pytest

from tokensieve.arch import WorkloadError
from tokensieve.sim.dram.trace import read_requests


def written(tmp_path, text):
    path = tmp_path / "requests.txt"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_line_holds_an_address_and_if_wanted_direction_and_cycle(tmp_path):
    text = "0x40\n# a comment\n\n64 R\n128,w,7\n0X1F40\tR\t9 # late\n8000 12\r\n1\n"

    got = read_requests(written(tmp_path, text))

    assert got.addresses.tolist() == [64, 64, 128, 8000, 8000, 1]
    assert got.writes.tolist() == [False, False, True, False, False, False]
    assert got.earliest.tolist() == [0, 0, 7, 9, 12, 12]


@pytest.mark.parametrize("number", ["0" * 6000 + "64", "0x" + "0" * 6000 + "40"])
def test_leading_zeros_count_for_nothing(number, tmp_path):
    got = read_requests(written(tmp_path, f"{number} R {'0' * 6000}7"))

    assert (got.addresses.tolist(), got.earliest.tolist()) == ([64], [7])


def test_a_byte_order_mark_is_passed_over(tmp_path):
    assert read_requests(written(tmp_path, "\ufeff0x40\n")).addresses.tolist() == [64]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0\nzebra\n", "line 2: expected ADDRESS [R|W] [CYCLE], for example 0x1f40 R 12, got 'zebra'"),
        ("-1\n", "line 1: expected ADDRESS"),
        ("1.5\n", "line 1: expected ADDRESS"),
        ("0 X\n", "line 1: expected ADDRESS"),
        ("0 R 1 2\n", "line 1: expected ADDRESS"),
        ("0R\n", "line 1: expected ADDRESS"),
        ("0 R -4\n", "line 1: expected ADDRESS"),
        ("70368744177664\n", "line 1: an address must be below 2^46, got 70368744177664"),
        ("0 R 9\n0 R 8\n", "line 2: the cycle must be in 9..2^40, got 8"),
        (f"0 R {1 << 41}\n", "line 1: the cycle must be in 0..2^40"),
        ("9" * 5000, f"line 1: an address must be below 2^46, got {'9' * 60}"),
        ("0\n0x" + "f" * 5000, f"line 2: an address must be below 2^46, got 0x{'f' * 58}"),
        ("0\n0 R " + "1" * 5001, f"line 2: the cycle must be in 0..2^40, got {'1' * 60}"),
        ("# nothing\n\n", "holds no request"),
        ("", "holds no request"),
        (b"\xff\xfe0", "cannot be read as text"),
    ],
)
def test_a_line_that_is_no_request_is_named(text, message, tmp_path):
    path = written(tmp_path, text)

    with pytest.raises(WorkloadError) as problem:
        read_requests(path)

    assert str(problem.value).startswith(str(path))
    assert message in str(problem.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(WorkloadError, match=r"none\.txt cannot be read as text: No such file"):
        read_requests(tmp_path / "none.txt")
