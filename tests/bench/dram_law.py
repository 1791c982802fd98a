"""A judge of DRAM command logs: it knows the timings of a `Dram` and the rules of its standard, and no controller.

A log is what `tokensieve.sim.kernels.dram_state.command_log` lists: clock, pseudo-channel, command, bank, row, in the
order of issue within a pseudo-channel. RDA and WRA close their row as soon as nRAS and nRTP or nWR let them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from tokensieve.arch.memory import Dram

ACT, PRE, RD, WR, PREA, REF, RDA, WRA = range(8)
NAMES = ("ACT", "PRE", "RD", "WR", "PREA", "REF", "RDA", "WRA")
READS, WRITES, ROW, OPENS, CLOSES = {RD, RDA}, {WR, WRA}, {ACT, PRE, PREA, REF}, {ACT}, {PRE, PREA}
COLUMN = READS | WRITES
WHILE_DUE = {"frfcfs": {PREA}, "bank-queues": {PRE}, "active-buffer": {PREA, *COLUMN}}
"""What still goes while a refresh is due: rows are closed, and `active-buffer` first serves those it has opened."""


@dataclass(frozen=True)
class Spacing:
    """At least `clocks` lie between a command of `before` and a later one of `after` within the same `scope`."""

    law: str
    before: set[int]
    after: set[int]
    scope: str
    """``bank``, ``group``, ``pseudo`` or ``channel``."""

    clocks: int


@dataclass(frozen=True)
class Violation:
    """A command that broke a law; `short` tells by how many clocks, 0 where that has no meaning."""

    law: str
    clock: int
    pseudo: int
    command: str
    bank: int
    short: int = 0


def spacings(d: Dram) -> list[Spacing]:
    """Return the laws on pairs of commands. Those named _S hold between any two bank groups, the same one too."""
    written, write_rcd = d.nCWL + d.nBL, d.nRCD if d.nRCD_WR is None else d.nRCD_WR
    again = {ACT, REF}
    return [
        Spacing("row bus", ROW, ROW, "pseudo", 1),
        Spacing("data bus", READS, READS, "pseudo", d.nBL),
        Spacing("data bus", WRITES, WRITES, "pseudo", d.nBL),
        Spacing("nTurn", READS, WRITES, "pseudo", d.nCL + d.nBL + d.nTurn - d.nCWL),
        Spacing("data bus", WRITES, READS, "pseudo", written - d.nCL),
        Spacing("nCCD_S", COLUMN, COLUMN, "pseudo", d.nCCD_S),
        Spacing("nCCD_L", COLUMN, COLUMN, "group", d.nCCD_L),
        Spacing("nRRD_S", OPENS, OPENS, "pseudo", d.nRRD_S),
        Spacing("nRRD_L", OPENS, OPENS, "group", d.nRRD_L),
        Spacing("nWTR_S", WRITES, READS, "pseudo", written + d.nWTR_S),
        Spacing("nWTR_L", WRITES, READS, "group", written + d.nWTR_L),
        Spacing("nRCD", OPENS, READS, "bank", d.nRCD),
        Spacing("nRCD" if d.nRCD_WR is None else "nRCD_WR", OPENS, WRITES, "bank", write_rcd),
        Spacing("nRAS", OPENS, CLOSES, "bank", d.nRAS),
        Spacing("nRAS", OPENS, again, "bank", d.nRAS + d.nRP),
        Spacing("nRC", OPENS, again, "bank", d.nRC),
        Spacing("nRP", CLOSES, again, "bank", d.nRP),
        Spacing("nRTP", {RD}, CLOSES, "bank", d.nRTP),
        Spacing("nRTP", {RDA}, again, "bank", d.nRTP + d.nRP),
        Spacing("nWR", {WR}, CLOSES, "bank", written + d.nWR),
        Spacing("nWR", {WRA}, again, "bank", written + d.nWR + d.nRP),
        Spacing("nRFC", {REF}, again, "bank", d.nRFC),
        *_bus(d),
    ]


def _bus(d: Dram) -> list[Spacing]:
    """Return the laws of the command bus. An activate of several clocks keeps other row commands away."""
    shared = {
        "pseudo-channel": [],
        "channel": [Spacing("command bus", kinds, kinds, "channel", 1) for kinds in (ROW, COLUMN)],
        "single": [Spacing("command bus", ROW | COLUMN, ROW | COLUMN, "channel", 1)],
    }[d.command_bus]
    scope = "pseudo" if d.command_bus == "pseudo-channel" else "channel"
    return [*shared, *([Spacing("act_clocks", OPENS, ROW, scope, d.act_clocks)] if d.act_clocks > 1 else [])]


def violations(dram: Dram, log: Iterable[Sequence[int]]) -> list[Violation]:
    """Return every breach of a law, pseudo-channel by pseudo-channel, then those of the buses of the channels."""
    lines = sorted(([int(x) for x in line] for line in log), key=lambda line: line[1])
    found = [v for _, own in groupby(lines, key=lambda line: line[1]) for v in _Judge(dram).judge(list(own))]
    channels = groupby(lines, key=lambda line: line[1] // dram.pseudo_channels)
    return found + [v for _, own in channels for v in _bus_violations(dram, sorted(own))]


def _bus_violations(dram: Dram, lines: list[list[int]]) -> list[Violation]:
    """Return the breaches of the laws on a channel; `lines` are in the order of their clocks."""
    laws = [s for s in spacings(dram) if s.scope == "channel"]
    found, last = [], [-(1 << 60)] * len(laws)
    for clock, g, kind, bank, _ in lines:
        for k, s in enumerate(laws):
            short = last[k] + s.clocks - clock if kind in s.after else 0
            found += [Violation(s.law, clock, g, NAMES[kind], bank, short)] if short > 0 else []
            last[k] = clock if kind in s.before else last[k]
    return found


class _Judge:
    """Follows one pseudo-channel."""

    def __init__(self, dram: Dram) -> None:
        self.dram = dram
        self.spacings = [s for s in spacings(dram) if s.scope != "channel"]
        self.last: dict[tuple[int, int], int] = {}  # latest command that counts for a spacing, in a place of its scope
        self.activates: list[int] = []
        self.rows: dict[int, int] = {}
        self.while_due = WHILE_DUE[dram.controller]
        self.refreshes = 0
        self.clock = 0

    def judge(self, lines: list[list[int]]) -> list[Violation]:
        found: list[Violation] = []
        for clock, g, kind, bank, row in lines:
            broken = [
                *self._order(clock),
                *self._spaced(clock, kind, bank),
                *self._faw(clock, kind),
                *self._state(kind, bank, row),
                *self._refreshed(clock, kind),
            ]
            found += [Violation(law, clock, g, NAMES[kind], bank, short) for law, short in broken]
            self._note(clock, kind, bank, row)
        return found

    def _order(self, clock: int) -> list[tuple[str, int]]:
        return [("order", self.clock - clock)] if clock < self.clock else []

    def _places(self, scope: str, bank: int) -> list[int]:
        banks = range(self.dram.banks) if bank < 0 else [bank]
        if scope == "bank":
            return list(banks)
        return [0] if scope == "pseudo" else sorted({b // self.dram.banks_per_group for b in banks})

    def _spaced(self, clock: int, kind: int, bank: int) -> list[tuple[str, int]]:
        broken = []
        for k, s in enumerate(self.spacings):
            if kind in s.after:
                seen = [self.last[k, p] for p in self._places(s.scope, bank) if (k, p) in self.last]
                short = max(seen, default=clock - s.clocks) + s.clocks - clock
                if short > 0:
                    broken.append((s.law, short))
        return broken

    def _faw(self, clock: int, kind: int) -> list[tuple[str, int]]:
        if kind != ACT or len(self.activates) < 4:
            return []
        short = self.activates[-4] + self.dram.nFAW - clock
        return [("nFAW", short)] if short > 0 else []

    def _state(self, kind: int, bank: int, row: int) -> list[tuple[str, int]]:
        wrong = {
            ACT: bank in self.rows,
            PRE: bank not in self.rows,
            **dict.fromkeys(COLUMN, self.rows.get(bank) != row),
            REF: bool(self.rows),
        }
        return [("state", 0)] if wrong.get(kind, False) else []

    def _refreshed(self, clock: int, kind: int) -> list[tuple[str, int]]:
        """A refresh comes no earlier than its interval ends, and from then on until it comes no row is opened."""
        if not self.dram.refresh:
            return [("refresh", 0)] if kind == REF else []
        due = (self.refreshes + 1) * self.dram.nREFI
        if kind == REF:
            return [("refresh", due - clock)] if clock < due else []
        return [("refresh", clock - due + 1)] if clock >= due and kind not in self.while_due else []

    def _note(self, clock: int, kind: int, bank: int, row: int) -> None:
        for k, s in enumerate(self.spacings):
            if kind in s.before:
                self.last.update({(k, place): clock for place in self._places(s.scope, bank)})
        self.clock = clock
        if kind == ACT:
            self.activates.append(clock)
            self.rows[bank] = row
        elif kind in {PRE, RDA, WRA}:
            self.rows.pop(bank, None)
        elif kind == PREA:
            self.rows.clear()
        elif kind == REF:
            self.refreshes += 1
