"""Level `rtl`: selections of a run played on the generated Verilog of its top-k engine.

A run at level `rtl` is one at level `cycle`, in which a sample of the real top-k commands is also played on Verilator,
alone and with pauses, through the machinery of `tokensieve.verify.cosim`. The hardware must give golden's answers, and
take the cycles and stream the sets that the law was charged with for these very commands; then putting its cycles in
place of the law's changes no figure. What rests on them is labelled `verified`, unless the scores themselves are made
up: completed counts stay `assumed`. Where hardware and law differ, the run fails.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tokensieve.arch.errors import ArchError, CheckError
from tokensieve.arch.machine import Arch
from tokensieve.sim.result import Label
from tokensieve.verify.cosim import Cosim, cosim
from tokensieve.verify.request import Request
from tokensieve.verify.units.topk import BITONIC_TOKENS, TopkUnit
from tokensieve.workloads.complete import DEFAULT_SCORES, rankings_of
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.distributions import draw
from tokensieve.workloads.generators import generators
from tokensieve.workloads.layout import record_names
from tokensieve.workloads.sampling import sources
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.golden.vectors.topk import Command

LOCAL, RANKING = 12, 4
"""Most local selections, and token selections, that are played: about a minute on one core, most of it compiling."""

COUNTS = "the run's commands, on the scores that complete its counts"
CAPTURED = f"commands of the run's lengths, on scores drawn from {DEFAULT_SCORES}: a captured trace holds no scores"


@dataclass(frozen=True)
class Played:
    """What came of the commands that were played."""

    local: int
    ranking: int
    told: Cosim | None
    """None where the run has no selection that searches."""

    scores: str

    @property
    def labels(self) -> dict[str, Label]:
        """Labels of the figures whose law the hardware has confirmed."""
        units = {"topk": self.local, "ranking": self.ranking}
        return {f"busy_cycles.{unit}": "verified" for unit, count in units.items() if count}

    def as_object(self) -> dict[str, Any]:
        """Return what goes into `provenance.rtl`."""
        one = self.told
        if one is None:
            return {"commands": {"topk": 0, "ranking": 0}}
        return {
            "commands": {"topk": self.local, "ranking": self.ranking},
            "scores": self.scores,
            "engine": one.engine,
            "cycles_rtl": one.rtl_cycles_total,
            "cycles_law": one.law_cycles_total,
            "stalled_cases": one.stall_cases,
            "simulator": one.simulator,
            "verilog_sha256": one.verilog_sha256,
        }


def play_selections(arch: Arch, decisions: Decisions, seed: int) -> Played:
    """Return what came of playing a sample of the run's selections on Verilator.

    `seed` is the one the decisions were completed with. Raises `ToolError` without Verilator, `ArchError` for an engine
    that is not simulated at this size, and `CheckError` where the hardware differs from golden, law or twin.
    """
    arch.topk.require_rtl()
    if arch.topk.engine == "bitonic" and arch.topk.max_tokens > BITONIC_TOKENS:
        raise ArchError(
            f"topk.max_tokens must be at most {BITONIC_TOKENS} at level rtl with engine bitonic, "
            f"got {arch.topk.max_tokens}"
        )
    local, ranking = _sample(_local(decisions), LOCAL), _sample(_token(decisions), RANKING)
    scores = COUNTS if decisions.meta["source"] == "counts" else CAPTURED
    if not len(local) + len(ranking):
        return Played(0, 0, None, scores)
    unit = _RunTopk(decisions, local, ranking, seed)
    told = cosim(
        Request(
            unit=unit,
            engine=arch.topk.engine,
            arch=arch,
            count=len(local) + len(ranking),
            seed=seed,
            scores=f"run-{decisions.digest[:12]}",
        )
    )
    if told.differences:
        raise CheckError(
            f"{told.differences} of {told.vectors} selections of the run differ between the Verilog of topk "
            f"({arch.topk.engine}) and golden, law or twin: tokensieve cosim topk shows them"
        )
    return Played(len(local), len(ranking), told, scores)


def _local(d: Decisions) -> np.ndarray:
    """Return the queries whose local top-k searches, and whose own record was drawn or captured."""
    queries: np.ndarray = np.flatnonzero(d.searches)
    return np.intersect1d(queries, sources(d))


def _token(d: Decisions) -> np.ndarray:
    """Return the groups that end with a token selection that searches."""
    items, kept = d.topk_token_count.T
    groups: np.ndarray = np.flatnonzero((kept > 0) & (kept < items))
    return groups


def _sample(which: np.ndarray, most: int) -> np.ndarray:
    """Return at most so many of `which`, evenly spaced."""
    count = min(len(which), most)
    return which[np.arange(count) * len(which) // max(count, 1)]


class _RunTopk(TopkUnit):
    """The top-k engine, its vectors being selections of a run."""

    def __init__(self, decisions: Decisions, local: np.ndarray, ranking: np.ndarray, seed: int) -> None:
        self._decisions, self._local, self._ranking, self._seed = decisions, local, ranking, seed

    def vectors(self, arch: Arch, count: int, seed: int, scores: str | None) -> Vectors:
        """Return the selections with golden's answers; of counts, golden's records must be the run's."""
        from tokensieve.golden.vectors.topk import vectors_of

        made = vectors_of(arch.topk, list(self._commands(arch)), seed)
        if self._decisions.meta["source"] == "counts" and arch.topk.record is not None:
            self._compare(arch.topk.record, made)
        return made

    def _commands(self, arch: Arch) -> Iterator["Command"]:
        from tokensieve.golden.vectors.topk import Command

        d, bits = self._decisions, arch.topk.score_bits
        scores = d.meta.get("scores", DEFAULT_SCORES)
        for query in self._local.tolist():
            row = int(d.query_row[query])
            place = query - int(d.query_ptr[row])
            entropy = [self._seed, *d.row_index[row].tolist(), place]
            drawn = _scores(scores, entropy, int(d.keys_kept[row]), bits)
            yield Command(drawn, int(d.values_kept[query]), query)
        for group in self._ranking.tolist():
            items, kept = d.topk_token_count[group].tolist()
            entropy = [self._seed, group // d.layers, group % d.layers, d.heads, 0]
            yield Command(_scores(rankings_of(scores), entropy, items, bits), kept, group)

    def _compare(self, kind: str, made: Vectors) -> None:
        """Raise `CheckError` where golden finds other sizes in the scores than the run was priced by."""
        ends, sizes = made.work["sizes_ptr"], made.work["sizes"]
        records, place = self._decisions.records[kind], 0
        for site, lists, which in (("local", records.local, self._local), ("token", records.token, self._ranking)):
            name, _ = record_names(kind, site)
            for index in which.tolist():
                if lists[index].tolist() != sizes[ends[place] : ends[place + 1]].tolist():
                    raise CheckError(f"{name}[{index}]: golden finds other set sizes than the run was priced by")
                place += 1


def _scores(name: str, entropy: list[int], items: int, bits: int) -> np.ndarray:
    """Return the scores of one command, as `workloads.complete` draws them where it has counts."""
    scores: np.ndarray = draw(name, items, bits, generators([entropy]))[0].astype(np.int64)
    return scores
