"""Frames as the driver makes and takes them."""

import numpy as np
import pytest

from tokensieve.arch.base import build
from tokensieve.arch.errors import ArchError, WorkloadError
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import KeptToken, PrunerFormat, Reply, crc16, reply, request, take_reply
from tokensieve.arch.host_link import HostLink
from tokensieve.arch.host_rate import host_rate

PRUNER = FixedLengthPruner(max_tokens=5, keep=2, id_bits=9, score_bits=12)
FRAMES = PrunerFormat(PRUNER)


def test_a_request_is_start_byte_command_seq_length_payload_and_crc():
    assert request(2, 7, b"\x01\x02\x03").hex(" ") == "a5 02 07 03 00 01 02 03 " + crc16(
        bytes.fromhex("0207030001 0203".replace(" ", ""))
    ).to_bytes(2, "little").hex(" ")


def test_tokens_are_an_id_below_a_score_and_kept_ones_have_a_flag_above_them():
    assert FRAMES.tokens([0x1FF, 1], [0xABC, 0]).hex(" ") == "ff 79 15 01 00 00"
    assert FRAMES.kept(bytes.fromhex("ff7935 000000")) == [KeptToken(0x1FF, 0xABC, True), KeptToken(0, 0, False)]


def test_the_first_right_reply_is_found_behind_bytes_that_are_none():
    """A start byte whose frame would be too long, or has another CRC, is passed by."""
    right = reply(0, 9, b"\x5a\x00")
    broken = bytearray(reply(0, 8, b"\x01"))
    broken[5] ^= 1
    buffer = bytearray(b"\x00\x5a\x00\x01\xff\xff" + broken + right + right[:4])

    assert take_reply(buffer, most=16) == Reply(0, 9, b"\x5a\x00")
    assert buffer == right[:4]
    assert take_reply(buffer, most=16) is None
    assert buffer == right[:4]


def test_any_split_of_the_bytes_gives_the_same_replies():
    rng = np.random.Generator(np.random.PCG64(3))
    line = b"".join(rng.bytes(int(rng.integers(0, 5))) + reply(0, seq, rng.bytes(4)) for seq in range(40))
    buffer, seqs = bytearray(), []
    while line:
        count = int(rng.integers(1, 9))
        buffer, line = buffer + line[:count], line[count:]
        while (found := take_reply(buffer, most=4)) is not None:
            seqs.append(found.seq)

    assert seqs == list(range(40))


@pytest.mark.parametrize(
    ("ids", "scores", "message"),
    [
        ([1], [], r"scores must be as many as ids, 1, got 0"),
        (range(6), range(6), r"ids must be at most pruner.max_tokens = 5, got 6"),
        ([0, 512], [0, 0], r"ids\[1\] must be in 0..511, got 512"),
        ([0], [-1], r"scores\[0\] must be in 0..4095, got -1"),
        ([0, 1], [0, 9.9], r"scores\[1\] must be a whole number, got 9.9"),
        ([0, 1], [0, 9.0], r"scores\[1\] must be a whole number, got 9.0"),
        (["3"], [0], r"ids\[0\] must be a whole number, got '3'"),
        ([None], [0], r"ids\[0\] must be a whole number, got None"),
        ([0], [True], r"scores\[0\] must be a whole number, got True"),
        ([0], np.array([0.5]), r"scores\[0\] must be a whole number, got (np.float64\()?0.5"),
        ([0], np.array([True]), r"scores\[0\] must be a whole number, got (np.)?True"),
    ],
)
def test_tokens_that_the_unit_cannot_take_are_refused(ids, scores, message):
    with pytest.raises(WorkloadError, match=message):
        FRAMES.tokens(ids, scores)


def test_integers_of_numpy_are_those_of_python():
    ids, scores = np.arange(3, dtype=np.uint8), np.full(3, 4095, np.int16)

    assert FRAMES.tokens(ids, scores) == FRAMES.tokens([0, 1, 2], [4095] * 3)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id_bits": 32, "score_bits": 32}, "pruner.max_tokens must be at most 8191 behind a host link with 8 bytes"),
        ({"id_bits": 32, "score_bits": 31, "keep": 8192}, "pruner.max_tokens must be at most 8191"),
        ({"id_bits": 24, "score_bits": 32, "keep": 8192}, "pruner.keep must be at most 8191 behind a host link"),
    ],
)
def test_sequences_that_are_longer_than_a_frame_are_refused(fields, message):
    with pytest.raises(ArchError, match=message):
        PrunerFormat(FixedLengthPruner(max_tokens=8192, **fields))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"port": "usb"}, "port must be one of uart, parallel, got 'usb'"),
        ({"divisor": 3}, "divisor must be in 4..65536, got 3"),
        ({"divisor": 868, "timeout_cycles": 17359}, "timeout_cycles must be at least 17360, two bytes, got 17359"),
    ],
)
def test_a_bad_field_of_a_port_is_refused_with_its_rule(fields, message):
    with pytest.raises(ArchError, match=message):
        build(HostLink, fields, ArchError)


def test_both_rates_are_told_and_a_port_is_slower_than_the_unit():
    pruner = FixedLengthPruner(max_tokens=128, keep=64)
    rates = {port: host_rate(pruner, HostLink(port=port), 96e6) for port in ("uart", "parallel")}

    assert {rate.compute for rate in rates.values()} == {96e6 / 32}
    assert rates["uart"].port == pytest.approx(3e6 / 10 / (7 + 4 * 128))
    assert rates["parallel"].port == pytest.approx(96e6 / 6 / (7 + 4 * 128))
    assert host_rate(pruner, HostLink(), 96e6, tokens=8).port == pytest.approx(3e6 / 10 / (7 + 2 + 4 * 64))
    assert str(rates["uart"]) == "3,000,000 sequences/s compute-bound, 578.0 port-bound"
