"""A plain version of the controllers stepped by the clock, for one channel and a stream sent as fast as it is taken.

It keeps no timers: whether a command may issue is asked of the commands before it, by the laws of `dram_law`. What a
controller does on a clock stands in `docs/reference/dram.md`; the order within a clock is that of `clock` below.
"""

from dataclasses import dataclass, field

from bench.dram_law import ACT, COLUMN, PRE, PREA, RD, RDA, REF, WR, WRA, Spacing, spacings
from bench.dram_plain import decoded

BUSES = ("row bus", "command bus")
"""Laws that the controller keeps by what it issues in one clock.

In `bank-queues`, a queue whose row command comes second in a clock, and has to wait for that, has had its turn.
"""


@dataclass(eq=False)
class Request:
    """A granule that is read or written; `bank` counts on over the pseudo-channels."""

    bank: int
    row: int
    write: bool
    number: int
    address: int
    taken: int = -1
    joined: list = field(default_factory=list)  # numbers of the requests that are served with it


@dataclass
class Controller:
    """One channel."""

    dram: object
    t: int = 0
    log: list = field(default_factory=list)  # (clock, pseudo-channel, command, bank, row)
    reads: list = field(default_factory=list)
    writes: list = field(default_factory=list)
    active: list = field(default_factory=list)
    turn: int = 0
    drain: int = 0
    shut: dict = field(default_factory=dict)  # bank: clock at which its row, closed by itself, is closed
    first: dict = field(default_factory=dict)  # the first command issued for each request, by its number

    def __post_init__(self):
        d = self.dram
        columns = Spacing("nBL", COLUMN, COLUMN, "pseudo", d.nBL)  # also where the data of a write would come later
        self.laws = [columns, *(s for s in spacings(d) if s.law not in BUSES)]
        self.queues = [[] for _ in range(d.pseudo_channels * d.banks)]
        self.rows, self.used, self.ends = {}, {}, {}
        self.waiting, self.due = set(), [d.nREFI] * d.pseudo_channels
        self.banked = d.controller == "bank-queues"

    def ready(self, kind, bank, row=-1):
        """Return whether a command may issue now; bank -1 - g stands for all banks of pseudo-channel g."""
        d, g = self.dram, bank // self.dram.banks if bank >= 0 else -1 - bank
        own = set(range(d.banks)) if bank < 0 else {bank % d.banks}
        groups = {b // d.banks_per_group for b in own}
        for clock, other, before, b, _ in self.log:
            theirs = set(range(d.banks)) if b < 0 else {b}
            same = {
                "channel": True,
                "pseudo": g == other,
                "group": g == other and groups & {x // d.banks_per_group for x in theirs},
                "bank": g == other and own & theirs,
            }
            for s in self.laws:
                if before in s.before and kind in s.after and same[s.scope] and self.t < clock + s.clocks:
                    return False
        if kind in (ACT, REF, PREA):
            shut = max(self.shut.get(g * d.banks + b, -d.nRP) for b in own)
            if self.t < shut + (0 if kind == PREA else d.nRP):
                return False
        acts = [c for c, other, k, *_ in self.log if k == ACT and other == g]
        return kind != ACT or len(acts) < 4 or self.t >= acts[-4] + d.nFAW

    def issue(self, kind, bank, row=-1):
        g, own = (bank // self.dram.banks, bank % self.dram.banks) if bank >= 0 else (-1 - bank, -1)
        self.log.append((self.t, g, kind, own, row))

    def take(self, r):
        """Let a request in, or, with bank queues, join one that waits for its address."""
        waiting = [x for queue in (self.reads, self.writes, *self.queues) for x in queue if x.address == r.address]
        write, read = (next((x for x in waiting if x.write is w), None) for w in (True, False))
        if self.banked and write and not r.write:
            self.ends[r.number] = self.t + 1 + self.dram.return_clocks
        elif self.banked and (write if r.write else read):
            (write if r.write else read).joined.append(r.number)
        else:
            r.taken = self.t
            (self.writes if r.write else self.reads).append(r)

    def needs(self, r):
        """Return the command that a request needs next."""
        row = self.rows.get(r.bank)
        return ACT if row is None else (WR if r.write else RD) if row == r.row else PRE

    def clock(self):
        """Refresh first, then one command or a row and a column command, then one request to the queue of its bank."""
        first = self.refresh()
        for _ in range(0 if first and self.dram.command_bus == "single" else 1 + (self.dram.command_bus == "channel")):
            where, r = self.choose_queue() if self.banked else self.choose_buffer()
            if r is None or (first and (first in ("RD", "WR")) == (self.needs(r) in (RD, WR))):
                break
            if first == "refresh" and self.needs(r) not in (RD, WR):
                break
            second = bool(first)
            first = "RD" if self.needs(r) in (RD, WR) else "ACT"
            self.serve(where, r)
            if second:
                break
        if self.banked:
            self.deal()
        self.t += 1

    def refresh(self):
        d = self.dram
        for g in range(d.pseudo_channels if d.refresh else 0):
            if g not in self.waiting and self.t >= self.due[g]:
                self.waiting.add(g)
                self.due[g] += d.nREFI
        for g in sorted(self.waiting):
            banks = range(g * d.banks, (g + 1) * d.banks)
            opened = [b for b in banks if b in self.rows]
            if not opened:
                if self.ready(REF, -1 - g):
                    self.issue(REF, -1 - g)
                    self.waiting.discard(g)
                    return "refresh"
            elif self.banked:
                for b in opened:
                    if self.ready(PRE, b):
                        self.close(b)
                        return "refresh"
            elif not any(r.bank in banks for r in self.active) and self.ready(PREA, -1 - g):
                self.issue(PREA, -1 - g)
                for b in opened:
                    del self.rows[b]
                return "refresh"
        return None

    def choose_queue(self):
        n = len(self.queues)
        for _ in range(n):
            self.turn = (self.turn + 1) % n
            queue = self.queues[self.turn]
            if self.turn // self.dram.banks not in self.waiting:
                for r in queue:
                    kind = self.needs(r)
                    if kind == PRE and (r is not queue[0] or not self.may_close(queue)):
                        continue
                    if self.ready(kind, r.bank):
                        return queue, r
        return None, None

    def may_close(self, queue):
        limit, bank = self.dram.row_hit_limit, queue[0].bank
        wanted = any(r.row == self.rows[bank] for r in queue)
        return not wanted or (limit and self.used[bank] >= limit)

    def choose_buffer(self):
        buffers = [self.active]
        if not self.waiting:
            buffers.append(None)
        for buffer in buffers:
            if buffer is None:
                buffer = self.direction()
            able = [r for r in buffer if self.ready(self.needs(r), r.bank)]
            if able:
                r = min(able, key=lambda r: r.taken)  # of those taken together the first in the buffer
                held = self.needs(r) == PRE and any(a.bank == r.bank for a in self.active)
                return (None, None) if held else (buffer, r)
        return None, None

    def direction(self):
        n, size = len(self.writes), max(self.dram.window - 1, 1)
        if self.drain and self.reads and 5 * n < size:
            self.drain = 0
        elif not self.drain and (not self.reads or 5 * n > 4 * size):
            self.drain = 1
        return self.writes if self.drain else self.reads

    def serve(self, where, r):
        kind = self.needs(r)
        self.first.setdefault(r.number, kind)
        if kind == PRE:
            self.close(r.bank)
        elif kind == ACT:
            self.issue(ACT, r.bank, r.row)
            self.rows[r.bank], self.used[r.bank] = r.row, 0
            if not self.banked and where is not self.active and len(self.active) < self.dram.window:
                where.remove(r)
                self.active.append(r)
        else:
            alike = where if self.banked else self.reads + self.writes + self.active
            last = self.dram.page == "closed" and sum((x.bank, x.row) == (r.bank, r.row) for x in alike) == 1
            self.issue((RDA - RD if last else 0) + kind, r.bank, r.row)
            self.used[r.bank] += 1
            if last:
                del self.rows[r.bank]
                self.shut[r.bank] = self.closes_at(r.bank)
            where.remove(r)
            d = self.dram
            end = self.t + (d.nCWL if r.write else d.nCL) + d.nBL + d.return_clocks
            self.ends.update(dict.fromkeys([r.number, *r.joined], end))

    def closes_at(self, bank):
        """Return the clock from which the row that is open in a bank may be closed, by what it was used for."""
        d, at = self.dram, 0
        spans = {ACT: d.nRAS, RD: d.nRTP, RDA: d.nRTP, WR: d.nCWL + d.nBL + d.nWR, WRA: d.nCWL + d.nBL + d.nWR}
        for clock, g, kind, own, _ in self.log:
            if g * d.banks + own == bank and kind in spans:
                at = max(at, clock + spans[kind])
        return at

    def close(self, bank):
        self.issue(PRE, bank)
        del self.rows[bank]

    def deal(self):
        if self.drain == 0 and (len(self.writes) == self.dram.window or not self.reads):
            self.drain = len(self.writes)
        waiting = self.writes if self.drain > 0 else self.reads
        for r in waiting:
            if len(self.queues[r.bank]) < self.dram.bank_queue:
                waiting.remove(r)
                self.queues[r.bank].append(r)
                self.drain -= waiting is self.writes
                return


def run(dram, stream):
    """Return the clock at which each request of (address, write) is complete, the log, and hits, misses and conflicts.

    These are by the first command of a request, as `active-buffer` counts them.
    """
    controller, todo = Controller(dram), []
    for number, (address, write) in enumerate(stream):
        r = decoded(dram, address, write, number)
        todo.append(Request(r.pseudo * dram.banks + r.bank, r.row, write, number, address))
    while len(controller.ends) < len(stream):
        while todo and len(controller.writes if todo[0].write else controller.reads) < dram.window:
            controller.take(todo.pop(0))
        controller.clock()
    firsts = [RD if kind == WR else kind for kind in controller.first.values()]
    return [controller.ends[n] for n in range(len(stream))], controller.log, [firsts.count(k) for k in (RD, ACT, PRE)]
