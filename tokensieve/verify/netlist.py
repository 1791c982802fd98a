"""A synthesised fixed-length pruner behind its host link against golden's vectors: the netlist that is placed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokensieve.arch.errors import TokensieveError
from tokensieve.arch.host_frames import (
    FRAME_BYTES,
    IN_FLIGHT,
    Command,
    KeptToken,
    PrunerFormat,
    Reply,
    ReplyStatus,
    request,
    take_reply,
)
from tokensieve.arch.machine import Arch
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.bitstream.request import Asked
    from tokensieve.rtl.flow.bitstream.resimulate import Played, Sent
    from tokensieve.rtl.flow.bitstream.synthesis import Netlist
    from tokensieve.rtl.flow.cells import CellFamily


@dataclass(frozen=True, kw_only=True)
class NetlistCheck:
    """What a netlist answered."""

    sequences: int
    """Sequences that were sent."""

    mismatches: int
    """Those that were not answered as golden does, or not at all."""

    cycles: int
    """Cycles that were simulated."""


class Playing:
    """Golden's vectors as requests, and what comes back as a verdict. Sequences that are too long fit in no frame."""

    def __init__(self, arch: Arch, count: int, seed: int) -> None:
        from tokensieve.golden.vectors.fixed_length_pruner import make

        self._frames = PrunerFormat(arch.pruner)
        self._vectors: Vectors = make(arch, count, seed)
        tokens = self._vectors.work["tokens"].tolist()
        self._which = [number for number, count in enumerate(tokens) if count <= arch.pruner.max_tokens]

    @property
    def awaited(self) -> int:
        """Bytes of all replies."""
        return len(self._which) * self._reply_bytes

    @property
    def _reply_bytes(self) -> int:
        return FRAME_BYTES + self._frames.reply_bytes(Command.SEQUENCE)

    def sent(self) -> "Iterator[Sent]":
        """Yield the bytes of the requests, `IN_FLIGHT` of which may be without a reply."""
        from tokensieve.rtl.flow.bitstream.resimulate import Sent

        for place, number in enumerate(self._which):
            ids, scores = (self._vectors.item("inputs", name, number).tolist() for name in ("id", "score"))
            after = max(0, place + 1 - IN_FLIGHT) * self._reply_bytes
            for byte in request(Command.SEQUENCE, place % 256, self._frames.tokens(ids, scores)):
                yield Sent(byte, after)

    def judged(self, played: "Played") -> NetlistCheck:
        """Return how many of golden's answers are not in what came back."""
        came, replies = bytearray(played.came), list[Reply]()
        while (one := take_reply(came, self._frames.longest_reply)) is not None:
            replies.append(one)
        right = sum(self._is_right(place, number, replies) for place, number in enumerate(self._which))
        return NetlistCheck(sequences=len(self._which), mismatches=len(self._which) - right, cycles=played.cycles)

    def _is_right(self, place: int, number: int, replies: list[Reply]) -> bool:
        if place >= len(replies):
            return False
        one, told = replies[place], self._vectors.expected
        columns = (told[name][number].tolist() for name in ("id", "score", "valid"))
        kept = [KeptToken(token, score, bool(valid)) for token, score, valid in zip(*columns, strict=True)]
        answered = (one.status, one.seq) == (ReplyStatus.OK, place % 256)
        return answered and self._frames.kept(one.payload[2:]) == kept


def check_netlist(asked: "Asked", netlist: "Netlist", mhz: float, count: int, seed: int) -> NetlistCheck:
    """Play `count` of golden's vectors to the netlist of what was asked for, made for a clock of `mhz`.

    Raises `TokensieveError` where it has no host link, or is for a family whose cells have no models.
    """
    from tokensieve.rtl.flow.bitstream.resimulate import play
    from tokensieve.rtl.flow.bitstream.units import host_link

    family = checkable(asked)
    playing = Playing(asked.arch, count, seed)
    link = host_link(asked.port, mhz * 1e6 / asked.baud)
    return playing.judged(play(netlist, family, link, list(playing.sent()), playing.awaited))


def checkable(asked: "Asked") -> "CellFamily":
    """Return the family whose models a netlist needs, or raise `TokensieveError` where it cannot be simulated."""
    family = asked.plan.device.family
    if not asked.unit.linked:
        raise TokensieveError(f"a netlist is checked through its host link, which {asked.unit.name} does not have")
    if family == "gowin":
        raise TokensieveError(f"a netlist for {asked.plan.device.name} cannot be checked: its cells have no models")
    return family
