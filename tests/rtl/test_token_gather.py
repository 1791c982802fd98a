"""The token gather: the vectors of the kept tokens, whole and in order."""

import numpy as np
import pytest
import torch
from bench.units import alone, differences, small, trials
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import Arch
from tokensieve.arch.errors import ArchError
from tokensieve.arch.token_gather import GatherWork
from tokensieve.golden.token_gather import gathered_vectors, touched_granules
from tokensieve.rtl.beats import granule_request
from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import case
from tokensieve.rtl.flow.pack import codec
from tokensieve.verify.units.base import with_fields
from tokensieve.verify.units.token_gather import TokenGatherUnit

UNIT = TokenGatherUnit()
COUNT = 16
NONE, ALL = 0, 6
"""Of the vectors: the one without tokens, and one with all of them and a granule a vector."""


def gather(dram=None, topk=None, **fields):
    """Return an arch with a small gather."""
    arch = with_fields(small(**(topk or {})), "gather", **{"max_row_bytes": 20, "outstanding": 8, **fields})
    return with_fields(arch, "dram", **{"granule_bytes": 8, **(dram or {})})


SMALL = gather()
VECTORS = UNIT.vectors(SMALL, COUNT, 1, None)


@pytest.mark.parametrize(
    "arch",
    [
        SMALL,
        gather(max_row_bytes=1, align_stages=1),
        gather(max_row_bytes=8, outstanding=2, multiply_stages=1, topk={"lanes": 1}),
        gather(max_row_bytes=33, multiply_stages=6, align_stages=5, topk={"max_tokens": 9, "lanes": 8}),
        gather(max_row_bytes=48, dram={"granule_bytes": 32, "channels": 1}, topk={"lanes": 2}),
        gather(dram={"mapping": "ro-ba-bg-co-ch-pc"}, address_bits=16),
        gather(dram={"mapping": "co-ch-pc-ro-bg-ba"}),
    ],
    ids=["small", "bytes", "one-lane", "deep", "48-of-32", "pseudo-channels-first", "one-channel-in-view"],
)
def test_fetches_what_golden_fetches_in_the_cycles_of_its_law(arch):
    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 2, None), alone(COUNT)) == []


@settings(max_examples=10)
@given(trials=trials(COUNT, ["command", "token", "data"], ["request", "o"]))
def test_makes_the_transfers_of_its_twin_whatever_the_pauses(trials):
    assert differences(UNIT, SMALL, VECTORS, trials) == []


@pytest.mark.parametrize("field", ["multiply_stages", "align_stages"])
@pytest.mark.parametrize("stages", [1, 3, 7])
def test_deeper_pipeline_changes_law_and_hardware_alike(field, stages):
    arch = with_fields(SMALL, "gather", **{field: stages})
    deeper = with_fields(SMALL, "gather", **{field: stages + 1})

    assert differences(UNIT, arch, VECTORS, alone(3)) == []
    assert UNIT.law(deeper, VECTORS, ALL)["total"] == UNIT.law(arch, VECTORS, ALL)["total"] + 1


def test_memory_is_asked_for_no_more_than_there_is_room_for():
    stimulus = UNIT.harness().stimulus(SMALL, VECTORS, [ALL])
    (record,) = run(UNIT.harness().component(SMALL), [case(stimulus, stalls={"o": [True] * 90}, limit=400)])
    aligned = SMALL.gather.align_stages + 1  # registers behind the queue, each of which holds a vector of one granule

    asked = sum(cycle < 90 for cycle in record.cycles_of("request"))

    assert asked == SMALL.gather.outstanding + aligned
    assert record.ready["data"].all()
    assert record.complete


def test_memory_that_is_as_fast_as_places_allow_gives_a_granule_a_cycle():
    law = SMALL.gather.law
    fast, slow = law.outstanding - law.place_cycles, law.outstanding - law.place_cycles + 1
    work = [GatherWork(rows=100, granules=100, memory_latency=latency) for latency in (fast, slow)]

    assert law.last_request(work[0]) == 99
    assert law.last_request(work[1]) == 99 + 99 // law.outstanding


def test_law_takes_arrays_of_packets():
    works = [(0, 0, 9), (1, 1, 1), (7, 21, 3), (100, 300, 40)]
    law = Arch().gather.law
    columns = [np.array(column) for column in zip(*works, strict=True)]

    many = law.cycles(GatherWork(rows=columns[0], granules=columns[1], memory_latency=columns[2]))

    assert many.tolist() == [law.cycles(GatherWork(rows=r, granules=g, memory_latency=c)) for r, g, c in works]


@given(
    base=st.integers(0, 70),
    row_bytes=st.integers(1, 40),
    tokens=st.lists(st.integers(0, 20), max_size=6),
    size=st.sampled_from([8, 32]),
)
def test_granules_that_are_read_are_those_that_hold_a_byte_of_the_vector(base, row_bytes, tokens, size):
    read = touched_granules(base, row_bytes, torch.tensor(tokens, dtype=torch.int64), size).tolist()
    wanted = []
    for token in tokens:
        places = range(base + token * row_bytes, base + (token + 1) * row_bytes)
        wanted += sorted({place // size for place in places})

    assert read == wanted


def test_vectors_are_cut_out_of_memory():
    vectors = gathered_vectors(torch.arange(100), 7, 3, torch.tensor([2, 0]))

    assert vectors.tolist() == [[13, 14, 15], [7, 8, 9]]


def test_vector_of_48_bytes_asks_for_both_granules_that_it_straddles():
    arch = gather(max_row_bytes=48, dram={"granule_bytes": 32})
    vectors = UNIT.vectors(arch, COUNT, 1, None)
    vectors.inputs["base"][1], vectors.inputs["row_bytes"][1] = 16, 48  # token 0: bytes 16 to 63
    stimulus = UNIT.harness().stimulus(arch, vectors, [1])
    (record,) = run(UNIT.harness().component(arch), [case(stimulus, limit=60)])
    asked = [codec(granule_request(arch.gather, arch.dram)).unpack(beat) for beat in record.payloads("request")]

    assert asked == [{"address": 0, "channel": 0}, {"address": 32, "channel": 1}]


def test_packet_without_tokens_asks_for_nothing_and_gives_one_empty_vector():
    (record,) = run(
        UNIT.harness().component(SMALL), [case(UNIT.harness().stimulus(SMALL, VECTORS, [NONE]), limit=99)]
    )  # fmt: skip

    assert record.transfers["request"] == ()
    assert UNIT.harness().observed(SMALL, VECTORS, [NONE], record)[0]["length"].tolist() == [0]


def test_outstanding_must_be_a_power_of_two():
    with pytest.raises(ArchError, match=r"gather.outstanding must be a power of two in 2\.\.4096, got 12"):
        gather(outstanding=12)
