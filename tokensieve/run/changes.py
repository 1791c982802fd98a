"""The obvious single changes of a machine: which fields relieve which unit, and the next value up of each.

`control.barrier` is none of them: what a layer waits for is a rule of the run, not silicon. Nor is the clock, which
speeds everything up, or a number of registers, which the clock decides. Nor is what the RTL has not: exponentials that
follow the scores (`softmax.scan`), or comparators beside the lanes where a machine has none (`topk.comparators`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from tokensieve.arch.base import build
from tokensieve.arch.datapath import ENGINES
from tokensieve.arch.errors import ArchError, WorkloadError
from tokensieve.arch.library import merge
from tokensieve.arch.machine import Arch
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fit import check_fit

RELIEF: dict[str, tuple[str, ...]] = {
    "topk": ("topk.engine", "topk.lanes", "topk.comparators", "topk.compactor", "topk.queue_lines"),
    "softmax": ("softmax.lanes", "softmax.fifo_lines"),
    "requant": ("requant.queue_rows",),
    "qk": ("qk.multipliers",),
    "pv": ("pv.multipliers",),
    "importance": ("importance.lanes",),
    "dram": ("dram.channels", "dram.window"),
    "fetcher": ("fetcher.ports", "fetcher.fifo_depth"),
    "key_sram": ("key_sram.kib",),
    "value_sram": ("value_sram.kib",),
}
"""Fields that relieve a unit. A number is doubled; of a name, `NAMES` has the values."""

NAMES: dict[str, tuple[str, ...]] = {"topk.engine": ENGINES, "topk.compactor": ("low_latency",)}


@dataclass(frozen=True)
class Candidate:
    """A machine that differs in one field."""

    unit: str
    field: str
    value: Any
    arch: Arch

    @property
    def set(self) -> str:
        """The change as `--set` takes it."""
        return f"{self.field}={self.value}"


def candidates(arch: Arch, decisions: Decisions) -> list[Candidate]:
    """Return the changes of `arch` that are valid machines and that `decisions` can run on.

    Left out are those that a rule of `Arch` refuses, and engines whose work records the decisions lack.
    """
    return list(_valid(arch, decisions))


def _valid(arch: Arch, decisions: Decisions) -> Iterator[Candidate]:
    for unit, fields in RELIEF.items():
        for field in fields:
            now = attrgetter(field)(arch)
            if now is None:  # as many as another field says
                continue
            for value in NAMES.get(field) or (2 * now,):
                if value == now:
                    continue
                try:
                    machine = changed(arch, field, value)
                    check_fit(decisions, machine, field)
                except (ArchError, WorkloadError):
                    continue
                yield Candidate(unit, field, value, machine)


def changed(arch: Arch, path: str, value: Any) -> Arch:
    """Return `arch` with another value at `path`, or raise `ArchError` where it is refused.

    Importance accumulators as wide as the softmax stay so, as they are where a file does not give their lanes.
    """
    group, _, name = path.rpartition(".")
    data = arch.model_dump()
    if path == "softmax.lanes" and arch.importance.lanes == arch.softmax.lanes:
        del data["importance"]["lanes"]
    return build(Arch, merge(data, {group: {name: value}} if group else {name: value}), ArchError)
