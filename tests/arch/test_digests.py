"""Digests of machines that nobody built equal those of the machines."""

import re
from typing import Literal, get_args, get_origin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import Arch, load_arch
from tokensieve.arch.base import build, submodel
from tokensieve.arch.digests import Digests
from tokensieve.arch.errors import ArchError
from tokensieve.arch.library import merge
from tokensieve.arch.presets import all_fields
from tokensieve.sim.analytic.batch import Sweep

PATHS = [path for path, _, _ in all_fields() if path != "primitives"]
"""All fields but the one that no digest has."""

BASES = [
    Arch(),
    load_arch("sieve"),
    load_arch("spatten", ["topk.engine=radix", "topk.lanes=4", "topk.comparators=4", "dram.refresh=false"]),
    Arch(name='na"me\u00fc', technology="/some/where/file.yaml@0123456789abcdef"),
]
DIGESTS = [Digests(base) for base in BASES]


def values(path):
    """Return a strategy for values of the field at `path`, of its type and near its default."""
    *groups, name = path.split(".")
    field = submodel(Arch, groups).model_fields[name]
    kind = field.annotation
    if path == "technology":
        return st.sampled_from(["tsmc40", "scaled7", "other/file.yaml@fedcba9876543210"])
    if get_origin(kind) is Literal:
        return st.sampled_from(get_args(kind))
    if kind is bool:
        return st.booleans()
    if kind is str:
        return st.one_of(st.just(field.default), st.text(min_size=1, max_size=8))
    default = field.default or 8
    numbers = st.sampled_from([default, default + 1, max(default - 1, 0), default * 2, default // 2])
    return numbers if kind is int else st.one_of(st.none(), numbers)


@st.composite
def overrides(draw):
    """Draw up to 12 fields, in any order, and a value for each."""
    paths = draw(st.lists(st.sampled_from(PATHS), max_size=12, unique=True))
    return {path: draw(values(path)) for path in paths}


def written_out(base, own):
    data = base.model_dump()
    for path, value in own.items():
        group, _, name = path.rpartition(".")
        data = merge(data, {group: {name: value}} if group else {name: value})
    return build(Arch, data, ArchError)


@given(number=st.integers(0, len(BASES) - 1), own=overrides())
@settings(max_examples=300, deadline=None)
def test_the_digest_of_a_machine_that_is_not_built_is_that_of_the_machine(number, own):
    found = DIGESTS[number].of(own)
    try:
        machine = written_out(BASES[number], own)
    except ArchError:
        return

    assert found == machine.digest


@pytest.mark.parametrize("path", PATHS)
def test_whichever_field_differs_the_digest_is_that_of_the_machine_with_the_value(path):
    base = BASES[0]
    group, _, name = path.rpartition(".")
    value = getattr(getattr(BASES[2], group) if group else BASES[2], name)
    machine = base.model_copy(
        update={group: getattr(base, group).model_copy(update={name: value})} if group else {name: value}
    )

    assert DIGESTS[0].of({path: value}) == machine.digest
    assert (DIGESTS[0].of({path: value}) == base.digest) == (machine == base)


@pytest.mark.parametrize("technology", ["scaled7", "other/file.yaml@fedcba9876543210"])
def test_of_a_technology_file_only_its_digest_counts(technology):
    machine = Arch(technology=technology)

    assert DIGESTS[0].of({"technology": technology}) == machine.digest
    assert Digests(machine).of({"technology": "tsmc40"}) == Arch().digest


def test_points_of_a_sweep_have_the_digests_of_their_machines_whatever_the_order_of_its_fields():
    fields = {"topk.lanes": [1, 64], "clock.mhz": [700, 900], "topk.engine": ["radix", "bitonic"]}
    for order in (list(fields), list(reversed(fields))):
        sweep = Sweep(Arch(), {path: fields[path] for path in order})
        for index in range(2):
            assert Digests(Arch()).of(sweep.laid_on(index)[1]) == sweep.arch(index).digest
            numbers = {path: np.array(column)[index] for path, column in fields.items()}
            assert Digests(Arch()).of(numbers) == sweep.arch(index).digest


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("topk.lanez", "topk.lanez is not a known field; did you mean 'lanes'?"),
        ("topc.lanes", "topc.lanes is not a known field"),
        ("topk", "topk must be a single field, got a group of"),
    ],
)
def test_what_is_no_field_is_refused(path, message):
    with pytest.raises(ArchError, match=re.escape(message)):
        DIGESTS[0].of({path: 1})
