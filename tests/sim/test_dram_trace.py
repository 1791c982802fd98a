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


@pytest.mark.parametrize(
    ("text", "form", "requests"),
    [
        ("0x20 READ 9\n20 WRITE 12\n", "dramsim3", [(32, False, 9), (32, True, 12)]),
        ("LD 0x20\nST 64\n", "ramulator", [(32, False, 0), (64, True, 0)]),
        ("R 0x40\nw 1e2\n", "ramulator", [(64, False, 0), (100, True, 0)]),
        ("0x40 read\n64.0 WRITE\n", "tokensieve", [(64, False, 0), (64, True, 0)]),
        ("18446744073709551615 R\n", "tokensieve", [(2**64 - 1, False, 0)]),
    ],
)
def test_the_forms_of_other_simulators_are_told_by_the_first_request_or_asked_for(text, form, requests, tmp_path):
    path = written(tmp_path, text)
    for got in (read_requests(path), read_requests(path, form)):
        assert got.form == form
        assert list(zip(got.addresses.tolist(), got.writes.tolist(), got.earliest.tolist(), strict=True)) == requests


@pytest.mark.parametrize(
    ("form", "line"),
    [("dramsim3", "0x20 R 9"), ("dramsim3", "0x20 READ"), ("ramulator", "LD 1 2"), ("ramulator", "20")],
)
def test_a_line_of_another_form_than_that_asked_for_is_named_with_what_is_expected(form, line, tmp_path):
    with pytest.raises(WorkloadError, match=r"line 1: expected .* for example .*0x1f40"):
        read_requests(written(tmp_path, line), form)


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
        ("18446744073709551616\n", "line 1: an address must be below 2^64, got 18446744073709551616"),
        ("0 R 9\n0 R 8\n", "line 2: the cycle must be in 9..2^40, got 8"),
        (f"0 R {1 << 41}\n", "line 1: the cycle must be in 0..2^40"),
        ("9" * 5000, f"line 1: an address must be below 2^64, got {'9' * 60}"),
        ("0\n0x" + "f" * 5000, f"line 2: an address must be below 2^64, got 0x{'f' * 58}"),
        ("0\n0 R " + "1" * 5001, f"line 2: the cycle must be in 0..2^40, got {'1' * 60}"),
        ("# nothing\n\n", "holds no request"),
        ("", "holds no request"),
        (b"\xff\xfe0", "is UTF-16 text, UTF-8 is expected"),
    ],
)
def test_a_line_that_is_no_request_is_named(text, message, tmp_path):
    path = written(tmp_path, text)

    with pytest.raises(WorkloadError) as problem:
        read_requests(path)

    assert str(problem.value).startswith(str(path))
    assert message in str(problem.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(WorkloadError, match=r"none\.txt: no such file"):
        read_requests(tmp_path / "none.txt")
