"""Both sides of every field of the machine: what doubling and halving it does to cycles, energy and area.

A change that gains on one side and loses on none is a free lunch, unless a reason says why nobody can have it: the
field is inert, or its other side is not in the model (`REASONS`), or the machine had more of it than this work asks for
and going on costs something (slack).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import reduce
from typing import Any, Literal, get_args, get_origin

from tokensieve.arch.base import submodel
from tokensieve.arch.errors import TokensieveError
from tokensieve.arch.machine import Arch
from tokensieve.arch.presets import priced_fields
from tokensieve.run.changes import changed
from tokensieve.run.inert import inert_fields
from tokensieve.sim.result import Result
from tokensieve.workloads.complete import complete
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fit import check_fit
from tokensieve.workloads.workload import Workload

Price = Callable[[Arch, Decisions], Result]

NOISE = 1e-4
"""Relative change below which a side does not move."""

SIDES = ("cycles", "energy", "area")

REASONS: Mapping[str, str] = {
    "technology": "constants of another process",
    "clock.mhz": "which clock the circuits meet is not modelled",
    "dram.channels": "more pins and stacks, which no area holds",
    "dram.granule_bytes": "given by the DRAM standard and its bus",
    "dram.t*": "given by the DRAM's data sheet",
    "dram.n[A-Z]*": "given by the DRAM's data sheet",
    "dram.[prb]*": "given by the DRAM standard; a bound or the policy of its controller",
    "dram.[msc]*": "given by the DRAM standard; the policy of its controller",
    "dram.act_clocks": "given by the DRAM standard",
    "fetcher.fifo_depth": "the window alone keeps the channels busy: docs/explanation/pipeline.md, Fetcher and DRAM",
    "importance.stages": "registers that a circuit needs to meet its clock, which is not modelled",
    "*_stages": "registers that a circuit needs to meet its clock, which is not modelled",
    "*_latency": "registers that a circuit needs to meet its clock, which is not modelled",
    "topk.compactor": "registers that a circuit needs to meet its clock; docs/reference/units/engines.md has them",
    "number.*": "a format: accuracy is its other side",
    "softmax.*_bits": "a format: accuracy is its other side",
    "softmax.kind": "a format: accuracy is its other side",
    "topk.*_bits": "a format: accuracy is its other side; of a digit, the rounds",
    "importance.*_bits": "a format: accuracy is its other side",
    "topk.max_tokens": "a bound on the workload",
    "*_sram.banks": "denser the narrower in the fit: docs/reference/technology.md, How figures are made",
    "softmax.scan": "the paper's reading of its unit; ours needs the maximum: docs/explanation/pipeline.md, Softmax",
    "topk.queue_lines": "level analytic hides it behind a slow engine: docs/reference/technology.md, Both sides",
    "topk.engine": "a choice among designs: docs/reference/units/engines.md",
    "control.barrier": "what software waits for",
}
"""Why a field may gain without losing, by pattern; the first that matches counts."""


@dataclass(frozen=True)
class Effect:
    """What one change of a field does, over all workloads."""

    field: str
    value: Any
    change: Mapping[str, tuple[float, float]]
    """By side, the lowest and highest relative change over the workloads; empty where the machine is refused."""

    note: str
    """Why it is inert or explained, or by which rule it is refused."""

    @property
    def free(self) -> bool:
        """Whether some side gains, none loses, and nothing explains it."""
        gains = any(low < -NOISE for low, _ in self.change.values())
        loses = any(high > NOISE for _, high in self.change.values())
        return gains and not loses and not self.note


def variants(arch: Arch, path: str) -> Iterator[Any]:
    """Yield other values of the field at `path`: doubled and halved, or the other choices."""
    *groups, name = path.split(".")
    value = reduce(getattr, path.split("."), arch)
    model = submodel(Arch, groups)
    assert model is not None
    kind = model.model_fields[name].annotation
    if get_origin(kind) is Literal:
        yield from (one for one in get_args(kind) if one != value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield from dict.fromkeys(one for one in (2 * value, value // 2) if one != value)


def effects(arch: Arch, workloads: Sequence[Workload], price: Price, fields: Sequence[str] = ()) -> Iterator[Effect]:
    """Yield what changing each field of `arch` (or each of `fields`) does, priced by `price` at one level."""
    base = [_run(arch, workload, price) for workload in workloads]
    for path in fields or [name for name, _, _ in priced_fields()]:
        for value in variants(arch, path):
            try:
                other = changed(arch, path, value)
                after = [_run(other, workload, price) for workload in workloads]
            except TokensieveError as problem:
                yield Effect(path, value, {}, f"refused: {problem}")
                continue
            change = {side: _range(side, base, after) for side in SIDES}
            effect = Effect(path, value, change, _note(arch, other, path, workloads))
            yield _with_slack(effect, arch, workloads, price, base) if effect.free else effect


def _with_slack(
    effect: Effect, arch: Arch, workloads: Sequence[Workload], price: Price, base: Sequence[Result]
) -> Effect:
    """Return `effect`; if the field was halved, note the first value that costs something, halved on and on."""
    before: Any = reduce(getattr, effect.field.split("."), arch)
    value = effect.value // 2 if type(effect.value) is int and effect.value < before else 0
    while value >= 1:
        try:
            after = [_run(changed(arch, effect.field, value), workload, price) for workload in workloads]
        except TokensieveError as problem:
            return replace(effect, note=f"slack; {value} is refused: {problem}")
        change = {side: _range(side, base, after) for side in SIDES}
        if any(high > NOISE for _, high in change.values()):
            most = max(high for _, high in change.values())
            return replace(effect, note=f"slack on this work; {value} costs up to {most:.1%}")
        value //= 2
    return effect


def _run(arch: Arch, workload: Workload, price: Price) -> Result:
    decisions = complete(workload.counts(), arch.topk, 0)
    check_fit(decisions, arch, workload.name)
    return price(arch, decisions)


def _range(side: str, base: Sequence[Result], after: Sequence[Result]) -> tuple[float, float]:
    ratios = [_figure(side, new) / _figure(side, old) - 1 for old, new in zip(base, after, strict=True)]
    return min(ratios), max(ratios)


def _figure(side: str, result: Result) -> float:
    return float({"cycles": result.cycles, "energy": result.energy_j, "area": result.area_mm2}[side]["total"])


def _note(arch: Arch, other: Arch, path: str, workloads: Sequence[Workload]) -> str:
    """Return why a field is inert in all workloads, before and after, or what explains it."""
    inert = [
        inert_fields(one, complete(workload.counts(), one.topk, 0)).get(path)
        for one in (arch, other)
        for workload in workloads
    ]
    if all(inert):
        return f"inert: {inert[0]}"
    return next((reason for pattern, reason in REASONS.items() if fnmatchcase(path, pattern)), "")
