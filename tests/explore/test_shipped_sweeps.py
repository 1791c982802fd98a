"""The sweeps that ship: what their files promise, and the machine that one of them found."""

import re
from math import ceil

import numpy as np
import pytest

from tokensieve import sweep
from tokensieve.arch import load_arch
from tokensieve.arch.technology import load_technology
from tokensieve.explore.named import Named
from tokensieve.explore.price import Pricer
from tokensieve.explore.sensitivity import Listed
from tokensieve.explore.space import Space
from tokensieve.explore.spec import read_sweep
from tokensieve.explore.sweep import machine_digests
from tokensieve.run.points import Cycle
from tokensieve.sim.cost.area import area
from tokensieve.workloads.distributions import PROBABILITY_BITS, minilm_probabilities

BEST = "best-under-spatten"


def mm2(name):
    arch = load_arch(name)
    return area(arch, load_technology(arch.technology)).total


def places(space, machine):
    """Where the machine lies on each dimension of a space, axis by axis."""
    found = []
    for dimension in space.dimensions:
        wanted = {axis.name: value(machine, axis.name) for axis in dimension}
        found.append(next(i for i in range(len(dimension[0].values))
                          if all(axis.values[i] == wanted[axis.name] for axis in dimension)))  # fmt: skip
    return found


def value(machine, name):
    if name == "packets":
        return machine.softmax.fifo_lines * machine.softmax.lanes // machine.topk.max_tokens
    group, field = name.split(".")
    return getattr(getattr(machine, group), field)


def test_the_limit_of_the_best_machine_is_the_area_of_the_paper_s():
    [limit] = read_sweep(BEST).constraints

    told = float(re.fullmatch(r"area_mm2.total <= ([\d.]+)", limit)[1])
    assert told == ceil(1e4 * mm2("spatten")) / 1e4
    assert mm2(BEST) <= told


@pytest.mark.parametrize("name", ["spatten", BEST])
def test_the_paper_s_machine_and_the_preset_are_designs_of_the_sweep(name):
    space = Space(read_sweep(BEST))
    space.draw(Listed([np.array([place]) for place in places(space, load_arch(name))], 1))
    designs = space.designs(0, 1)

    [digest] = machine_digests(load_arch("spatten"), designs.own(np.arange(1)), 1)
    assert digest == load_arch(name).model_copy(update={"name": "spatten"}).digest


def test_the_preset_is_better_than_all_designs_that_differ_in_one_axis_at_level_cycle():
    spec = read_sweep(BEST)
    pricer = Pricer(spec.model_copy(update={"level": "cycle"}), Cycle())
    space, named = pricer.space, Named(pricer.space)
    home = places(space, load_arch(BEST))
    tried = [home] + [
        [*home[:d], code, *home[d + 1 :]]
        for d, dimension in enumerate(space.dimensions)
        for code in range(len(dimension[0].values))
        if code != home[d]
    ]
    space.draw(Listed(list(np.array(tried, np.int64).T), len(tried)))

    good, figures = named.figures(space.designs(0, len(tried)), pricer.price(0, len(tried)))
    times, areas = (
        named.mean([named.formula("objectives", text).value(own) for own in figures], len(good))
        for text in ("round(1e6 * seconds)", "area_mm2.total")
    )

    better = (areas <= mm2("spatten")) & ((times < times[0]) | ((times == times[0]) & (areas < areas[0])))
    assert good[0] == 0
    assert len(good) > 10
    assert [tried[good[i]] for i in np.flatnonzero(better)] == []


def test_the_best_machine_is_three_times_as_fast_as_the_paper_s_on_no_more_area():
    found = sweep(workloads=["minilm", "minilm-values"], axes={"arch": ["spatten", BEST]}, level="cycle")

    paper, mine = found.rows
    assert 3 * mine.figures["seconds"] < paper.figures["seconds"]
    assert mine.figures["area_mm2.total"] <= paper.figures["area_mm2.total"]


def test_shares_of_queries_that_come_twice_are_those_of_real_probabilities():
    axes = read_sweep("bits-threshold").axes
    largest = minilm_probabilities().max(axis=1) / 2**PROBABILITY_BITS

    shares = [round(float((largest < one).mean()), 3) for one in axes["policy.threshold"]]
    assert shares == list(axes["workload.lsb_fraction"])


def test_every_split_of_the_bits_is_twelve():
    axes = read_sweep("bits-threshold").axes

    assert {a + b for a, b in zip(axes["policy.bits.key"], axes["policy.bits.lsb"], strict=True)} == {12}


def test_a_field_with_one_value_takes_the_place_of_an_axis_and_leaves_its_zip():
    spec = read_sweep(BEST)
    found = sweep(
        BEST,
        sets=[
            "topk.engine=radix", "topk.lanes=64", "softmax.lanes=32", "qk.multipliers=1024", "pv.multipliers=1024",
            "key_sram.kib=48", "value_sram.kib=48", "key_sram.ports=1", "dram.window=16",
        ],
    )  # fmt: skip

    assert len(spec.zip) == 4
    assert found.designs == 3 * 2 * 3 * 2  # channels with the fetcher's ports, packets, queues, ports of V
