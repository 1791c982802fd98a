"""Frames of the host link: what hardware and driver say to one another, byte for byte.

A request is ``A5 command seq length payload crc``, a reply ``5A status seq length payload crc``. Numbers are
little-endian; length and CRC have 16 bits. The CRC covers all bytes between start byte and CRC.
"""

import hashlib
import json
import operator
from binascii import crc_hqx
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

from tokensieve import __version__
from tokensieve.arch.errors import ArchError, WorkloadError
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner

PROTOCOL = 1
"""Version of the format on this page; a change of any byte is another one."""

REQUEST_START, REPLY_START = 0xA5, 0x5A

HEADER_BYTES = 5
"""Bytes of a frame before its payload: start, command or status, seq, length (2)."""

FRAME_BYTES = HEADER_BYTES + 2
"""Bytes of a frame without its payload: header and CRC."""

ECHO_BYTES = 2
"""A reply with status OK begins its payload with the CRC of the request that it answers."""

IN_FLIGHT = 2
"""Requests that a host may send before it has the first one's reply."""

_CRC_START = 0xFFFF


class Command(IntEnum):
    """What a request asks for."""

    VERSION = 1
    """Versions and digest (`Version`)."""

    SEQUENCE = 2
    """The tokens that are kept of the payload's."""

    COUNTERS = 3
    """What was counted since reset (`Counters`)."""

    RESET = 4
    """Drop what is under way, reset the unit and the counters."""


class ReplyStatus(IntEnum):
    """What has become of a request."""

    OK = 0

    BAD_CRC = 1
    """The frame's bytes do not have its CRC."""

    UNKNOWN_COMMAND = 2
    """The frame's bytes are right, but no such command is known."""

    BAD_LENGTH = 3
    """The payload is longer than any may be, or has not the length that its command takes."""

    TIMEOUT = 4
    """No byte came for too long within a frame."""


VERSION_FIELDS = {"protocol": 1, "major": 1, "minor": 1, "patch": 1, "digest": 8}
"""Fields of the reply to VERSION after the echo, and their bytes."""

COUNTER_FIELDS = {"sequences": 4, "bad_crcs": 2, "timeouts": 2, "framing_errors": 2, "overruns": 2, "cycles": 6}
"""Fields of the reply to COUNTERS after the echo, and their bytes. Each stays at its largest value."""


def crc16(data: bytes) -> int:
    """Return the CRC-16 of `data`: polynomial 0x1021, start 0xFFFF, highest bit first (CRC-16/IBM-3740).

    >>> hex(crc16(b"123456789"))
    '0x29b1'
    """
    return crc_hqx(data, _CRC_START)


def request(command: int, seq: int, payload: bytes = b"") -> bytes:
    """Return the bytes of a request; `seq` 0..255 tells it from others."""
    return _frame(REQUEST_START, command, seq, payload)


def reply(status: int, seq: int, payload: bytes = b"") -> bytes:
    """Return the bytes of a reply."""
    return _frame(REPLY_START, status, seq, payload)


def _frame(start: int, kind: int, seq: int, payload: bytes) -> bytes:
    body = bytes([kind, seq, *len(payload).to_bytes(2, "little")]) + payload
    return bytes([start]) + body + crc16(body).to_bytes(2, "little")


@dataclass(frozen=True)
class Reply:
    """A reply whose CRC is right."""

    status: int
    seq: int
    payload: bytes


def take_reply(buffer: bytearray, most: int) -> Reply | None:
    """Return the first reply in `buffer` and remove it with all before it; None if there is no whole one yet.

    Each start byte is tried: where no right frame with a payload of up to `most` bytes follows, the search goes on
    behind it. What cannot become a reply is removed; what may become one stays.
    """
    while (start := buffer.find(REPLY_START)) >= 0:
        del buffer[:start]
        length = int.from_bytes(buffer[3:HEADER_BYTES], "little")
        end = HEADER_BYTES + length
        if len(buffer) < HEADER_BYTES or (length <= most and len(buffer) < end + 2):
            return None
        if length <= most and crc16(bytes(buffer[1:end])) == int.from_bytes(buffer[end : end + 2], "little"):
            found = Reply(buffer[1], buffer[2], bytes(buffer[HEADER_BYTES:end]))
            del buffer[: end + 2]
            return found
        del buffer[0]
    buffer.clear()
    return None


@dataclass(frozen=True)
class KeptToken:
    """A token of a reply; padding, all zeros, where `valid` is False."""

    id: int
    score: int
    valid: bool


@dataclass(frozen=True)
class PrunerFormat:
    """Bytes of the fixed-length pruner's frames.

    A token of a request is ``id | score << id_bits`` in as few bytes as hold it, little-endian; a token of a reply has
    a bit `valid` above its score.

    Raises `ArchError` if a sequence or its kept tokens do not fit into a frame, or if tokens have embeddings.

    >>> frames = PrunerFormat(FixedLengthPruner(max_tokens=128, keep=64))
    >>> frames.token_bytes, frames.kept_bytes, frames.longest_request, frames.longest_reply
    (4, 4, 512, 258)
    """

    pruner: FixedLengthPruner

    def __post_init__(self) -> None:
        self.pruner.require_plain("behind a host link")
        for name, tokens, fixed, size in (
            ("max_tokens", self.pruner.max_tokens, 0, self.token_bytes),
            ("keep", self.pruner.keep, ECHO_BYTES, self.kept_bytes),
        ):
            most = (0xFFFF - fixed) // size
            if tokens > most:
                raise ArchError(
                    f"pruner.{name} must be at most {most} behind a host link with {size} bytes a token, got {tokens}"
                )

    @property
    def token_bytes(self) -> int:
        """Bytes of a token in a request."""
        return -(-(self.pruner.id_bits + self.pruner.score_bits) // 8)

    @property
    def kept_bytes(self) -> int:
        """Bytes of a token in a reply."""
        return -(-(self.pruner.id_bits + self.pruner.score_bits + 1) // 8)

    @property
    def longest_request(self) -> int:
        """Bytes of the longest payload of a request."""
        return self.pruner.max_tokens * self.token_bytes

    def reply_bytes(self, command: Command) -> int:
        """Return the payload's bytes of a reply to `command` with status OK."""
        body = {
            Command.VERSION: sum(VERSION_FIELDS.values()), Command.COUNTERS: sum(COUNTER_FIELDS.values()),
            Command.SEQUENCE: self.pruner.keep * self.kept_bytes, Command.RESET: 0,
        }  # fmt: skip
        return ECHO_BYTES + body[command]

    @property
    def longest_reply(self) -> int:
        """Bytes of the longest payload of a reply."""
        return max(self.reply_bytes(command) for command in Command)

    @cached_property
    def digest(self) -> bytes:
        """Digest of the pruner's parameters, 8 bytes: the first ones of SHA-256 over their canonical JSON."""
        text = json.dumps(self.pruner.identity, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).digest()[: VERSION_FIELDS["digest"]]

    @property
    def version(self) -> bytes:
        """Fields of the reply to VERSION."""
        return bytes([PROTOCOL, *(int(part) for part in __version__.split(".")[:3])]) + self.digest

    def tokens(self, ids: Sequence[int], scores: Sequence[int]) -> bytes:
        """Return the payload of a request SEQUENCE.

        Raises `WorkloadError` if there are too many tokens, not as many scores as ids, a number is not a whole
        one, or it has too many bits.
        """
        pruner = self.pruner
        if len(ids) != len(scores):
            raise WorkloadError(f"scores must be as many as ids, {len(ids)}, got {len(scores)}")
        if len(ids) > pruner.max_tokens:
            raise WorkloadError(f"ids must be at most pruner.max_tokens = {pruner.max_tokens}, got {len(ids)}")
        whole_ids = _whole("ids", ids, pruner.id_bits)
        whole_scores = _whole("scores", scores, pruner.score_bits)
        values = [one | score << pruner.id_bits for one, score in zip(whole_ids, whole_scores, strict=True)]
        return b"".join(value.to_bytes(self.token_bytes, "little") for value in values)

    def kept(self, body: bytes) -> list[KeptToken]:
        """Return the tokens of a reply to SEQUENCE; `body` is its payload after the echo."""
        pruner, size = self.pruner, self.kept_bytes
        ids, scores = (1 << pruner.id_bits) - 1, (1 << pruner.score_bits) - 1
        values = [int.from_bytes(body[first : first + size], "little") for first in range(0, len(body), size)]
        return [
            KeptToken(one & ids, one >> pruner.id_bits & scores, bool(one >> (pruner.id_bits + pruner.score_bits) & 1))
            for one in values
        ]


def _whole(name: str, values: Sequence[Any], bits: int) -> list[int]:
    """Return `values` as Python's own integers; NumPy's are taken, truth values are not."""
    found = []
    for place, value in enumerate(values):
        try:
            one = operator.index(value)
        except TypeError:
            one = None
        if one is None or isinstance(value, bool):
            raise WorkloadError(f"{name}[{place}] must be a whole number, got {value!r}")
        if not 0 <= one < 1 << bits:
            raise WorkloadError(f"{name}[{place}] must be in 0..{(1 << bits) - 1}, got {one}")
        found.append(one)
    return found
