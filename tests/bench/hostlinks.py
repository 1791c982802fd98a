"""A small pruner behind the host link, what it has to answer, a stand-in for a board, a line that spoils bytes."""

import numpy as np
from bench.hostports import SimulatedPort

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import (
    COUNTER_FIELDS,
    FRAME_BYTES,
    HEADER_BYTES,
    REQUEST_START,
    Command,
    KeptToken,
    PrunerFormat,
    Reply,
    ReplyStatus,
    crc16,
    reply,
)
from tokensieve.arch.host_link import HostLink
from tokensieve.golden.vectors.fixed_length_pruner import pruned
from tokensieve.host.driver import HostDriver

SMALL = FixedLengthPruner(max_tokens=13, keep=6, score_bits=4, id_bits=3, count_stages=1, engines=1)
FRAMES = PrunerFormat(SMALL)
TIMEOUT = 24
SILENCE = TIMEOUT + 8.0
PARALLEL = HostLink(port="parallel", timeout_cycles=TIMEOUT)


def board(link=None, pruner=SMALL, kind=SimulatedPort, **timing):
    """Return the simulated port of a board; without a link, that of its core, a byte a cycle."""
    from tokensieve.rtl.host.core import HostCore  # here, so that a planted fault is in it
    from tokensieve.rtl.host.top import HostTop

    component = HostTop(pruner, link) if link else HostCore(pruner, TIMEOUT)
    return kind(component, component, **timing)


def driver(transport, link=PARALLEL, pruner=SMALL, **told):
    """Return a driver for which a second is a cycle."""
    return HostDriver(transport, pruner, link, 1.0, latency=8.0, **told)


def sequences(rng, count, pruner=SMALL, most=None):
    """Return sequences of ids and scores, many scores equal, of any length up to `most`."""
    lengths = rng.integers(0, (most or pruner.max_tokens) + 1, count)
    return [(rng.integers(0, 1 << pruner.id_bits, n).tolist(), rng.integers(0, 8, n).tolist()) for n in lengths]


def golden(ids, scores, pruner=SMALL):
    """Return the tokens that golden keeps, padded."""
    places = pruned(pruner, np.array(scores, np.int64))
    kept = [KeptToken(ids[place], scores[place], True) for place in places]
    return kept + [KeptToken(0, 0, False)] * (pruner.keep - len(kept))


class LinkModel:
    """What a board answers to bytes and silences, by the page about the link; `cycles` alone is not counted."""

    def __init__(self, pruner):
        self.frames, self.pruner, self.came = PrunerFormat(pruner), pruner, b""
        self.counts = dict.fromkeys(COUNTER_FIELDS, 0)

    def replies(self, items, silence=TIMEOUT):
        """Yield the replies to bytes and pauses (floats): a silence is a pause of more than `silence` cycles."""
        for item in items:
            status = None
            if not isinstance(item, float):
                self.came += bytes([item]) if self.came or item == REQUEST_START else b""
                status = self._status()
            elif self.came and item > silence:
                status = ReplyStatus.TIMEOUT
            if status is not None:
                yield self._told(status)

    def _status(self):
        """Return the status of a frame; None if it is still to come."""
        frame, length = self.came, int.from_bytes(self.came[3:HEADER_BYTES], "little")
        if len(frame) < HEADER_BYTES:
            return None
        if length > self.frames.longest_request:
            return ReplyStatus.BAD_LENGTH
        if len(frame) < FRAME_BYTES + length:
            return None
        if crc16(frame[1:-2]) != int.from_bytes(frame[-2:], "little"):
            return ReplyStatus.BAD_CRC
        if frame[1] not in [*Command]:
            return ReplyStatus.UNKNOWN_COMMAND
        spare = length % self.frames.token_bytes if frame[1] == Command.SEQUENCE else length
        return ReplyStatus.BAD_LENGTH if spare else ReplyStatus.OK

    def _told(self, status):
        frame, self.came = self.came, b""
        self.counts["bad_crcs"] += status == ReplyStatus.BAD_CRC
        self.counts["timeouts"] += status == ReplyStatus.TIMEOUT
        body = frame[-2:] + self._body(frame[1], frame[HEADER_BYTES:-2]) if status == ReplyStatus.OK else b""
        return Reply(status, frame[2] if len(frame) > 2 else 0, body)

    def _body(self, command, payload):
        if command == Command.VERSION:
            return self.frames.version
        if command == Command.SEQUENCE:
            self.counts["sequences"] += 1
            return self._kept(payload)
        if command == Command.COUNTERS:
            return b"".join(self.counts[name].to_bytes(size, "little") for name, size in COUNTER_FIELDS.items())
        self.counts = dict.fromkeys(COUNTER_FIELDS, 0)
        return b""

    def _kept(self, payload):
        size, ids, scores = self.frames.token_bytes, self.pruner.id_bits, self.pruner.score_bits
        values = [int.from_bytes(payload[at : at + size], "little") for at in range(0, len(payload), size)]
        given = [one % (1 << ids) for one in values], [(one >> ids) % (1 << scores) for one in values]
        words = [one.id | one.score << ids | one.valid << (ids + scores) for one in golden(*given, self.pruner)]
        return b"".join(word.to_bytes(self.frames.kept_bytes, "little") for word in words)


class BoardStub:
    """Stands for a serial port to a board: answers at once what a driver asks it."""

    def __init__(self, pruner):
        self.model, self.came, self.opened = LinkModel(pruner), b"", None

    def __call__(self, port, baud):
        self.opened = (port, baud)
        return self

    def write(self, frame):
        for one in self.model.replies(frame):
            self.came += reply(one.status, one.seq, one.payload)

    def read(self, seconds):
        came, self.came = self.came, b""
        return came


class SpoilingLine:
    """Transport that spoils one byte in about `every`, both ways: a bit flips, or the byte is lost, or another one or
    a pause that is too long comes before it."""

    def __init__(self, port, rng, every):
        self.port, self.rng, self.every, self.spoiled = port, rng, every, 0

    def write(self, data):
        self.port.write(self._spoil(data))

    def read(self, cycles):
        """Return bytes; nothing has come where all are lost, but the line was not silent."""
        while came := self.port.read(cycles):
            spoiled = bytes(one for one in self._spoil(came) if not isinstance(one, float))
            if spoiled:
                return spoiled
        return b""

    def _spoil(self, data):
        out = []
        for byte in data:
            kind = self.rng.integers(0, 4 * self.every)
            self.spoiled += int(kind < 4)
            flip = 1 << int(self.rng.integers(0, 8))
            out += [[byte ^ flip], [], [flip ^ 0xA5, byte], [1.5 * TIMEOUT, byte]][kind] if kind < 4 else [byte]
        return out
