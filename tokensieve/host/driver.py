"""Talks to the fixed-length pruner on a board, or to a simulation of it."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from tokensieve.arch.errors import LinkError, TokensieveError
from tokensieve.arch.fixed_length_law import SequenceWork
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import (
    COUNTER_FIELDS,
    ECHO_BYTES,
    FRAME_BYTES,
    IN_FLIGHT,
    PROTOCOL,
    VERSION_FIELDS,
    Command,
    KeptToken,
    PrunerFormat,
    Reply,
    ReplyStatus,
    request,
    take_reply,
)
from tokensieve.arch.host_link import HostLink
from tokensieve.host.transport import Transport

_MOST_NOISE = 1 << 20
"""Bytes without an answer among them after which the line is given up."""


@dataclass(frozen=True)
class Version:
    """What a board says that it is."""

    protocol: int

    package: str
    """Version of this package that wrote its hardware."""

    digest: str
    """`PrunerFormat.digest` of its pruner, in hexadecimal."""


@dataclass
class _Pending:
    """A request without its reply."""

    command: Command
    seq: int
    frame: bytes
    tries: int = 1
    """Times that it was sent."""

    @property
    def echo(self) -> bytes:
        """How the payload of its reply begins."""
        return self.frame[-ECHO_BYTES:]


class HostDriver:
    """Sends requests and returns what the replies say.

    A request that is not answered, or not with status OK, is sent again with the same `seq`, after the line was quiet
    for so long that the board waits for a start byte. A reply counts if its CRC is right, its `seq` and its length are
    those that are awaited, and its echo is the CRC of what was sent.

    Parameters
    ----------
    transport : `Transport`
        Port to the board.
    pruner : `FixedLengthPruner`
        The board's configuration; `check` asks the board whether it is.
    link : `HostLink`
        The board's port, from which timeouts follow.
    clock_hz : float
        The board's clock.
    latency : float
        Seconds that the way through this machine and an adapter may take, both ways together.
    tries : int
        Times that a request is sent before `LinkError` is raised.

    Raises
    ------
    TokensieveError
        For a clock, a latency or a number of tries with which no request could end.
    """

    def __init__(
        self,
        transport: Transport,
        pruner: FixedLengthPruner,
        link: HostLink,
        clock_hz: float,
        *,
        latency: float = 0.1,
        tries: int = 5,
    ) -> None:
        if not 0 < clock_hz < inf:
            raise TokensieveError(f"clock_hz must be a finite number above 0, got {clock_hz}")
        if not 0 <= latency < inf:
            raise TokensieveError(f"latency must be a finite number of 0 or more, got {latency}")
        if not isinstance(tries, int) or tries < 1:
            raise TokensieveError(f"tries must be a whole number of 1 or more, got {tries!r}")
        self.frames = PrunerFormat(pruner)
        self.resent = 0
        """Requests that were sent again."""

        self._transport, self._link, self._clock_hz, self._tries = transport, link, clock_hz, tries
        self._silence = 1.25 * link.timeout_cycles / clock_hz + latency
        self._came, self._seq, self._noise = bytearray(), 0, 0

    def version(self) -> Version:
        """Return what the board is."""
        fields = _fields(self._one(Command.VERSION), VERSION_FIELDS)
        package = ".".join(str(fields[name][0]) for name in ("major", "minor", "patch"))
        return Version(fields["protocol"][0], package, fields["digest"].hex())

    def check(self, digest: str | None = None) -> None:
        """Raise `LinkError` if the board speaks another protocol or has another configuration.

        `digest` is that of the configuration in hexadecimal; None: that of the driver's pruner.
        """
        told, digest = self.version(), digest or self.frames.digest.hex()
        if told.protocol != PROTOCOL:
            raise LinkError(f"the board's protocol must be {PROTOCOL}, got {told.protocol}")
        if told.digest != digest:
            raise LinkError(
                f"the digest of the board's pruner must be {digest}, got {told.digest}: load the bitstream of this "
                "report, or open the board with the report of its own bitstream"
            )

    def counters(self) -> dict[str, int]:
        """Return what the board has counted since its reset: `COUNTER_FIELDS`."""
        fields = _fields(self._one(Command.COUNTERS), COUNTER_FIELDS)
        return {name: int.from_bytes(part, "little") for name, part in fields.items()}

    def reset(self) -> None:
        """Have the board drop what is under way and reset its unit and its counters."""
        self._one(Command.RESET)

    def prune(self, sequences: Iterable[tuple[Sequence[int], Sequence[int]]]) -> Iterator[list[KeptToken]]:
        """Yield the tokens that are kept of each of `sequences`, given as ids and scores; two are under way at a time.

        This is a generator: nothing is sent, and nothing refused, until what it returns is iterated.

        Raises `WorkloadError` for a sequence that the unit cannot take, and `LinkError` where no answer is to be had.
        """
        payloads = (self.frames.tokens(ids, scores) for ids, scores in sequences)
        for body in self._exchange(Command.SEQUENCE, payloads):
            yield self.frames.kept(body)

    def _one(self, command: Command) -> bytes:
        (body,) = self._exchange(command, [b""])
        return body

    def _exchange(self, command: Command, payloads: Iterable[bytes]) -> Iterator[bytes]:
        """Yield what the replies hold after their echo, in the order of `payloads`."""
        waiting, pending = iter(payloads), deque[_Pending]()
        while True:
            while len(pending) < IN_FLIGHT and (payload := next(waiting, None)) is not None:
                pending.append(self._send(command, payload))
            if not pending:
                return
            reply = self._receive(pending)
            if reply is not None and self._answers(reply, pending[0]):
                pending.popleft()
                self._noise = 0
                yield reply.payload[ECHO_BYTES:]
            elif reply is None or reply.status != ReplyStatus.OK or reply.seq in {one.seq for one in pending}:
                self._send_again(pending, reply)

    def _send(self, command: Command, payload: bytes) -> _Pending:
        self._seq = (self._seq + 1) % 256
        one = _Pending(command, self._seq, request(command, self._seq, payload))
        self._transport.write(one.frame)
        return one

    def _send_again(self, pending: Iterable[_Pending], reply: Reply | None) -> None:
        """Send all of `pending` again, after a silence; all that comes until then is dropped."""
        while self._read(self._seconds(pending) + self._silence):
            self._came.clear()
        for one in pending:
            if one.tries == self._tries:
                said = "no reply" if reply is None else f"status {_status_name(reply.status)}"
                raise LinkError(f"{one.command.name} was sent {self._tries} times; the last try got {said}")
            one.tries += 1
            self.resent += 1
            self._transport.write(one.frame)

    def _answers(self, reply: Reply, one: _Pending) -> bool:
        """Return whether a reply is the answer to a request."""
        whole = len(reply.payload) == self.frames.reply_bytes(one.command)
        return reply.status == ReplyStatus.OK and reply.seq == one.seq and whole and reply.payload[:2] == one.echo

    def _receive(self, pending: Iterable[_Pending]) -> Reply | None:
        """Return the next reply; None if the line is silent without one."""
        patience = self._seconds(pending) + self._silence
        while True:
            reply = take_reply(self._came, self.frames.longest_reply)
            if reply is not None:
                return reply
            if not self._read(patience):
                break
        while self._came:  # a start byte after which nothing more comes: what follows it may be a reply
            del self._came[0]
            if (reply := take_reply(self._came, self.frames.longest_reply)) is not None:
                return reply
        return None

    def _read(self, seconds: float) -> bool:
        """Take in what comes; return whether anything did within `seconds`."""
        more = self._transport.read(seconds)
        self._came += more
        self._noise += len(more)
        if self._noise > _MOST_NOISE:
            raise LinkError(f"the board must answer within {_MOST_NOISE} bytes, got {self._noise} without an answer")
        return bool(more)

    def _seconds(self, pending: Iterable[_Pending]) -> float:
        """Return how long requests and their replies take on the wires and inside."""
        asked, law = list(pending), self.frames.pruner.law
        comes = sum(len(one.frame) * self._link.in_cycles for one in asked)
        leaves = sum((FRAME_BYTES + self.frames.reply_bytes(one.command)) * self._link.out_cycles for one in asked)
        inside = self.frames.longest_request + int(law.cycles(SequenceWork(tokens=self.frames.pruner.max_tokens)))
        return (comes + leaves + inside) / self._clock_hz


def _fields(body: bytes, sizes: dict[str, int]) -> dict[str, bytes]:
    found, first = dict[str, bytes](), 0
    for name, size in sizes.items():
        found[name] = body[first : first + size]
        first += size
    return found


def _status_name(status: int) -> str:
    known = {one.value: one.name for one in ReplyStatus}
    return known.get(status, str(status))
