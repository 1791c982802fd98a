"""Every unit with every engine at the size of the preset `sieve`, on Verilator: answers, cycles, work and twins."""

import pytest

from tokensieve.arch import load_arch
from tokensieve.verify.cosim import cosim
from tokensieve.verify.request import Request
from tokensieve.verify.units import UNITS, every_engine, find_unit

VECTORS = 15
SAMPLE = ("token-gather",)
"""Builds for half a minute, engines for minutes: the others are for `make test-all`."""


def every():
    """Return all units with all their engines, those that are no part of the sample marked as long."""
    for name in UNITS:
        for engine in every_engine(find_unit(name)):
            one = f"{name} {engine or ''}".strip()
            yield pytest.param(name, engine, id=one, marks=() if one in SAMPLE else pytest.mark.long)


def test_the_sample_names_units_that_there_are():
    assert set(SAMPLE) <= {one.id for one in every()}


@pytest.mark.parametrize(("name", "engine"), [*every()])
def test_unit_is_equal_to_golden_law_and_twin_at_real_size(name, engine):
    told = cosim(Request(unit=find_unit(name), engine=engine, arch=load_arch("sieve"), count=VECTORS, seed=3))

    assert told.vectors == VECTORS
    assert told.stall_cases >= VECTORS // 3
    assert told.differences == 0
