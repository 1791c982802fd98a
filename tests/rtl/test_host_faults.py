"""Planted faults of the host link: each shows in a scene, in which nothing else does."""

import pytest
from bench.hostscenes import SCENES, first_difference

from tokensieve.rtl.flow.mutants.base import mutants_of

MUTANTS = mutants_of("host-link")
SAMPLE = {"place-of-before", "overwrites-one", "timeout-late", "break-repeats", "two-phases"}
"""Faults that are looked for in every run, one of each part that shows one within a second."""


@pytest.mark.parametrize("scene", dict.fromkeys(scene for scenes in SCENES.values() for scene in scenes))
def test_without_a_fault_all_is_as_it_should_be(scene):
    for seen, right in scene():
        assert seen == right


@pytest.mark.parametrize(
    "mutant",
    [pytest.param(one, id=one.name, marks=() if one.name in SAMPLE else pytest.mark.long) for one in MUTANTS],
)
def test_every_fault_shows(mutant):
    assert first_difference(mutant) is not None


def test_there_are_faults_of_every_module_and_those_of_the_sample_are_among_them():
    assert {one.module for one in MUTANTS} == {f"tokensieve.rtl.host.{name}" for name in SCENES}
    assert {one.name for one in MUTANTS} >= SAMPLE
