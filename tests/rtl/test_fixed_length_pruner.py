"""The fixed-length pruner: exactly K tokens of every sequence, at a constant interval and with a constant latency."""

import numpy as np
import pytest
from bench.units import Trial, alone, differences, small, trials
from hypothesis import given, settings

from tokensieve.arch import Arch, load_arch
from tokensieve.arch.errors import ArchError
from tokensieve.arch.fixed_length_law import SequenceWork
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import PrunerFormat
from tokensieve.cli.app import call
from tokensieve.explore.axes import known_axis, swept_names
from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.mutants.base import find_mutant
from tokensieve.verify.pace import measured, row_case
from tokensieve.verify.units.base import with_fields
from tokensieve.verify.units.fixed_length_pruner import FixedLengthPrunerUnit

UNIT = FixedLengthPrunerUnit()
COUNT = 24
SMALL = small()
VECTORS = UNIT.vectors(SMALL, COUNT, 1, None)


def pruner(**fields):
    """Return a machine with a small pruner."""
    return with_fields(Arch(), "pruner", **{"score_bits": 4, "id_bits": 3, "count_stages": 1, **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": 13, "keep": 6, "engine": "radix", "digit_bits": 2, "engines": 1},
        {"max_tokens": 7, "keep": 7, "engine": "bitonic", "lanes": 8, "engines": 1},
        pytest.param({"max_tokens": 13, "keep": 5, "lanes": 1}, marks=pytest.mark.long),
        pytest.param({"max_tokens": 2, "keep": 1, "lanes": 2, "engines": 9}, marks=pytest.mark.long),
        pytest.param({"max_tokens": 16, "keep": 9, "compactor": "max_frequency"}, marks=pytest.mark.long),
        pytest.param({"max_tokens": 40, "keep": 3, "lanes": 8, "engine": "radix"}, marks=pytest.mark.long),
    ],
    ids=str,
)
def test_keeps_what_golden_keeps_in_the_cycles_of_law_and_twin(fields):
    """One by one, in a row, with pauses, and while nothing is taken."""
    arch, every = pruner(**fields), (*range(10), *range(COUNT - 4, COUNT))
    paused = [Trial(every, {"i": [0, 3, 0, 0, 1, 9] * 40}), Trial(every, stalls={"o": [True, False, True] * 90})]
    told = [*alone(6), Trial(every), *paused, Trial((0,) * 8, stalls={"o": [True] * 300})]

    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 2, None), told) == []


@pytest.mark.long
@pytest.mark.parametrize(
    "fields",
    [
        {"max_tokens": 8, "keep": 3, "embedding_beats": 1},
        {"max_tokens": 13, "keep": 5, "lanes": 2, "embedding_beats": 3, "engine": "radix"},
        {"max_tokens": 7, "keep": 7, "lanes": 8, "embedding_beats": 3, "engine": "bitonic"},
        {"max_tokens": 6, "keep": 1, "lanes": 1, "embedding_beats": 1, "engines": 9},
        {"max_tokens": 2, "keep": 1, "lanes": 4, "embedding_beats": 2},
    ],
    ids=str,
)
def test_keeps_the_embeddings_that_golden_keeps_in_the_cycles_of_law_and_twin(fields):
    """Each stream in turn has pauses, or is stalled for long."""
    arch, every = pruner(embedding_bits=8, **fields), (*range(10), *range(COUNT - 4, COUNT))
    gaps, stalls, long = [0, 3, 0, 0, 1, 19] * 40, [True, False, True] * 190, [True] * 500
    told = [*alone(COUNT), Trial(every), *(Trial(every, {name: gaps}) for name in ("i", "e"))]
    told += [Trial(every, stalls={name: stalls}) for name in ("o", "eo")]
    told += [Trial((0,) * 8, stalls={name: long}) for name in ("o", "eo")]

    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 2, None), told) == []


def test_kept_embeddings_follow_one_another_at_a_constant_interval_whatever_the_lengths():
    """The interval is that of the embeddings of the longest sequence."""
    arch = pruner(max_tokens=8, keep=3, lanes=2, embedding_beats=2, embedding_bits=8)
    vectors = UNIT.vectors(arch, COUNT, 1, None)
    ((which, case),) = row_case(UNIT, arch, vectors)
    (record,) = run(UNIT.harness().component(arch), [case])
    row, law = measured(UNIT, arch, vectors, which, record), arch.pruner.law

    assert row.interval == (16, 16)
    assert row.latency_of == {"eo": (law.embedding_latency(SequenceWork(tokens=8)),) * 2}
    assert row.differences == 0
    assert {0, 1, 8} <= set(vectors.work["tokens"][which].tolist())


@settings(max_examples=2)
@given(trials=trials(COUNT, ["i"], ["o"], together=6))
def test_makes_the_transfers_of_its_twin_whatever_the_pauses(trials):
    assert differences(UNIT, SMALL, VECTORS, trials) == []


@pytest.mark.parametrize(("fault", "interval", "late"), [(None, 11, 0), ("bubble", 12, 2)])
def test_interval_and_latency_of_all_sequences_in_a_row_are_those_of_the_law(fault, interval, late):
    """A bubble shows in every interval, in and out."""
    ((which, case),) = row_case(UNIT, SMALL, VECTORS)
    component = UNIT.harness().component
    if fault is None:
        (record,) = run(component(SMALL), [case])
    else:
        with find_mutant(UNIT.name, fault).planted():
            (record,) = run(component(SMALL), [case])
    row = measured(UNIT, SMALL, VECTORS, which, record)

    assert row.interval == (interval, interval)
    assert row.latency == (SMALL.pruner.law.latency(SequenceWork(tokens=21)),) * 2
    assert row.differences == late * (len(which) - 1)
    assert row.vectors == len(which) == sum(VECTORS.work["tokens"] <= 21)


@pytest.mark.parametrize(
    ("engine", "fewest"), [("bitserial", {64: 5, 128: 3, 512: 2}), ("radix", {64: 5, 128: 4, 512: 4})]
)
def test_as_few_engines_as_keep_the_input_from_waiting(engine, fewest):
    for tokens, engines in fewest.items():
        one = FixedLengthPruner(max_tokens=tokens, keep=tokens // 2, engine=engine)
        less = one.model_copy(update={"engines": engines - 1})

        assert one.engine_count == engines
        assert one.law.interval == tokens // 4 < less.law.interval


@pytest.mark.parametrize(
    ("tokens", "keep", "engine"), [(128, 64, "bitserial"), (512, 128, "bitserial"), (64, 8, "radix")]
)
def test_latency_is_the_engine_s_occupancy_and_the_drain_s_latency(tokens, keep, engine):
    """The drain reads the beats before those that leave, if the last tokens are kept."""
    one = FixedLengthPruner(max_tokens=tokens, keep=keep, engine=engine)
    law, before = one.law, (tokens - keep) // 4
    latency = law.latency(SequenceWork(tokens=tokens))

    assert latency <= law.occupancy + one.topk.drain_latency + before + 8
    assert {law.latency(SequenceWork(tokens=count)) for count in range(tokens + 1)} == {latency}
    assert np.array_equal(law.latency(SequenceWork(tokens=np.array([tokens, tokens + 1]))), [latency, latency + 1])


@pytest.mark.parametrize(("beats", "first"), [(1, 111 + 5), (4, 65 * 4 + 5)])
def test_embeddings_leave_when_it_is_known_whose_are_kept_or_when_enough_have_come(beats, first):
    """Of 128 tokens 64 stay: the first of them may be the 65th."""
    one = FixedLengthPruner(max_tokens=128, keep=64, engines=3, embedding_beats=beats)
    law = one.law

    assert law.interval == 128 * beats
    assert {law.embedding_latency(SequenceWork(tokens=count)) for count in range(129)} == {first}
    assert law.embedding_cycles(SequenceWork(tokens=3)) == first + 64 * beats
    assert one.model_copy(update={"engines": None}).engine_count == 1


def test_a_pruner_without_embeddings_has_the_digest_that_it_had_before_there_were_any():
    plain, wide, embedded = Arch(), pruner(embedding_bits=128), pruner(embedding_beats=1)

    assert not {"embedding_beats", "embedding_bits"} & plain.identity["pruner"].keys()
    assert len({one.digest for one in (pruner(), wide, embedded)}) == 3


def test_embeddings_are_refused_behind_a_host_link_before_anything_is_built(tmp_path, capsys):
    told = ["fpga", "build", UNIT.name, "--device", "ecp5-85k", "--set", "pruner.embedding_beats=2"]

    assert call([*told, "--out", str(tmp_path)]) == 2
    assert "pruner.embedding_beats must be 0 behind a host link, got 2" in capsys.readouterr().err
    with pytest.raises(ArchError, match=r"pruner.embedding_beats must be 0 behind a host link, got 1"):
        PrunerFormat(FixedLengthPruner(embedding_beats=1))


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (["pruner.embedding_beats=257"], "pruner.embedding_beats must be in 0..256, got 257"),
        (["pruner.embedding_bits=24"], "pruner.embedding_bits must be a power of two in 8..1024, got 24"),
        (
            ["pruner.max_tokens=8192", "pruner.embedding_bits=1024", "pruner.embedding_beats=5"],
            "pruner.embedding_beats must be at most 4 for max_tokens = 8192 and embedding_bits = 1024, got 5",
        ),
        (["pruner.keep=129"], "pruner.keep must be at most max_tokens = 128, got 129"),
        (["pruner.lanes=3"], "pruner.lanes must be a power of two in 1..64, got 3"),
        (["pruner.engine=quickselect"], "pruner.engine must be one of bitserial, radix, bitonic, got 'quickselect'"),
        (["pruner.max_tokens=8193"], "pruner.max_tokens must be in 2..8192, got 8193"),
        (
            ["pruner.max_tokens=8192", "pruner.engines=5"],
            "pruner.engines must be at most 4 for max_tokens = 8192, got 5",
        ),
        (["pruner.kept=4"], "pruner.kept is not a known field; did you mean 'pruner.keep'?"),
    ],
)
def test_a_bad_field_is_refused_with_its_rule(sets, message, capsys):
    with pytest.raises(ArchError, match=message.split("?")[0]):
        load_arch("spatten", sets)

    assert call(["cosim", UNIT.name, *(word for one in sets for word in ("--set", one))]) == 2
    assert message in capsys.readouterr().err


def test_a_field_that_no_level_prices_is_no_axis():
    assert not any(name.startswith("pruner.") for name in swept_names())

    with pytest.raises(ValueError, match=r"pruner.keep cannot be swept: only hardware reads it, and no level prices"):
        known_axis("pruner.keep")
