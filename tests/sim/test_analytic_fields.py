"""What a batch asks once for many designs, each design would answer alone, whichever field they differ in."""

from dataclasses import fields, is_dataclass, replace
from functools import reduce
from operator import or_
from typing import Literal, get_args, get_origin

import numpy as np
import pytest

from tokensieve.arch import Arch, load_arch
from tokensieve.arch.base import build, submodel
from tokensieve.arch.datapath import Topk
from tokensieve.arch.errors import ArchError
from tokensieve.arch.library import merge
from tokensieve.arch.presets import all_fields
from tokensieve.sim.analytic.batch import Designs, Sweep, each
from tokensieve.sim.analytic.estimate import detail
from tokensieve.sim.analytic.reads import Answers, noted
from tokensieve.sim.analytic.summary import Summary
from tokensieve.workloads.complete import complete
from tokensieve.workloads.reference import dense
from tokensieve.workloads.workload import workload_from

PATHS = [path for path, _, _ in all_fields()]
BASES = (
    (),
    ("topk.engine=radix", "softmax.kind=lut", "dram.refresh=false", "key_sram.kib=8", "control.barrier=ranking"),
    ("topk.engine=bitserial", "topk.compactor=balanced", "dram.channels=2", "dram.pseudo_channels=1", "dram.nCCD_L=4",
     "dram.window=8", "dram.rows=256", "dram.mapping=ba-bg-ro-co-pc-ch"),
    ("topk.engine=bitonic", "topk.max_tokens=2048", "dram.controller=bank-queues", "dram.command_bus=channel"),
)  # fmt: skip
"""Machines on which almost every field that is read changes a figure."""

TEXTS = {"name": "other", "technology": "scaled7", "dram.mapping": "RoBaRaCoCh"}
ROUNDS = {"engine": "quickselect"}  # an engine without them takes neither field
TOGETHER = {"topk.comparators": ROUNDS, "topk.round_cycles": ROUNDS} | {
    "dram.controller": {"command_bus": "channel"},
    "dram.command_bus": {"controller": "bank-queues"},
}
"""Fields of which one value goes with few of another's."""


def value_of(arch, path):
    return reduce(getattr, path.split("."), arch)


def candidates(path, value):
    """Return values to try in place of `value`."""
    *groups, name = path.split(".")
    kind = submodel(Arch, groups).model_fields[name].annotation
    if get_origin(kind) is Literal:
        return [one for one in get_args(kind) if one != value]
    if isinstance(value, bool):
        return [not value]
    if path in TEXTS or value is None:
        return [TEXTS.get(path, 8)]
    return [one for one in (2 * value, value // 2, value + 1, value - 1) if one != value]


def changed(arch, path):
    """Return `arch` with another value at `path`: the first with which it runs."""
    for value in candidates(path, value_of(arch, path)):
        group, _, name = path.rpartition(".")
        own = {name: value} | TOGETHER.get(path, {})
        try:
            machine = build(Arch, merge(arch.model_dump(), {group: own} if group else own), ArchError)
            machine.require_run()
            return machine
        except ArchError:
            continue
    raise AssertionError(f"no other value for {path}")


def arrays(one, name=""):
    """Return every array of a `Detail` by its dotted name."""
    if is_dataclass(one):
        one = {f.name: getattr(one, f.name) for f in fields(one)}
    if isinstance(one, dict):
        return reduce(or_, (arrays(part, f"{name}.{key}") for key, part in one.items()))
    return {name: np.atleast_1d(one)}


def figures(given, batch):
    """Return every array of the figures of a batch; of the queries one by one, those that each design has."""
    one, own = detail(Summary(*given), batch), {}
    single, searches = one.stages.single, one.stages.searches
    if single:
        own |= {"each.search": single.search[single.kind[0]].T, "each.lines": single.lines[single.kind[1]].T}
    if searches:
        own |= {"each.searches": searches.times[:, searches.kind].transpose(0, 2, 1)}
    return arrays(replace(one, stages=replace(one.stages, single=None, searches=None))) | own


def of_design(every, index):
    return {name: array[..., index if array.shape[-1] > 1 else 0].tolist() for name, array in every.items()}


@pytest.fixture(scope="module")
def machines():
    """Four machines, and each of them with one field changed, for all fields."""
    bases = [load_arch("spatten", ["softmax.fifo_lines=1024", *sets]) for sets in BASES]
    return [machine for base in bases for machine in (base, *(changed(base, path) for path in PATHS))]


def work(phase, un_pruned=False):
    """Return what a `Summary` is made from: two layers in which tokens, heads, values and low bits are all selected."""
    shape = {"context": 90} if phase == "prefill" else {"prompt": 90, "steps": 2}
    given = {
        "model": {"name": "m", "layers": 2, "heads": 3, "head_dim": 64, "hidden": 192, "ffn": 768},
        "phase": phase,
        "lsb_fraction": 0.3,
        "schedule": {
            "interpolation": "list", "token": [1, 0.7], "head": [1, 0.67], "value": 0.5, "threshold": 0.1,
            "progressive": {phase: True}, "bits": {"query": 12, "key": 8, "value": 8, "lsb": 4},
        },
    }  # fmt: skip
    decisions = complete(workload_from(given | shape, source="fields").counts(), Topk(), 0)
    return (dense(decisions), True) if un_pruned else (decisions, False)


@pytest.mark.parametrize(
    ("given", "bases"),
    [(work("prefill"), (0, 1)), (work("decode"), (2, 3)), (work("decode", un_pruned=True), (1, 2))],
    ids=["prefill", "decode", "un-pruned"],
)
def test_whichever_field_designs_differ_in_each_costs_in_a_batch_what_it_costs_alone(given, bases, machines):
    each = 1 + len(PATHS)
    machines = [machine for base in bases for machine in machines[base * each :][:each]]
    together = figures(given, Designs(machines))
    for index, machine in enumerate(machines):
        alone = figures(given, Designs([machine] * 2))  # two, as numpy adds up a single column in another order

        assert of_design(together, index) == of_design(alone, 0), PATHS[index % (1 + len(PATHS)) - 1]


def test_a_sweep_of_all_fields_at_once_is_the_batch_of_its_machines(machines):
    some, given = machines[: 1 + len(PATHS)], work("prefill")
    sweep = Sweep(some[0], {path: [value_of(machine, path) for machine in some] for path in PATHS})
    swept, batch = (figures(given, designs) for designs in (sweep, Designs(some)))

    assert [sweep.arch(index) for index in range(len(sweep))] == some
    assert {n: array.tolist() for n, array in swept.items()} == {n: array.tolist() for n, array in batch.items()}


def clock_or_lines(arch):
    """Read the clock with a radix engine, what the lines of the K SRAM follow from with others."""
    return arch.clock.mhz if arch.topk.engine == "radix" else arch.key_lines


def test_a_machine_is_asked_once_for_all_that_agree_on_what_was_read_of_it():
    fields = {"topk.engine": ["radix", "bitonic", "bitonic", "radix", "bitonic"], "clock.mhz": [1, 2, 3, 4, 1]}
    sweep, asked = Sweep(Arch(), fields | {"key_sram.kib": [96, 192, 192, 192, 96]}), []
    answers = each(sweep, lambda arch: asked.append((arch.topk.engine, clock_or_lines(arch))) or clock_or_lines(arch))

    assert answers.tolist() == [1, 256, 256, 4, 128]
    assert asked == [("radix", 1), ("bitonic", 256), ("radix", 4), ("bitonic", 128)]


@pytest.mark.parametrize(
    ("engine", "reads"),
    [
        ("radix", ("topk.engine", "clock.mhz")),
        ("bitonic", ("topk.engine", "key_sram.kib", "qk.multipliers", "number.onchip_bits")),
    ],
)
def test_what_is_read_is_noted_in_properties_and_methods_and_inside_of_a_note(engine, reads):
    arch = load_arch("spatten", [f"topk.engine={engine}"])
    answer = clock_or_lines(arch)

    assert noted(clock_or_lines, arch) == (answer, reads)
    assert noted(lambda one: noted(clock_or_lines, one)[0], arch) == (answer, reads)
    assert noted(lambda one: Answers().of(clock_or_lines, one), arch) == (answer, reads)


def test_an_answer_that_is_known_is_not_asked_for_again_and_its_reads_are_noted_all_the_same():
    known, asked = Answers(), []

    def rows(topk):
        asked.append(topk.lanes)
        return topk.beats

    for sets in (["topk.lanes=4"], ["topk.queue_lines=4"], ["topk.lanes=4", "topk.queue_lines=4"], []):
        machine = load_arch("spatten", sets)
        answer, reads = noted(lambda arch: known.of(rows, arch.topk), machine)

        assert (answer, reads) == (machine.topk.beats, ("topk.lanes", "topk.max_tokens"))
    assert asked == [4, 16]


@pytest.mark.parametrize(
    "call",
    [
        lambda arch: arch.digest,
        lambda arch: arch.topk.model_copy(update={"lanes": 1}).lanes,
        lambda arch: arch.qk == arch.pv,
        lambda arch: hash(arch.topk),
    ],
)
def test_a_model_that_is_taken_as_a_whole_is_refused(call):
    with pytest.raises((AssertionError, TypeError), match=r"as a whole|unhashable"):
        noted(call, Arch())


def test_a_stand_in_is_an_instance_of_the_models_class():
    assert noted(lambda arch: (isinstance(arch, Arch), isinstance(arch.topk, Topk)), Arch()) == ((True, True), ())
