"""Golden's answers as beats, which stand-alone test benches compare with what comes out."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
from bench.units import small

from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import case
from tokensieve.verify.units import UNITS, find_unit

ARCH = small()
COUNT = 14
NAMES = [name for name in UNITS if not name.startswith("axi-")]


def made(name):
    """Return a unit, its arch, vectors and harness."""
    unit = find_unit(name)
    arch = unit.arch(ARCH, unit.engines()[0])
    return unit, arch, unit.vectors(arch, COUNT, 1, None), unit.harness()


@pytest.mark.parametrize("name", NAMES)
def test_awaited_beats_hold_all_that_golden_says(name):
    """Read back, with chance in the bits that do not count, they are golden's arrays again."""
    _, arch, vectors, harness = made(name)
    rng, which = random.Random(1), [*range(COUNT)]
    came = {
        stream: tuple((0, payload ^ rng.getrandbits(mask.bit_length()) & ~mask) for payload, mask in beats)
        for stream, beats in harness.awaited(arch, vectors, which).items()
    }
    record = SimpleNamespace(
        transfers=came,
        events={"found": (), "round": ()} | came,
        payloads=lambda name: [bits for _, bits in came[name]],
        cycles_of=lambda name: range(0, 10_000, 2),
    )  # fmt: skip
    if "status" in came:  # an event belongs to the command of the cycle before
        told = [2 * j + 1 for j, code in enumerate(vectors.expected["status"].tolist()) if code]
        record.events["status"] = tuple((at, bits) for at, (_, bits) in zip(told, came["status"], strict=True))
    if "found" in came:  # sizes are told apart by the cycles of `found`
        places = iter(range(10_000))
        sizes = iter(came["round"])
        each = [[next(sizes) for _ in vectors.item("work", "sizes", j)] for j in which]
        told = [([(next(places), one) for _, one in some], next(places)) for some in each]
        record.events["round"] = tuple(one for some, _ in told for one in some)
        record.events["found"] = tuple((at, one) for (_, at), (_, one) in zip(told, came["found"], strict=True))

    for index, answers in enumerate(harness.observed(arch, vectors, which, record)):
        for field, array in answers.items():
            assert np.array_equal(array, vectors.item("expected", field, index)), (index, field)


def some():
    """Mark the units that take long as `long`; the bits that count are compared above for all."""
    sample = ("zero-eliminator", "topk", "token-gather", "requant-decision")
    return [pytest.param(name, marks=[] if name in sample else pytest.mark.long) for name in NAMES]


@pytest.mark.parametrize("name", some())
def test_the_unit_gives_the_awaited_beats(name):
    unit, arch, vectors, harness = made(name)
    which = [3, 0, 7, 5]
    stimulus = harness.stimulus(arch, vectors, which)
    limit = 10 * sum(unit.law(arch, vectors, index)["total"] for index in which) + 1000
    (record,) = run(harness.component(arch), [case(stimulus, limit=limit)])

    awaited = harness.awaited(arch, vectors, which)
    assert set(stimulus.expect) <= set(awaited)
    for stream, beats in awaited.items():
        came = [payload for _, payload in (record.transfers | record.events)[stream]]
        assert [bits & mask for bits, (_, mask) in zip(came, beats, strict=True)] == [
            payload & mask for payload, mask in beats
        ], stream
