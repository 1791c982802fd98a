"""Every unit with every engine at the size of the preset `sieve`, on Verilator: answers, cycles, work and twins.

Each builds for minutes. In `make test`, level `rtl` plays the top-k of `spatten` at its size."""

import pytest

from tokensieve.arch import load_arch
from tokensieve.verify.cosim import cosim
from tokensieve.verify.request import Request
from tokensieve.verify.units import UNITS, every_engine, find_unit

VECTORS = 15


def every():
    """Return all units with all their engines."""
    for name in UNITS:
        for engine in every_engine(find_unit(name)):
            yield pytest.param(name, engine, id=f"{name} {engine or ''}".strip())


@pytest.mark.long
@pytest.mark.parametrize(("name", "engine"), [*every()])
def test_unit_is_equal_to_golden_law_and_twin_at_real_size(name, engine):
    told = cosim(Request(unit=find_unit(name), engine=engine, arch=load_arch("sieve"), count=VECTORS, seed=3))

    assert told.vectors == VECTORS
    assert told.stall_cases >= VECTORS // 3
    assert told.differences == 0
