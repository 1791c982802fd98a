"""A small pruner behind the host link, what golden says of it, a stand-in for a board, a line that spoils bytes."""

import numpy as np
from bench.hostports import SimulatedPort

from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import COUNTER_FIELDS, Command, KeptToken, PrunerFormat, ReplyStatus, reply
from tokensieve.arch.host_link import HostLink
from tokensieve.golden.vectors.fixed_length_pruner import pruned
from tokensieve.host.driver import HostDriver
from tokensieve.rtl.host.core import HostCore
from tokensieve.rtl.host.top import HostTop

SMALL = FixedLengthPruner(max_tokens=13, keep=6, score_bits=4, id_bits=3, count_stages=1, engines=1)
FRAMES = PrunerFormat(SMALL)
TIMEOUT = 24
SILENCE = TIMEOUT + 8.0
PARALLEL = HostLink(port="parallel", timeout_cycles=TIMEOUT)


def board(link=None, pruner=SMALL, **timing):
    """Return the simulated port of a board; without a link, that of its core, a byte a cycle."""
    component = HostTop(pruner, link) if link else HostCore(pruner, TIMEOUT)
    return SimulatedPort(component, component, **timing)


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


class BoardStub:
    """Stands for a serial port to a board: answers as golden does, at once, what a driver asks it."""

    def __init__(self, pruner):
        self.frames, self.pruner, self.came, self.opened = PrunerFormat(pruner), pruner, b"", None

    def __call__(self, port, baud):
        self.opened = (port, baud)
        return self

    def write(self, frame):
        body = {
            Command.VERSION: lambda: self.frames.version,
            Command.SEQUENCE: lambda: self._kept(frame[5:-2]),
            Command.COUNTERS: lambda: bytes(sum(COUNTER_FIELDS.values())),
        }[frame[1]]()
        self.came += reply(ReplyStatus.OK, frame[2], frame[-2:] + body)

    def read(self, seconds):
        came, self.came = self.came, b""
        return came

    def _kept(self, payload):
        size, bits = self.frames.token_bytes, self.pruner.id_bits
        values = [int.from_bytes(payload[at : at + size], "little") for at in range(0, len(payload), size)]
        kept = golden([one & ((1 << bits) - 1) for one in values], [one >> bits for one in values], self.pruner)
        words = [one.id | one.score << bits | one.valid << (bits + self.pruner.score_bits) for one in kept]
        return b"".join(word.to_bytes(self.frames.kept_bytes, "little") for word in words)


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
