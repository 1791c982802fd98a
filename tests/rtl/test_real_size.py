"""Every unit with every engine at the size of the preset `sieve`, on Verilator: answers, cycles, work and twins."""

import pytest

from tokensieve.arch import load_arch
from tokensieve.verify.cosim import cosim
from tokensieve.verify.request import Request
from tokensieve.verify.units import UNITS, find_unit

VECTORS = 15


@pytest.mark.parametrize(("name", "engine"), [(name, e) for name in UNITS for e in find_unit(name).engines()])
def test_unit_is_equal_to_golden_law_and_twin_at_real_size(name, engine):
    told = cosim(Request(unit=find_unit(name), engine=engine, arch=load_arch("sieve"), count=VECTORS, seed=3))

    assert told.vectors == VECTORS
    assert told.stall_cases == VECTORS // 3
    assert told.differences == 0
