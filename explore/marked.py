"""A preset beside the designs of a store, on the same work, so that a plot can mark it."""

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from tokensieve.arch.errors import StoreError
from tokensieve.arch.presets import load_arch
from tokensieve.explore.again import check_version, decisions_of
from tokensieve.explore.columns import TOTALS, derived, flat
from tokensieve.explore.evaluate import Analytic, Evaluator, on_fpga
from tokensieve.explore.selection import NUMERIC, Selection, geometric_mean
from tokensieve.sim.analytic.batch import Sweep
from tokensieve.sim.analytic.summary import Summary
from tokensieve.workloads.fit import check_fit

if TYPE_CHECKING:
    from tokensieve.explore.store_reader import Reader
    from tokensieve.workloads.reference import Kind


def marked(store: "Reader", designs: Selection, preset: str, evaluator: Evaluator | None = None) -> Selection:
    """Return the machine `preset` as the one design of a selection, priced on the work of `designs` at their level.

    Raises `ArchError` for a preset that there is not, and `TokensieveError` where it cannot be priced: a trace that is
    not there, points that another version of the cycle model made, work that does not fit.
    """
    machine, evaluator = load_arch(preset), evaluator or Analytic()
    if evaluator.level != designs.level:
        raise StoreError(f"points are of level {designs.level}, and {preset} can be priced at {evaluator.level} alone")
    rows, paces = [], []
    for number in designs.ids[0]:
        point = store.find(str(number))
        check_version(store, point)
        work = store.work_of(point)
        decisions = decisions_of(work, machine)
        summary = Summary(decisions)
        check_fit(decisions, machine, work.name)
        summary.check_fit(machine)
        reference = cast("Kind | None", (point.totals or {}).get("reference.kind"))
        sweep = Sweep.unchecked(machine, {}, 1)
        totals = {**evaluator.price(decisions, summary, sweep, reference).totals, **on_fpga(sweep)}
        numbers = {
            column.name: np.asarray(totals.get(column.name, [np.nan]), float)
            for column in TOTALS
            if column.kind != "text"
        }
        paces.append(str(totals["bottleneck"][0]))
        tokens = np.array([work.data.get("tokens")], float)
        rows.append(numbers | derived(numbers, np.array([machine.clock.mhz], float), tokens))
    weights = np.array(designs.weights)
    columns = {name: geometric_mean(np.array([[row[name][0] for row in rows]]), weights) for name in NUMERIC}
    words = {
        "arch": machine.name,
        "workload": ", ".join(designs.workloads),
        "bottleneck": ", ".join(dict.fromkeys(paces)),
    }
    own = flat(machine.model_dump(mode="json"))
    return replace(
        designs,
        ids=[[]],
        values={name: [words.get(name, own.get(name))] for name in designs.values},
        columns={**columns, **{name: np.array([text]) for name, text in words.items()}},
        fields={name: np.array([own[name]]) for name in designs.fields},
    )
