"""What a `Ladder` says: a table for each text, and below them what pays, made of the figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap

from tokensieve.report.quantity import count, fixed, prefix, times
from tokensieve.report.table import Column, Table
from tokensieve.sim.result_ladder import Climb, Ladder, Rung
from tokensieve.workloads.wholevalues import RULE

NARROW = 80
"""Columns that the ladder takes at most."""

SAME = 0.005
"""Share of the time below which a difference is called none: times are printed with two decimals."""

_PRUNED = {
    "nothing": "nothing (dense)",
    "tokens and heads": "tokens, heads",
    "tokens, heads and values": "  + local values",
}


def ladder_page(ladder: Ladder, width: int) -> str:
    """Return all that `tokensieve ladder` prints, at most `NARROW` or `width` characters wide."""
    room = min(width, NARROW)
    parts = [part for climb in ladder.climbs for part in (climb_table(climb).text(room), "")]
    derived = [f"{climb.text}, assumed: {RULE}" for climb in ladder.climbs if RULE in climb.assumed]
    overridden = [f"Both machines with {', '.join(ladder.sets)}."] if ladder.sets else []
    below = (lesson(ladder), *factors(ladder), *derived, *overridden, _ASIDE)
    return "\n".join([*parts, *(line for told in below for line in wrap(told, room))])


_ASIDE = "Level cycle, modelled; `tokensieve run` tells where one of them spends its time."


def climb_table(climb: Climb) -> Table:
    """Return one row per rung. Each column has one unit, and a rung that is slower than dense is called a loss."""
    energy, joule = prefix(max(r.energy_j for r in climb.rungs))
    bytes_, byte = prefix(max(r.dram_bytes for r in climb.rungs))
    columns = (
        Column(title="pruned", left=True),
        Column(title="machine", left=True),
        Column(title="cycles"),
        Column(title="times as\nfast"),
        Column(title=f"energy\n{joule}J"),
        Column(title=f"DRAM\n{byte}B"),
        Column(title="", left=True),
    )
    rows = tuple(
        (
            _PRUNED[r.pruned],
            r.arch,
            count(r.cycles),
            f"{r.speedup:.2f}",
            fixed(r.energy_j / energy),
            fixed(r.dram_bytes / bytes_),
            "a loss" if r.speedup < 1 - SAME else "",
        )
        for r in climb.rungs
    )
    return Table(title=_title(climb), columns=columns, rows=rows)


def _title(climb: Climb) -> str:
    much = f"{count(climb.tokens)} tokens" if climb.phase == "prefill" else f"{count(climb.steps)} steps"
    shape = f"{much}, {climb.layers} layers x {climb.heads} heads"
    made = "captured" if climb.decisions == "captured" else "counts only"
    return f"{climb.phase.capitalize()}, {climb.text}: {shape}, {made}"


def lesson(ladder: Ladder) -> str:
    """Return in one sentence what the figures say of each pruning, and of the engine; of nothing that they do not show.

    Tokens and heads are judged by the dense rung, local values by the rung of tokens and heads.
    """
    whole = [_Case(c.phase, "", _of(c, "tokens and heads")[0].speedup) for c in ladder.climbs]
    parts = [f"pruning tokens and heads {', '.join(_verdicts(whole))}"]
    local = _local_cases(ladder)
    if local:
        parts += _local(local, ladder.climbs)
    else:
        parts.append("no values are pruned here, so nothing is said of local value pruning")
    told = "; ".join(parts)
    return f"{told[0].upper()}{told[1:]}."


def factors(ladder: Ladder) -> list[str]:
    """Return in a sentence how many times as fast local values make each text; nothing where none are pruned.

    The base is the rung of tokens and heads, which has one machine.
    """
    local, base = _local_cases(ladder), _of(ladder.climbs[0], "tokens and heads")[0].arch
    if not local:
        return []
    phases = dict.fromkeys(case.phase for case in local)
    told = (f"{p} {', '.join(f'{times(c.gain)} on {c.arch}' for c in local if c.phase == p)}" for p in phases)
    return [f"Local values, against {base} without them: {'; '.join(told)}."]


@dataclass(frozen=True)
class _Case:
    """How many times as fast a pruning makes a text on a machine."""

    phase: str
    arch: str
    gain: float

    @property
    def verdict(self) -> str:
        return "pays" if self.gain > 1 + SAME else "is a loss" if self.gain < 1 - SAME else "changes nothing"


def _local_cases(ladder: Ladder) -> list[_Case]:
    return [
        _Case(c.phase, rung.arch, _of(c, "tokens and heads")[0].seconds / rung.seconds)
        for c in ladder.climbs
        for rung in _of(c, "tokens, heads and values")
    ]


def _verdicts(cases: Sequence[_Case]) -> list[str]:
    """Return where a pruning pays, changes nothing and is a loss, with the factor of each phase."""
    told = []
    for verdict in ("pays", "changes nothing", "is a loss"):
        places = [f"in {c.phase} ({times(c.gain)})" for c in cases if c.verdict == verdict]
        told += [f"{verdict} {' and '.join(places)}"] if places else []
    return told


def _local(cases: Sequence[_Case], climbs: Sequence[Climb]) -> list[str]:
    """Return where local value pruning pays, and what the second machine's engine changes."""
    subject, paying = "local value pruning on top", [c for c in cases if c.verdict == "pays"]
    engine = _engine(climbs)
    if len({c.verdict for c in cases}) == 1:
        return [f"{subject} {cases[0].verdict} {_places(cases, cases)}", *engine]
    if not paying:
        return [f"{subject} does not pay", *engine]
    told = f"{subject} pays only {_places(paying, cases)}"
    if engine and _IN_TIME in engine[0] and len({c.arch for c in paying}) == 1 and paying[0].arch != cases[0].arch:
        return [f"{told}, with {_IN_TIME}"]
    return [told, *engine]


def _places(some: Sequence[_Case], cases: Sequence[_Case]) -> str:
    """Return the phases of `some`, each with its machines where these are not all that the phase has in `cases`."""
    told = []
    for phase in dict.fromkeys(c.phase for c in some):
        here, there = ([c.arch for c in group if c.phase == phase] for group in (some, cases))
        told.append(f"in {phase}" if here == there else f"in {phase} on {' and '.join(here)}")
    return " and ".join(told)


_IN_TIME = "an engine that finds its threshold in time"


def _of(climb: Climb, pruned: str) -> list[Rung]:
    return [rung for rung in climb.rungs if rung.pruned == pruned]


def _engine(climbs: Sequence[Climb]) -> list[str]:
    """Return what another engine changes for the same decisions, where there are two machines with local values."""
    pairs = [rungs for climb in climbs if len(rungs := _of(climb, "tokens, heads and values")) > 1]
    if not pairs:
        return []
    gains = [rungs[0].seconds / rungs[1].seconds for rungs in pairs]
    low, high = times(min(gains)), times(max(gains))
    how = low if low == high else f"{low} to {high}"
    name = pairs[0][1].arch
    if min(gains) > 1 + SAME:
        return [f"it is {how} as fast with {_IN_TIME} ({name})"]
    return [f"it is {how} as fast with the engine of {name}"]
