"""A judge of DRAM command logs: it knows the timings of a `Dram` and the rules of its standard, and no controller.

A log is what `tokensieve.sim.kernels.dram_state.command_log` lists: clock, pseudo-channel, command, bank, row, in the
order of issue within a pseudo-channel.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from tokensieve.arch.memory import Dram

ACT, PRE, RD, WR, PREA, REF = range(6)
NAMES = ("ACT", "PRE", "RD", "WR", "PREA", "REF")
COLUMN, ROW, OPENS, CLOSES = {RD, WR}, {ACT, PRE, PREA, REF}, {ACT}, {PRE, PREA}


@dataclass(frozen=True)
class Spacing:
    """At least `clocks` lie between a command of `before` and a later one of `after` within the same `scope`."""

    law: str
    before: set[int]
    after: set[int]
    scope: str
    """``bank``, ``group`` or ``pseudo``."""

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
    written = d.nCWL + d.nBL
    return [
        Spacing("row bus", ROW, ROW, "pseudo", 1),
        Spacing("data bus", {RD}, {RD}, "pseudo", d.nBL),
        Spacing("data bus", {WR}, {WR}, "pseudo", d.nBL),
        Spacing("data bus", {RD}, {WR}, "pseudo", d.nCL + d.nBL + 1 - d.nCWL),
        Spacing("data bus", {WR}, {RD}, "pseudo", written - d.nCL),
        Spacing("nCCD_S", COLUMN, COLUMN, "pseudo", d.nCCD_S),
        Spacing("nCCD_L", COLUMN, COLUMN, "group", d.nCCD_L),
        Spacing("nRRD_S", OPENS, OPENS, "pseudo", d.nRRD_S),
        Spacing("nRRD_L", OPENS, OPENS, "group", d.nRRD_L),
        Spacing("nWTR_S", {WR}, {RD}, "pseudo", written + d.nWTR_S),
        Spacing("nWTR_L", {WR}, {RD}, "group", written + d.nWTR_L),
        Spacing("nRCD", OPENS, COLUMN, "bank", d.nRCD),
        Spacing("nRAS", OPENS, CLOSES, "bank", d.nRAS),
        Spacing("nRC", OPENS, {ACT, REF}, "bank", d.nRC),
        Spacing("nRP", CLOSES, {ACT, REF}, "bank", d.nRP),
        Spacing("nRTP", {RD}, CLOSES, "bank", d.nRTP),
        Spacing("nWR", {WR}, CLOSES, "bank", written + d.nWR),
        Spacing("nRFC", {REF}, {ACT, REF}, "bank", d.nRFC),
    ]


def violations(dram: Dram, log: Iterable[Sequence[int]]) -> list[Violation]:
    """Return every breach of a law, pseudo-channel by pseudo-channel."""
    lines = sorted(([int(x) for x in line] for line in log), key=lambda line: line[1])
    return [v for _, own in groupby(lines, key=lambda line: line[1]) for v in _Judge(dram).judge(list(own))]


class _Judge:
    """Follows one pseudo-channel."""

    def __init__(self, dram: Dram) -> None:
        self.dram = dram
        self.spacings = spacings(dram)
        self.last: dict[tuple[int, int], int] = {}  # latest command that counts for a spacing, in a place of its scope
        self.activates: list[int] = []
        self.rows: dict[int, int] = {}
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
            RD: self.rows.get(bank) != row,
            WR: self.rows.get(bank) != row,
            REF: bool(self.rows),
        }
        return [("state", 0)] if wrong.get(kind, False) else []

    def _refreshed(self, clock: int, kind: int) -> list[tuple[str, int]]:
        """A refresh comes no earlier than its interval ends, and nothing but the closing of rows comes before it."""
        if not self.dram.refresh:
            return [("refresh", 0)] if kind == REF else []
        due = (self.refreshes + 1) * self.dram.nREFI
        if kind == REF:
            return [("refresh", due - clock)] if clock < due else []
        return [("refresh", clock - due + 1)] if clock >= due and kind != PREA else []

    def _note(self, clock: int, kind: int, bank: int, row: int) -> None:
        for k, s in enumerate(self.spacings):
            if kind in s.before:
                self.last.update({(k, place): clock for place in self._places(s.scope, bank)})
        self.clock = clock
        if kind == ACT:
            self.activates.append(clock)
            self.rows[bank] = row
        elif kind == PRE:
            self.rows.pop(bank, None)
        elif kind == PREA:
            self.rows.clear()
        elif kind == REF:
            self.refreshes += 1
