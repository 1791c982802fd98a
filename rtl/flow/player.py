"""Plays one case against a unit, cycle by cycle, for whichever simulator: what to drive next, and what was seen.

The bits of a cycle travel as whole numbers. `flags` has one bit per stream (sources, then sinks) for `valid`, as many
for `ready`, then one per event; `drive` has the sources' `valid` and the sinks' `ready`, in the same order.
"""

from collections.abc import Callable, Iterable
from itertools import chain

import numpy as np

from tokensieve.rtl.flow.case import Bits, Case, Ports, Record

ReadPayload = Callable[[int], int]
"""Returns the payload, in the present cycle, of the sink or event with this position among ``ports.watched``."""


class _Source:
    """One input stream: which beat is next, and when it may be offered."""

    def __init__(self, beats: list[int], gaps: list[int], latency: int) -> None:
        self.beats, self.latency = beats, latency
        self.gaps = gaps + [0] * (len(beats) - len(gaps))
        self.next, self.free_at = 0, self.gaps[0] if beats else 0
        self.asked: list[int] | None = None
        """Cycles of the transfers of the stream whose beats it answers."""

    def offers(self, cycle: int) -> bool:
        """Return whether its next beat is on offer in `cycle`."""
        if self.next >= len(self.beats) or cycle < self.free_at:
            return False
        if self.asked is None:
            return True
        return self.next < len(self.asked) and cycle >= self.asked[self.next] + self.latency

    def sent(self, cycle: int) -> None:
        """Take note that the beat was accepted in `cycle`."""
        self.next += 1
        if self.next < len(self.beats):
            self.free_at = cycle + 1 + self.gaps[self.next]


class Player:
    """Plays one case.

    `drive` and `payloads` are for the cycle that comes next; `step` is called with what was seen in it, and returns
    whether another cycle follows.
    """

    def __init__(self, ports: Ports, case: Case) -> None:
        check(ports, case)
        self._ports, self._case = ports, case
        self._streams, self._first_sink = len(ports.streams), len(ports.sources)
        self._mask = (1 << self._streams) - 1
        self._cycle, self._end, self._flags = 0, case.limit, list[int]()
        self._cycles = [list[int]() for _ in ports.watched]
        self._seen = [list[int]() for _ in ports.watched]
        self._missing = sum(case.expect.values()) + sum(len(beats) for beats in case.beats.values())
        self._owed = [case.expect[port.name] for port in ports.sinks]
        self._held: dict[int, int] = {}
        self._broken: list[tuple[int, int]] = []
        self._sources = [self._source(port.name) for port in ports.sources]
        self._stalls = [list(map(bool, case.stalls.get(port.name, ()))) for port in ports.sinks]
        self._link()
        self.complete = False
        self.drive = 0
        self.payloads: list[tuple[int, int]] = []
        self._prepare()

    def _source(self, name: str) -> _Source:
        gaps = list(map(int, self._case.gaps.get(name, ())))
        return _Source(list(self._case.beats[name]), gaps, self._case.after.get(name, ("", 1))[1])

    def _link(self) -> None:
        place = {port.name: number for number, port in enumerate(self._ports.streams)}
        for source, port in zip(self._sources, self._ports.sources, strict=True):
            if port.name in self._case.after:
                source.asked = self._cycles[place[self._case.after[port.name][0]]]

    def _prepare(self) -> None:
        """Set what is driven in the present cycle. A payload is told when its beat is first on offer."""
        before, self.drive, self.payloads = self.drive, 0, []
        for number, source in enumerate(self._sources):
            if source.offers(self._cycle):
                self.drive |= 1 << number
                if not before >> number & 1 or self._cycles[number][-1:] == [self._cycle - 1]:
                    self.payloads.append((number, source.beats[source.next]))
        for number, stalls in enumerate(self._stalls):
            if self._cycle >= len(stalls) or not stalls[self._cycle]:
                self.drive |= 1 << self._first_sink + number

    def step(self, flags: int, read: ReadPayload) -> bool:
        """Take note of what was seen in the present cycle, and go on to the next."""
        self._flags.append(flags)
        valid, rest = flags & self._mask, flags >> self._streams
        moved = valid & rest
        events = rest >> self._streams
        if moved or events:
            self._note(moved | events << self._streams, read)
        if self._held or valid & ~rest:
            self._watch(valid, valid & ~rest & self._mask, read)
        self._cycle += 1
        if self._cycle >= self._end:
            return False
        self._prepare()
        return True

    def _note(self, bits: int, read: ReadPayload) -> None:
        while bits:
            number = (bits & -bits).bit_length() - 1
            bits &= bits - 1
            if number < self._first_sink:
                source = self._sources[number]
                payload = source.beats[source.next]
                source.sent(self._cycle)
                self._missing -= 1
            else:
                payload = read(number)
                self._count(number - self._first_sink)
                if self._held and self._held.pop(number, payload) != payload:
                    self._broken.append((self._cycle, number))
            self._cycles[number].append(self._cycle)
            self._seen[number].append(payload)
        if not self._missing and not self.complete:
            self.complete, self._end = True, min(self._case.limit, self._cycle + 1 + self._case.tail)

    def _count(self, sink: int) -> None:
        if sink < len(self._owed) and self._owed[sink] > 0:
            self._owed[sink] -= 1
            self._missing -= 1

    def _watch(self, valid: int, waiting: int, read: ReadPayload) -> None:
        """Compare a beat that waits with what it was when it began to, and note one that has gone."""
        for number in [number for number in self._held if not valid >> number & 1]:
            del self._held[number]
            self._broken.append((self._cycle, number))
        for number in range(self._first_sink, self._streams):
            if waiting >> number & 1 and number not in self._held:
                self._held[number] = read(number)

    def record(self) -> Record:
        """Return what was seen."""
        names = [port.name for port in self._ports.watched]
        seen = [tuple(zip(*pair, strict=True)) for pair in zip(self._cycles, self._seen, strict=True)]
        bits = _columns(self._flags, 2 * self._streams)
        streams = range(self._streams)
        nothing_missing = self.complete or not self._missing
        return Record(
            transfers={names[number]: seen[number] for number in streams},
            valid={names[number]: bits[number] for number in streams},
            ready={names[number]: bits[self._streams + number] for number in streams},
            events=dict(zip(names[self._streams :], seen[self._streams :], strict=True)),
            broken=tuple(self._broken),
            cycles=len(self._flags),
            complete=nothing_missing,
        )


def _columns(values: list[int], width: int) -> list[Bits]:
    """Return the lowest `width` bits of whole numbers, bit by bit."""
    whole = np.array(values, dtype=np.uint64)
    return [(whole >> np.uint64(bit) & np.uint64(1)).astype(np.bool_) for bit in range(width)]


def check(ports: Ports, case: Case) -> None:
    """Refuse a case that does not fit the ports: whoever wrote it made a mistake, and would learn it late."""
    sources, sinks = [p.name for p in ports.sources], [p.name for p in ports.sinks]
    _names("beats", case.beats, sources, whole=True)
    _names("expect", case.expect, sinks, whole=True)
    _names("gaps", case.gaps, sources)
    _names("stalls", case.stalls, sinks)
    _names("after", case.after, sources)
    _names("constants", case.constants, [p.name for p in ports.constants])
    _names("after", {request: None for request, _ in case.after.values()}, sources + sinks)
    if any(latency < 1 for _, latency in case.after.values()):
        raise ValueError("after: a response comes at least 1 cycle later than its request")
    if min(case.resets, default=1) < 1:
        raise ValueError("resets: at least 1 cycle passes before each")
    if min(chain(case.expect.values(), *case.gaps.values()), default=0) < 0 or case.limit < 1 or case.tail < 0:
        raise ValueError("expect, gaps, limit and tail are counts: none is negative, and limit is at least 1")
    for port in (*ports.sources, *ports.constants):
        given = case.beats.get(port.name) or [case.constants.get(port.name, 0)]
        if min(given) < 0 or max(given) >> port.width:
            raise ValueError(f"{port.name}: payloads must fit in {port.width} bits")
    if len(ports.watched) + len(ports.streams) > 64:
        raise ValueError("more streams than the bits of one word can hold")


def _names(what: str, given: Iterable[str], known: list[str], whole: bool = False) -> None:
    names = set(given)
    if names - set(known):
        raise ValueError(f"{what}: unknown port {sorted(names - set(known))[0]!r}, known: {', '.join(known)}")
    if whole and set(known) - names:
        raise ValueError(f"{what}: {sorted(set(known) - names)[0]!r} is missing")
