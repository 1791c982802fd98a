"""Sequences per second of a board: as fast as the unit could be, and as fast as its port lets it."""

from dataclasses import dataclass

from tokensieve.arch.fixed_length_law import SequenceWork
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import ECHO_BYTES, FRAME_BYTES, HEADER_BYTES, IN_FLIGHT, Command, PrunerFormat
from tokensieve.arch.host_link import HostLink


@dataclass(frozen=True, kw_only=True)
class HostRate:
    """Sequences per second, *modelled*."""

    compute: float
    """Of the unit at its full input rate: clock / ``law.interval``."""

    port: float
    """Through the port, the host itself taking no time."""

    def __str__(self) -> str:
        return f"{self.compute:,.0f} sequences/s compute-bound, {self.port:,.1f} port-bound"


def host_rate(
    pruner: FixedLengthPruner,
    link: HostLink,
    clock_hz: float,
    *,
    tokens: int | None = None,
    in_flight: int = IN_FLIGHT,
) -> HostRate:
    """Return the rates for sequences of `tokens` tokens, `pruner.max_tokens` unless given.

    A request's bytes, what is done inside and a reply's bytes follow one another, but the reply's first bytes leave
    while the unit works. Of two sequences they overlap, if the host sends the second one before it has the first one's
    reply (`in_flight` = 2, at most).

    >>> board = FixedLengthPruner(max_tokens=128, keep=64)
    >>> print(host_rate(board, HostLink(divisor=32), 96e6))  # 3 Mbaud
    3,000,000 sequences/s compute-bound, 578.0 port-bound
    >>> print(host_rate(board, HostLink(divisor=32), 96e6, in_flight=1))
    3,000,000 sequences/s compute-bound, 382.7 port-bound
    >>> print(host_rate(board, HostLink(port="parallel"), 96e6))
    3,000,000 sequences/s compute-bound, 30,828.5 port-bound
    """
    frames, count = PrunerFormat(pruner), pruner.max_tokens if tokens is None else tokens
    payload = count * frames.token_bytes
    comes = (FRAME_BYTES + payload) * link.in_cycles
    leaves = (FRAME_BYTES + frames.reply_bytes(Command.SEQUENCE)) * link.out_cycles
    beats = -(-count // pruner.lanes)
    works = payload + beats + int(pruner.law.latency(SequenceWork(tokens=count)))
    waits = max(0, works - (HEADER_BYTES + ECHO_BYTES) * link.out_cycles)
    interval = max(comes, leaves, (comes + waits + leaves) / in_flight)
    return HostRate(compute=clock_hz / pruner.law.interval, port=clock_hz / interval)
