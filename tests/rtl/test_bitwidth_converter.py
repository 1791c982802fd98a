"""The bitwidth converter: planes of any width in, on-chip words out."""

import numpy as np
import pytest
from bench.units import alone, differences, small, trials
from hypothesis import given, settings

from tokensieve.arch import Arch
from tokensieve.arch.bitwidth_converter import ConverterWork, lsb_widths
from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import case
from tokensieve.verify.units.base import with_fields
from tokensieve.verify.units.bitwidth_converter import BitwidthConverterUnit

UNIT = BitwidthConverterUnit()
COUNT = 40


def machine(plane_bytes=4, onchip_bits=12, lsb_bits=4, row_bytes=12):
    """Return a small machine: 8 lanes, vectors of up to 24 elements."""
    arch = with_fields(small(), "number", onchip_bits=onchip_bits, lsb_bits=lsb_bits)
    return with_fields(with_fields(arch, "converter", plane_bytes=plane_bytes), "gather", max_row_bytes=row_bytes)


SMALL = machine()
VECTORS = UNIT.vectors(SMALL, COUNT, 1, None)


@pytest.mark.parametrize(
    ("plane_bytes", "onchip_bits", "lsb_bits", "row_bytes"),
    [(4, 12, 4, 12), (2, 12, 3, 9), (8, 12, 6, 17), (2, 8, 4, 8), (4, 16, 8, 12), (4, 11, 1, 12)],
)
def test_words_are_golden_s_in_the_cycles_of_the_law(plane_bytes, onchip_bits, lsb_bits, row_bytes):
    arch = machine(plane_bytes, onchip_bits, lsb_bits, row_bytes)

    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 2, None), alone(COUNT)) == []


@settings(max_examples=15)
@given(trials=trials(COUNT, ["command", "msb", "lsb"], ["o"]))
def test_makes_the_transfers_of_its_twin_whatever_the_pauses(trials):
    assert differences(UNIT, SMALL, VECTORS, trials) == []


@pytest.mark.parametrize(("bits", "beats"), [(4, 1), (6, 2), (8, 2), (10, 3), (12, 3)])
def test_a_vector_of_64_elements_takes_a_cycle_for_each_granule(bits, beats):
    """Also where it does not fill the last one."""
    law = Arch().converter.law
    work = ConverterWork(elements=64, msb_bits=bits, lsb_bits=0)

    assert (law.beats(64, bits), law.busy(work), law.cycles(work)) == (beats, beats, beats + 2)


def test_law_accepts_arrays():
    law, n = Arch().converter.law, np.arange(1, 193)
    for msb, lsb in ((4, 0), (6, 4), (10, 2), (4, 8)):
        together = law.cycles(ConverterWork(elements=n, msb_bits=msb, lsb_bits=lsb))
        one_by_one = [law.cycles(ConverterWork(elements=int(one), msb_bits=msb, lsb_bits=lsb)) for one in n]

        assert together.tolist() == one_by_one


def test_vectors_of_one_beat_follow_one_another_without_a_gap():
    harness = UNIT.harness()
    stimulus = harness.stimulus(SMALL, VECTORS, [2])  # three vectors of 4 bits
    record = run(harness.component(SMALL), [case(stimulus, limit=99)])[0]

    assert record.cycles_of("msb") == [1, 2, 3]
    assert record.cycles_of("o") == [3, 4, 5]


def test_no_beat_is_taken_from_a_plane_that_a_vector_does_not_have():
    harness = UNIT.harness()
    stimulus = harness.stimulus(SMALL, VECTORS, [2, 1])
    record = run(harness.component(SMALL), [case(stimulus, limit=99)])[0]

    assert record.cycles_of("lsb")[0] == record.cycles_of("msb")[3]


def test_lsb_plane_has_its_width_or_what_the_msbs_leave():
    assert lsb_widths(12, 4) == (2, 4)
    assert lsb_widths(8, 8) == (2, 4)
    assert lsb_widths(12, 3) == (2, 3)
