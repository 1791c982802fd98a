"""The ladder: one text on a row of machines and prunings, each priced at level `cycle`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from tokensieve.arch.machine import Arch
from tokensieve.arch.presets import load_arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.reference.price import reference_result
from tokensieve.sim.reference.store import Store
from tokensieve.sim.result import Result
from tokensieve.sim.result_ladder import Climb, Ladder, Pruned, Rung
from tokensieve.workloads.benchmarks import find_workload, load_workload
from tokensieve.workloads.complete import complete
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fit import check_fit
from tokensieve.workloads.schedule import Phase
from tokensieve.workloads.traces import default_trace, load_trace, local_trace
from tokensieve.workloads.wholevalues import prunes_values, with_whole_values

MACHINES = ("spatten", "sieve")
"""The paper's machine, and ours: the same with an engine that needs fewer cycles to find its threshold."""

DECODE, DECODE_STEPS = "gpt2-small-wikitext2", 8
"""What stands beside the shipped trace, a prefill, and how many of its steps: eight show what 32 do."""


@dataclass(frozen=True)
class Text:
    """A text, with the decisions of both prunings."""

    name: str

    whole: Decisions
    """With tokens and heads pruned alone."""

    local: Decisions | None
    """With local value pruning on top, where there is any."""

    @classmethod
    def of(cls, name: str, decisions: Decisions) -> "Text":
        """Return a text whose decisions without local value pruning follow from those with it."""
        if not prunes_values(decisions):
            return cls(name, decisions, None)
        return cls(name, with_whole_values(decisions), decisions)


def machines_of(sets: Sequence[str] = ()) -> list[Arch]:
    """Return the machines of the ladder, each with the fields that `sets` override."""
    return [load_arch(name, sets) for name in MACHINES]


def shipped_texts(machine: Arch, seed: int) -> list[Text]:
    """Return the shipped trace, captured with and without local value pruning, and a decode beside it."""
    whole, local = (load_trace(path, machine, seed) for path in (default_trace(), local_trace()))
    steps = find_workload(DECODE).model_copy(update={"steps": DECODE_STEPS})
    return [Text("the shipped trace", whole, local), Text.of(DECODE, complete(steps.counts(), machine.topk, seed))]


def texts_of(machine: Arch, trace: str | None, workload: str | None, seed: int, force: bool = False) -> list[Text]:
    """Return the text of a trace or a workload; without either, those that ship with the package."""
    if trace is not None:
        return [Text.of(trace, load_trace(trace, machine, seed, force=force))]
    if workload is not None:
        return [Text.of(workload, load_workload(workload, machine, seed, force=force))]
    return shipped_texts(machine, seed)


def climb(
    texts: Sequence[Text],
    machines: Sequence[Arch],
    sets: Sequence[str] = (),
    seed: int = 0,
    store: Store | None = None,
    progress: Callable[[float], None] | None = None,
) -> Ladder:
    """Return `texts` on all rungs of `machines`; what was `sets` in them and the `seed` of counts are for the record.

    Raises `WorkloadError` where decisions and machines do not fit.
    """
    climbs = []
    for number, text in enumerate(texts):
        climbs.append(_climb(text, machines, store))
        if progress:
            progress((number + 1) / len(texts))
    return Ladder(climbs=tuple(climbs), sets=tuple(sets), seed=seed)


def _climb(text: Text, machines: Sequence[Arch], store: Store | None) -> Climb:
    d = text.whole
    rungs: list[Rung] = []
    for pruned, arch, work, result in _priced(text, machines, store):
        first = rungs[0].seconds if rungs else result.seconds
        rungs.append(_rung(pruned, arch, work, result, first))
    return Climb(
        text=text.name,
        model=str(d.meta["model"]),
        phase=cast(Phase, d.phase),
        layers=d.layers,
        heads=d.heads,
        tokens=int(d.context.max()),
        steps=d.steps,
        decisions=d.meta["source"],
        assumed=tuple(dict.fromkeys([*d.meta["assumed"], *(text.local.meta["assumed"] if text.local else ())])),
        rungs=tuple(rungs),
    )


def _priced(
    text: Text, machines: Sequence[Arch], store: Store | None
) -> Iterator[tuple[Pruned, Arch, Decisions, Result]]:
    """Yield what each rung costs: nothing pruned, tokens and heads, and local values on every machine."""
    paper, work = machines[0], text.whole
    for arch in machines:
        check_fit(work, arch, text.name)
    yield "nothing", paper, work, reference_result(paper, work, store=store)
    yield "tokens and heads", paper, work, cycle_result(paper, work)
    for arch in machines if text.local else machines[1:]:
        pruned: Pruned = "tokens, heads and values" if text.local else "tokens and heads"
        yield pruned, arch, text.local or work, cycle_result(arch, text.local or work)


def _rung(pruned: Pruned, arch: Arch, work: Decisions, result: Result, first: float) -> Rung:
    return Rung(
        pruned=pruned,
        arch=arch.name,
        arch_digest=arch.digest,
        workload_digest=work.digest,
        cycles=result.cycles["total"],
        seconds=result.seconds,
        energy_j=result.energy_j["total"],
        dram_bytes=result.traffic.dram_bytes["total"],
        speedup=first / result.seconds,
    )
