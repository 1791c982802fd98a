"""References of many machines: those that differ in nothing that a reference reads share one run."""

from dataclasses import replace
from typing import Any

from tokensieve.arch.base import ArchModel
from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.cost.area import area
from tokensieve.sim.cost.energy import energy
from tokensieve.sim.reference.price import reference_result
from tokensieve.sim.result import Result
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.reference import Kind, dense

UNREAD = (
    "name", "technology", "topk.engine", "topk.lanes", "topk.comparators", "topk.round_cycles", "topk.score_bits",
    "topk.digit_bits", "topk.first_digit", "topk.count_stages", "topk.compactor", "requant.tree_stages",
    "importance.token_bits", "importance.head_bits", "importance.max_heads",
)  # fmt: skip
"""Fields that set no cycle, no transfer and no action of a reference, in which nothing is searched, ranked or compared
with a threshold. They do set area, leakage and the energy of actions. A test moves each of them."""

MOST = 256
"""References that are kept; one takes 10 kB."""


class Shared:
    """References that were priced in this process; each distinct dense machine once for each piece of work."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[Arch, Result]] = {}

    def result(self, arch: Arch, decisions: Decisions, kind: Kind, level: str) -> Result:
        """Return what `reference_result` does, to the last bit."""
        key = (_read(arch), dense(decisions, kind).digest, level)
        if key not in self._kept:
            while len(self._kept) >= MOST:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = arch, reference_result(arch, decisions, kind, level)
        priced, result = self._kept[key]
        return result if priced is arch else _on(arch, result)


def _on(arch: Arch, result: Result) -> Result:
    """Return a result of a machine that differs from `arch` in `UNREAD` fields as it is on `arch`."""
    technology = load_technology(arch.technology)
    spent, silicon = energy(arch, technology, result.actions, result.seconds), area(arch, technology)
    return replace(
        result,
        energy_j={**spent.joules, "total": spent.total},
        energy_j_interval=spent.interval,
        area_mm2={**silicon.mm2, "total": silicon.total},
        area_mm2_interval=silicon.interval,
    )


def _read(model: ArchModel, above: str = "") -> tuple[Any, ...]:
    """Return the values of the fields that a reference may read."""
    found: list[Any] = []
    for name in type(model).model_fields:
        value, path = getattr(model, name), f"{above}{name}"
        if isinstance(value, ArchModel):
            found += _read(value, f"{path}.")
        elif path not in UNREAD:
            found.append(value)
    return tuple(found)
