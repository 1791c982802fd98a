"""The host link: golden's answers over any port, and never a wrong one whatever happens to the bytes."""

import numpy as np
import pytest
from amaranth.sim import Simulator
from bench.hostlinks import FRAMES, PARALLEL, SILENCE, SMALL, TIMEOUT, SpoilingLine, board, driver, golden, sequences

from tokensieve import __version__
from tokensieve.arch.errors import LinkError
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import Command, Reply, ReplyStatus, request, take_reply
from tokensieve.arch.host_link import HostLink
from tokensieve.arch.host_rate import host_rate
from tokensieve.host.driver import Version
from tokensieve.rtl.host.frames import FrameReceiver

TOKEN = ([5], [9])
PAYLOAD = FRAMES.tokens(*TOKEN)


def rng(seed):
    return np.random.Generator(np.random.PCG64(seed))


def replies(port, cycles=5 * SILENCE):
    """Return the replies that come until the line is silent; there is nothing else on it."""
    came, found = bytearray(port.read_all(cycles)), []
    while (reply := take_reply(came, FRAMES.longest_reply)) is not None:
        found.append(reply)
    assert not came
    return found


def until(port, seq):
    """Return the replies that come, up to the one with `seq`."""
    came, found = bytearray(), []
    while not found or found[-1].seq != seq:
        more = port.read(4 * SILENCE)
        assert more, f"no reply {seq} after {found}"
        came += more
        while (reply := take_reply(came, FRAMES.longest_reply)) is not None:
            found.append(reply)
    return found


def is_right(reply, seq, sequence=TOKEN):
    """Return whether a reply is golden's answer."""
    return (reply.status, reply.seq) == (ReplyStatus.OK, seq) and FRAMES.kept(reply.payload[2:]) == golden(*sequence)


@pytest.mark.parametrize(
    ("link", "timing", "count"),
    [
        (None, {}, 16),
        (HostLink(divisor=4, timeout_cycles=100), {"bit": 4.08}, 2),
        (HostLink(divisor=5, timeout_cycles=120), {"bit": 4.9, "phase": 0.6}, 2),
        (PARALLEL, {"answer": 1.7, "phase": 0.4}, 12),
    ],
    ids=["bytes", "uart, host 2 % slow", "uart, host 2 % fast", "parallel"],
)
def test_sequences_come_back_as_golden_keeps_them(link, timing, count):
    """Two at a time, of all lengths, with equal scores."""
    given, host = sequences(rng(1), count), driver(board(link, **timing), link or PARALLEL)

    assert list(host.prune(given)) == [golden(*one) for one in given]
    assert host.resent == 0


@pytest.mark.parametrize(
    "fields", [{"lanes": 1, "id_bits": 9}, {"lanes": 8, "keep": 8, "id_bits": 16, "score_bits": 16}]
)
def test_tokens_of_several_bytes_and_beats_of_any_lanes_come_back(fields):
    pruner = FixedLengthPruner(
        **{"max_tokens": 13, "keep": 5, "score_bits": 4, "engines": 1, "count_stages": 1} | fields
    )
    given = sequences(rng(2), 6, pruner)

    assert list(driver(board(pruner=pruner), pruner=pruner).prune(given)) == [golden(*one, pruner) for one in given]


@pytest.mark.parametrize("seed", range(2))
def test_answers_are_right_whatever_is_flipped_lost_put_in_or_late(seed):
    """On both ways, in one byte of 30."""
    line = SpoilingLine(board(), rng(seed), every=30)
    given, host = sequences(rng(seed + 10), 7, most=9), driver(line, tries=20)

    assert list(host.prune(given)) == [golden(*one) for one in given]
    assert line.spoiled >= 6
    assert host.resent >= 3


@pytest.mark.parametrize("step", [3, pytest.param(1, marks=pytest.mark.long)])
def test_no_flipped_bit_of_a_request_is_answered_with_status_ok(step):
    """And the next request is answered, after a silence. Every third bit reaches all bytes."""
    port, frame = board(), request(Command.SEQUENCE, 7, PAYLOAD)
    for bit in range(0, 8 * len(frame), step):
        spoiled = bytearray(frame)
        spoiled[bit // 8] ^= 1 << bit % 8
        port.write([*spoiled, SILENCE, *request(Command.SEQUENCE, 8, PAYLOAD)])
        *broken, right = until(port, 8)

        assert is_right(right, 8)
        assert all(reply.status != ReplyStatus.OK for reply in broken)


def test_no_byte_lost_or_put_in_costs_the_frame_behind_a_silence():
    """Lost, doubled, or replaced by two. A last byte that comes twice is one behind a right frame."""
    port, frame = board(), request(Command.SEQUENCE, 7, PAYLOAD)
    for place in range(1, len(frame)):
        for put in (b"", frame[place : place + 1] * 2, b"\x00\xff"):
            port.write([*frame[:place], *put, *frame[place + 1 :], SILENCE, *request(Command.SEQUENCE, 8, PAYLOAD)])
            *broken, right = until(port, 8)

            assert is_right(right, 8)
            assert all(reply.status != ReplyStatus.OK or is_right(reply, 7) for reply in broken)


def test_a_frame_right_behind_one_with_a_bad_crc_is_answered():
    """No timeout passes, and the bytes before it are in nobody's way."""
    port, frame = board(), bytearray(request(Command.SEQUENCE, 7, FRAMES.tokens([1, 2], [3, 4])))
    frame[6] ^= 0x10
    port.write([0x00, 0x5A, *frame, *request(Command.SEQUENCE, 8, PAYLOAD)])
    broken, right = replies(port)

    assert (broken.status, broken.seq) == (ReplyStatus.BAD_CRC, 7)
    assert is_right(right, 8)


def test_every_request_that_cannot_be_done_gets_the_status_that_says_why():
    pruner = FixedLengthPruner(max_tokens=13, keep=6, score_bits=4, id_bits=9, engines=1, count_stages=1)
    port, most = board(pruner=pruner), 2 * pruner.max_tokens
    told = [
        (request(Command.SEQUENCE, 1, bytes(most + 1)), ReplyStatus.BAD_LENGTH),
        (request(Command.SEQUENCE, 2, bytes(3)), ReplyStatus.BAD_LENGTH),
        (request(Command.COUNTERS, 3, bytes(2)), ReplyStatus.BAD_LENGTH),
        (request(5, 4), ReplyStatus.UNKNOWN_COMMAND),
        (request(0x82, 5, bytes(2)), ReplyStatus.UNKNOWN_COMMAND),
        (request(Command.VERSION, 6)[:-1], ReplyStatus.TIMEOUT),
        (request(Command.VERSION, 7)[:-1] + b"\x00", ReplyStatus.BAD_CRC),
    ]
    for seq, (frame, status) in enumerate(told, 1):
        port.write([*frame, SILENCE])

        assert replies(port) == [Reply(status, seq, b"")]

    port.write(request(Command.SEQUENCE, 9, bytes(most)))
    (whole,) = replies(port)

    assert (whole.status, whole.seq) == (ReplyStatus.OK, 9)
    assert driver(port, pruner=pruner).counters().items() >= {"sequences": 1, "bad_crcs": 1, "timeouts": 1}.items()


def test_a_byte_takes_4_cycles_and_a_request_is_told_7_after_its_last_one():
    """Which is faster than any port, and what `FrameReceiver` promises."""
    receiver, frame, taken, told = FrameReceiver(FRAMES, TIMEOUT), request(Command.VERSION, 3), [], []

    async def bench(ctx):
        ctx.set(receiver.i.valid, 1)
        for cycle in range(4 * len(frame) + 16):
            ctx.set(receiver.i.payload, frame[min(len(taken), len(frame) - 1)])
            _, _, ready, valid = await ctx.tick().sample(receiver.i.ready, receiver.o.valid)
            taken.extend([cycle] * ready)
            told.extend([cycle] * valid)

    simulator = Simulator(receiver)
    simulator.add_clock(1e-9)
    simulator.add_testbench(bench)
    simulator.run()

    assert set(np.diff(taken)[:4]) == {4}
    assert told[0] == taken[len(frame) - 1] + 7


def test_a_pause_within_a_frame_may_be_shorter_than_the_timeout():
    port, frame = board(), request(Command.VERSION, 3)
    for pause, status in ((TIMEOUT - 4, ReplyStatus.OK), (TIMEOUT + 4, ReplyStatus.TIMEOUT)):
        port.write([*frame[:3], float(pause), *frame[3:]])

        assert [(reply.status, reply.seq) for reply in replies(port)] == [(status, 3)]


@pytest.mark.parametrize(
    ("link", "timing"),
    [
        (HostLink(port="parallel", timeout_cycles=200), {"answer": 0.5}),
        (HostLink(divisor=4, timeout_cycles=200), {"bit": 4.0}),
    ],
    ids=["parallel", "uart"],
)
def test_a_frame_is_given_up_after_the_timeout_of_the_port(link, timing):
    """Counted from the byte before the pause, which takes up to 40 cycles itself."""
    port, frame = board(link, **timing), request(Command.VERSION, 3)
    for pause, status in ((140.0, ReplyStatus.OK), (260.0, ReplyStatus.TIMEOUT)):
        port.write([*frame[:3], pause, *frame[3:]])

        assert [(reply.status, reply.seq) for reply in replies(port, 900.0)] == [(status, 3)]


def test_a_sequence_counts_whatever_its_seq_is():
    port, counted = board(), [0, 1, 85, 127, 128, 170, 254, 255]
    for seq in counted:
        port.write(request(Command.SEQUENCE, seq, PAYLOAD))
        (reply,) = replies(port)

        assert is_right(reply, seq)
    assert driver(port).counters()["sequences"] == len(counted)


def test_payloads_are_not_overwritten_while_replies_wait():
    """Nothing is taken for as long as many more sequences come than there is room for."""
    pruner = SMALL.model_copy(update={"max_tokens": 64, "keep": 2})
    port, given = board(pruner=pruner), [one for one in sequences(rng(4), 9, pruner) if len(one[0]) > 24]
    frames = driver(port, pruner=pruner).frames
    port.stalled = True
    for seq, one in enumerate(given):
        port.write(request(Command.SEQUENCE, seq, frames.tokens(*one)))
    port.run(700.0)
    port.stalled = False
    came = bytearray(port.read_all(200.0))
    found = [take_reply(came, frames.longest_reply) for _ in given]

    assert len(given) >= 5
    assert [frames.kept(one.payload[2:]) for one in found] == [golden(*one, pruner) for one in given]


def test_reset_drops_what_is_under_way_and_clears_the_counters():
    port, long = board(), sequences(rng(5), 1)[0]
    host = driver(port)
    list(host.prune([TOKEN]))
    port.write([*request(Command.SEQUENCE, 90, FRAMES.tokens(*long)), *request(Command.RESET, 91)])
    (reply,) = replies(port)

    assert (reply.status, reply.seq) == (ReplyStatus.OK, 91)
    assert host.counters()["sequences"] == 0
    host.reset()
    assert list(host.prune([long])) == [golden(*long)]
    assert 0 < host.counters()["cycles"] < port.cycles


def test_uart_counts_framing_errors_and_a_right_byte_still_counts():
    """A frame whose stop bits alone were low is a right frame."""
    link = HostLink(divisor=4, timeout_cycles=100)
    port = board(link, bit=4.0)
    host, frame = driver(port, link), request(Command.VERSION, 1)
    port.write([one for byte in frame for one in (byte | 0x100, 4.0)])
    port.run(300.0)
    (reply,) = replies(port, 200.0)

    assert (reply.status, reply.payload[2:]) == (ReplyStatus.OK, FRAMES.version)
    assert host.counters()["framing_errors"] == len(frame)


def test_a_board_says_what_it_is_and_what_it_has_counted():
    host = driver(board())
    host.check()
    list(host.prune([TOKEN] * 3))
    nothing = dict.fromkeys(("bad_crcs", "timeouts", "framing_errors", "overruns"), 0)

    assert host.version() == Version(1, __version__, FRAMES.digest.hex())
    assert host.counters().items() >= {"sequences": 3, **nothing}.items()


def test_a_board_with_other_fields_is_refused():
    other = SMALL.model_copy(update={"keep": 5})

    with pytest.raises(LinkError, match=r"the digest of the board's pruner must be [0-9a-f]{16}, got [0-9a-f]{16}"):
        driver(board(), pruner=other).check()


@pytest.mark.parametrize(
    ("link", "timing", "in_flight"),
    [
        pytest.param(HostLink(divisor=4, timeout_cycles=100), {"bit": 4.0}, 2, marks=pytest.mark.long),
        (PARALLEL, {"answer": 0.001, "phase": 0.9}, 1),
        (PARALLEL, {"answer": 0.001, "phase": 0.9}, 2),
    ],
)
def test_replies_come_as_often_as_the_rate_says(link, timing, in_flight):
    """The host takes no time; what it and the registers between take here is 5 % at most."""
    port, came = board(link, timed=True, step=2.0, **timing), 0
    frame = request(Command.SEQUENCE, 1, FRAMES.tokens([1] * SMALL.max_tokens, range(SMALL.max_tokens)))
    size, count = 7 + FRAMES.reply_bytes(Command.SEQUENCE), in_flight + 2
    port.write(frame * in_flight)
    while came < count * size:
        more = len(port.read(1000.0))
        port.write(frame * ((came + more) // size - came // size))
        came += more
    intervals = np.diff(port.times[size - 1 :: size])
    modelled = 1 / host_rate(SMALL, link, 1.0, in_flight=in_flight).port

    assert np.all(intervals >= 0.99 * modelled)
    assert np.mean(intervals) <= 1.05 * modelled
