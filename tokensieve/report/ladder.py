"""What a `Ladder` says: a table for each text, and one sentence on what pays, made of the figures."""

from collections.abc import Mapping, Sequence
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
    return "\n".join([*parts, *(line for told in (lesson(ladder), *derived, _ASIDE) for line in wrap(told, room))])


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
    gains = [(c.phase, _of(c, "tokens and heads")[0]) for c in ladder.climbs]
    parts = [_judged("pruning tokens and heads", [(phase, f"{times(r.speedup)}", r.speedup) for phase, r in gains])]
    local = [_local_gain(c, rung) for c in ladder.climbs for rung in _of(c, "tokens, heads and values")]
    if local:
        parts.append(_judged("local value pruning on top", local))
    else:
        parts.append("no values are pruned here, so nothing is said of local value pruning")
    told = "; ".join([*parts, *_engine(ladder.climbs)])
    return f"{told[0].upper()}{told[1:]}."


def _of(climb: Climb, pruned: str) -> list[Rung]:
    return [rung for rung in climb.rungs if rung.pruned == pruned]


def _local_gain(climb: Climb, rung: Rung) -> tuple[str, str, float]:
    """Return the phase of a rung with local values, and how many times as fast as that of tokens and heads it is."""
    gain = _of(climb, "tokens and heads")[0].seconds / rung.seconds
    return climb.phase, f"{times(gain)} on {rung.arch}", gain


def _judged(what: str, gains: Sequence[tuple[str, str, float]]) -> str:
    """Return where `what` pays, changes nothing and is a loss, given phase, words and factor of each case."""
    kinds: dict[str, dict[str, list[str]]] = {"pays": {}, "changes nothing": {}, "is a loss": {}}
    for phase, words, gain in gains:
        verdict = "pays" if gain > 1 + SAME else "is a loss" if gain < 1 - SAME else "changes nothing"
        kinds[verdict].setdefault(phase, []).append(words)
    told = (f"{verdict} {_places(phases)}" for verdict, phases in kinds.items() if phases)
    return f"{what} {', '.join(told)}"


def _places(phases: Mapping[str, Sequence[str]]) -> str:
    return " and ".join(f"in {phase} ({', '.join(words)})" for phase, words in phases.items())


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
        return [f"it is {how} as fast with an engine that finds its threshold in time ({name})"]
    return [f"it is {how} as fast with the engine of {name}"]
