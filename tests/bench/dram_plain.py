"""A plain version of the DRAM kernel: a controller that is stepped clock by clock.

It keeps no timers. Whether a command may issue is asked of the list of all commands before it, pair by pair, by the
JEDEC constraints that `gap` states. What the controller does on each clock, in this order:

1. Requests enter, in the order of the stream: into the window of their channel, else into its FIFO; where both are
   full, the whole stream waits.
2. Of the pseudo-channels that have a command to issue on this clock, the lowest issues it, until none has one. A column
   command goes before a row command, an older request before a younger one. A column command frees a place in the
   window, which the head of the FIFO takes at once: the controller sees it, but its commands wait for the next clock.
3. For a bank the controller considers one command: the column of the oldest request for the open row; without such a
   request, ACT or PRE for the oldest request. Requests of the other direction are not considered. Where pages are
   closed, the column of the last request that wants the row closes it (RDA, WRA).
4. The direction of a pseudo-channel is chosen anew after every request that enters and after every command. Writes go
   once they fill half of the window of the channel or no read is left, and until they fill less than a quarter of it
   while a read waits. A turn takes effect at once, not before.
5. From the clock on at which a refresh is due, only the refresh goes: PREA once every open bank may be precharged
   (nothing if none is open), REF once it may follow. A pseudo-channel issues one row command a clock, so REF is later
   than PREA even where nRP is 0, and it keeps nRC from the last ACT of every bank.

In writing it, three mistakes of the kernel came to light, which were mended there: a turn of direction caused by a
request that entered could issue commands at clocks that had passed; PREA and REF shared a clock where nRP is 0; REF
ignored nRC of the banks that PREA had closed.
"""

from collections import deque
from dataclasses import dataclass, field

from tokensieve.arch.memory import Dram

ROW_COMMANDS, COLUMN_COMMANDS = ("ACT", "PRE", "PREA", "REF"), ("RD", "WR", "RDA", "WRA")


@dataclass(frozen=True)
class Command:
    """A command on the bus of a pseudo-channel; `bank` and `row` are -1 where it has none."""

    clock: int
    kind: str
    bank: int
    row: int


@dataclass
class Request:
    """A granule that is read or written."""

    channel: int
    pseudo: int
    bank: int
    row: int
    write: bool
    number: int
    """Place in the stream."""

    seen: int = 0
    """Clock from which on its commands may issue."""

    end: int = -1
    """Clock at which its last data has passed."""


def decoded(dram: Dram, address: int, write: bool, number: int) -> Request:
    """Return the request for the granule at a byte address."""
    size = {
        "ch": dram.channels,
        "pc": dram.pseudo_channels,
        "bg": dram.bank_groups,
        "ba": dram.banks_per_group,
        "co": dram.row_bytes // dram.granule_bytes,
        "ro": dram.rows,
    }
    rest, part = address // dram.granule_bytes, {}
    for name in reversed(dram.order):
        rest, part[name] = divmod(rest, size[name])
    bank = part["bg"] * dram.banks_per_group + part["ba"]
    return Request(part["ch"], part["pc"], bank, part["ro"], write, number)


def gap(dram: Dram, before: Command, after: str, bank: int) -> int:
    """Return the clocks that must lie between a command and a later one to `bank` (-1: to all banks)."""
    d = dram
    same_bank = bank == before.bank or bank == -1 or before.bank == -1
    same_group = bank // d.banks_per_group == before.bank // d.banks_per_group
    written = d.nCWL + d.nBL
    need = [0]
    if before.kind in ROW_COMMANDS and after in ROW_COMMANDS:
        need.append(d.act_clocks if before.kind == "ACT" else 1)
    if before.kind in COLUMN_COMMANDS and after in COLUMN_COMMANDS:
        need += [d.nBL, d.nCCD_S, d.nCCD_L if same_group else 0]
    if before.kind[:2] == "RD" and after[:2] == "WR":
        need.append(d.nCL + d.nBL + d.nTurn - d.nCWL)
    if before.kind[:2] == "WR" and after[:2] == "RD":
        need += [written + d.nWTR_S, written + d.nWTR_L if same_group else 0]
    if before.kind == "ACT" and after == "ACT":
        need += [d.nRRD_S, d.nRRD_L if same_group else 0]
    if same_bank:
        again, write_rcd = max(d.nRC, d.nRAS + d.nRP), d.nRCD if d.nRCD_WR is None else d.nRCD_WR
        need.append(
            {
                ("ACT", "RD"): d.nRCD,
                ("ACT", "WR"): write_rcd,
                ("ACT", "RDA"): d.nRCD,
                ("ACT", "WRA"): write_rcd,
                ("RDA", "ACT"): d.nRTP + d.nRP,
                ("WRA", "ACT"): written + d.nWR + d.nRP,
                ("RDA", "REF"): d.nRTP + d.nRP,
                ("WRA", "REF"): written + d.nWR + d.nRP,
                ("RDA", "PREA"): d.nRTP,
                ("WRA", "PREA"): written + d.nWR,
                ("ACT", "PRE"): d.nRAS,
                ("ACT", "PREA"): d.nRAS,
                ("ACT", "ACT"): again,
                ("ACT", "REF"): again,
                ("PRE", "ACT"): d.nRP,
                ("PRE", "REF"): d.nRP,
                ("PREA", "REF"): d.nRP,
                ("RD", "PRE"): d.nRTP,
                ("RD", "PREA"): d.nRTP,
                ("WR", "PRE"): written + d.nWR,
                ("WR", "PREA"): written + d.nWR,
                ("REF", "ACT"): d.nRFC,
                ("REF", "REF"): d.nRFC,
            }.get((before.kind, after), 0)
        )
    return max(need)


@dataclass
class Pseudo:
    """A pseudo-channel: what it did, and what it has to do."""

    dram: Dram
    history: list[Command] = field(default_factory=list)
    waiting: list[Request] = field(default_factory=list)
    """Its requests in the window, oldest first."""

    draining: bool = False
    next_step: tuple[int, str, Request | None] | None = None
    """Earliest clock, kind and request of the next command, until something changes."""

    def turn(self) -> None:
        """Choose the direction anew; forget what was planned."""
        self.next_step = None
        writes = sum(r.write for r in self.waiting)
        if not self.waiting:
            return
        if writes == len(self.waiting) or writes * 2 >= self.dram.window:
            self.draining = True
        elif writes == 0 or writes * 4 < self.dram.window:
            self.draining = False

    def open_rows(self) -> dict[int, int]:
        rows: dict[int, int] = {}
        for c in self.history:
            if c.kind == "ACT":
                rows[c.bank] = c.row
            elif c.kind in ("PRE", "RDA", "WRA"):
                del rows[c.bank]
            elif c.kind == "PREA":
                rows.clear()
        return rows

    def earliest(self, kind: str, bank: int) -> int:
        """Return the first clock at which a command may issue, by all that went before."""
        clocks = [c.clock + gap(self.dram, c, kind, bank) for c in self.history]
        if kind == "ACT" and self.dram.nFAW:
            clocks += [c.clock + self.dram.nFAW for c in [a for a in self.history if a.kind == "ACT"][-4:-3]]
        return max(clocks, default=0)

    def refresh_due(self) -> int:
        """Return the clock at which the next refresh is due."""
        return (1 + sum(c.kind == "REF" for c in self.history)) * self.dram.nREFI

    def wishes(self) -> list[tuple[str, Request]]:
        """Return what each bank needs next."""
        rows, banks = self.open_rows(), {}
        for r in self.waiting:
            if r.write == self.draining:
                banks.setdefault(r.bank, []).append(r)
        wishes = []
        for bank, requests in banks.items():
            hits = [r for r in requests if rows.get(bank) == r.row]
            kind = ("WR" if self.draining else "RD") if hits else ("PRE" if bank in rows else "ACT")
            if hits and self.dram.page == "closed" and self.wanting(bank, rows[bank]) == 1:
                kind += "A"
            wishes.append((kind, (hits or requests)[0]))
        return wishes

    def wanting(self, bank: int, row: int) -> int:
        """Return how many requests, of either direction, want a row."""
        return sum((r.bank, r.row) == (bank, row) for r in self.waiting)

    def step(self, clock: int) -> tuple[str, Request | None] | None:
        """Return the command to issue at `clock`, if there is one."""
        if self.dram.refresh and clock >= self.refresh_due():
            kind = "PREA" if self.open_rows() else "REF"
            return (kind, None) if self.earliest(kind, -1) <= clock else None
        if self.next_step is None or self.next_step[0] <= clock:
            timed = [(max(r.seen, self.earliest(kind, r.bank)), kind, r) for kind, r in self.wishes()]
            now = [w for w in timed if w[0] <= clock]
            now.sort(key=lambda w: (w[1] not in COLUMN_COMMANDS, w[2].number))
            self.next_step = now[0] if now else min(timed, key=lambda w: w[0], default=(1 << 60, "", None))
        at, kind, request = self.next_step
        return (kind, request) if at <= clock else None


@dataclass
class Stack:
    """All channels of a stack."""

    dram: Dram
    fifo: int
    pseudos: list[Pseudo] = field(default_factory=list)
    queues: list[deque[Request]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.pseudos = [Pseudo(self.dram) for _ in range(self.dram.channels * self.dram.pseudo_channels)]
        self.queues = [deque() for _ in range(self.dram.channels)]

    def of(self, channel: int) -> list[Pseudo]:
        first = channel * self.dram.pseudo_channels
        return self.pseudos[first : first + self.dram.pseudo_channels]

    def enter(self, r: Request, clock: int) -> bool:
        """Take a request in, if there is room."""
        if sum(len(p.waiting) for p in self.of(r.channel)) < self.dram.window:
            self.let_in(r, clock)
        elif len(self.queues[r.channel]) < self.fifo:
            self.queues[r.channel].append(r)
        else:
            return False
        return True

    def let_in(self, r: Request, clock: int) -> None:
        r.seen = clock
        pseudo = self.of(r.channel)[r.pseudo]
        pseudo.waiting.append(r)
        pseudo.turn()

    def issue(self, pseudo: Pseudo, clock: int, kind: str, r: Request | None) -> None:
        row = -1 if r is None or kind == "PRE" else r.row
        pseudo.history.append(Command(clock, kind, -1 if r is None else r.bank, row))
        if kind in COLUMN_COMMANDS:
            r.end = clock + self.dram.nBL + (self.dram.nCWL if r.write else self.dram.nCL) + self.dram.return_clocks
            pseudo.waiting.remove(r)
            if self.queues[r.channel]:
                self.let_in(self.queues[r.channel].popleft(), clock + 1)
        pseudo.turn()

    def tick(self, channel: int, clock: int) -> None:
        """Issue all commands of a channel that go on this clock."""
        while True:
            for pseudo in self.of(channel):
                chosen = pseudo.step(clock)
                if chosen:
                    self.issue(pseudo, clock, *chosen)
                    break
            else:
                return


def run(dram: Dram, fifo: int, stream: list[tuple[int, bool, int]]) -> tuple[list[int], list[list[Command]]]:
    """Return the clock at which each granule has passed, and the commands of each pseudo-channel up to its last data.

    `stream` holds byte address, whether it is written, and the clock before which it is not sent.
    """
    stack = Stack(dram, fifo)
    requests = [decoded(dram, address, write, i) for i, (address, write, _) in enumerate(stream)]
    clock, sent = 0, 0
    while any(r.end < 0 for r in requests):
        while sent < len(stream) and stream[sent][2] <= clock and stack.enter(requests[sent], clock):
            sent += 1
        for channel in range(dram.channels):
            stack.tick(channel, clock)
        clock += 1
    return [r.end for r in requests], [_worked(p.history) for p in stack.pseudos]


def _worked(history: list[Command]) -> list[Command]:
    """Return the commands up to the last column: the kernel does not log the refreshes of a pseudo-channel at rest."""
    last = max((i for i, c in enumerate(history) if c.kind in COLUMN_COMMANDS), default=-1)
    return history[: last + 1]
