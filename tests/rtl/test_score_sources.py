"""Scores of the fixed-length pruner that are not given: norms of embeddings, and attention summed up over rows."""

import numpy as np
import pytest
from bench.units import Trial, alone, differences

from tokensieve.arch import Arch, load_arch
from tokensieve.arch.errors import ArchError
from tokensieve.arch.fixed_length_law import SequenceWork
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.host_frames import PrunerFormat
from tokensieve.cli.app import call
from tokensieve.golden.vectors.score_sources import accumulated, norms
from tokensieve.rtl.flow.amsim import run
from tokensieve.verify.pace import measured, row_case
from tokensieve.verify.situations import situations_of
from tokensieve.verify.units.base import with_fields
from tokensieve.verify.units.fixed_length_pruner import FixedLengthPrunerUnit

UNIT = FixedLengthPrunerUnit()
COUNT = 24

NORMS = {"score_source": "embedding_norm", "embedding_beats": 2, "embedding_bits": 16}
SUMS = {"score_source": "accumulated", "query_rows": 3}


def pruner(**fields):
    """Return a machine with a small pruner."""
    small = {"max_tokens": 8, "keep": 3, "lanes": 2, "score_bits": 4, "id_bits": 3, "count_stages": 1}
    return with_fields(Arch(), "pruner", **small, **fields)


@pytest.mark.parametrize(
    ("fields", "interval", "latency"),
    [(NORMS, 16, 48), ({**NORMS, "engines": 1}, 24, 48), (SUMS, 12, 40), ({**SUMS, "query_rows": 1}, 4, 32)],
    ids=str,
)
def test_interval_and_latency_are_constant_whatever_lengths_and_scores_are(fields, interval, latency):
    """Of sequences in a row, an empty one too; rows of a sequence may have any lengths."""
    arch = pruner(**fields)
    vectors = UNIT.vectors(arch, COUNT, 1, None)
    ((which, case),) = row_case(UNIT, arch, vectors)
    (record,) = run(UNIT.harness().component(arch), [case])
    row = measured(UNIT, arch, vectors, which, record)

    assert (row.interval, row.latency, row.differences) == ((interval,) * 2, (latency,) * 2, 0)
    assert {0, 1, 8} <= set(vectors.work["tokens"][which].tolist())


@pytest.mark.parametrize("fields", [NORMS, SUMS], ids=str)
def test_keeps_the_largest_of_the_scores_that_golden_makes_in_the_cycles_of_law_and_twin(fields):
    """Some one by one; many with pauses in all streams."""
    arch, every = pruner(**fields), (*range(9), *range(COUNT - 4, COUNT))
    pauses = {name: [0, 3, 0, 9, 1, 0, 0] * 20 for name in ("i", "e") if name == "i" or "embedding_beats" in fields}
    told = [*alone(3), Trial((10,)), Trial(every, pauses, {"o": [True, False, True] * 90})]

    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 2, None), told) == []


@pytest.mark.long
@pytest.mark.parametrize(
    "fields",
    [
        {**NORMS, "embedding_beats": 1, "embedding_bits": 8, "engines": 1},
        {**NORMS, "embedding_beats": 3, "embedding_bits": 32, "engine": "radix", "norm_shift": 3},
        {**NORMS, "engine": "bitonic", "engines": 2},
        {**SUMS, "query_rows": 1},
        {**SUMS, "query_rows": 5, "engine": "radix", "engines": 1},
        {**SUMS, "query_rows": 2, "embedding_beats": 2, "embedding_bits": 8},
    ],
    ids=str,
)
def test_keeps_them_whatever_pauses(fields):
    """Each stream in turn has pauses, or is stalled for long."""
    arch, every = pruner(**fields), (*range(10), *range(COUNT - 4, COUNT))
    gaps, stalls, long = [0, 3, 0, 0, 1, 19] * 40, [True, False, True] * 190, [True] * 500
    ins, outs = (("i", "e"), ("o", "eo")) if "embedding_beats" in fields else (("i",), ("o",))
    told = [*alone(COUNT), Trial(every), *(Trial(every, {name: gaps}) for name in ins)]
    told += [Trial(which, stalls={name: some}) for name in outs for which, some in ((every, stalls), ((0,) * 8, long))]

    assert differences(UNIT, arch, UNIT.vectors(arch, COUNT, 2, None), told) == []


def test_a_norm_is_the_sum_of_the_squares_of_signed_bytes_shifted_and_bounded():
    """By default the largest score is that of bytes -128 alone."""
    one = FixedLengthPruner(score_source="embedding_norm", embedding_beats=1, embedding_bits=16, score_bits=8)
    bytes_ = np.array([[128, 128], [127, 129], [0, 255], [16, 240]])

    assert one.norm_drop == 7
    assert norms(one, bytes_).tolist() == [255, 252, 0, 4]
    assert norms(one.model_copy(update={"norm_shift": 0}), bytes_).tolist() == [255, 255, 1, 255]


def test_probabilities_are_added_up_where_a_row_has_the_token_and_the_last_row_says_which_there_are():
    one = FixedLengthPruner(score_source="accumulated", query_rows=3, score_bits=4)

    assert accumulated(one, [np.array(row) for row in ([1, 2, 15], [9], [1, 1])]).tolist() == [11, 3]
    assert accumulated(one, [np.array(row) for row in ([8], [8], [0, 1])]).tolist() == [15, 1]


def test_norms_wait_for_a_beat_of_embeddings_and_sums_for_all_rows_but_one():
    """And search no later: the padding to the bound begins with the first beat that has scores."""
    given, work = FixedLengthPruner(engines=3, embedding_beats=2).law, SequenceWork(tokens=128)
    norm = FixedLengthPruner(engines=3, embedding_beats=2, score_source="embedding_norm").law
    total = FixedLengthPruner(engines=3, embedding_beats=2, score_source="accumulated", query_rows=12).law

    assert norm.interval == given.interval == 256
    assert norm.latency(work) - given.latency(work) == 4 * 2 + 3 + 5 + (124 * 2 + 1 - 32)
    assert total.interval == 12 * 32
    assert total.latency(work) - given.latency(work) == 11 * 32 + 3
    assert total.latency(SequenceWork(tokens=128, earlier=(128, 140))) - total.latency(work) == 3


def test_a_pruner_that_is_given_its_scores_has_the_digest_that_it_had_before_there_were_other_sources():
    assert not {"score_source", "norm_shift", "query_rows"} & Arch().identity["pruner"].keys()
    assert len({one.digest for one in (pruner(), pruner(**SUMS), pruner(**NORMS))}) == 3


def test_as_many_multipliers_are_emitted_as_a_beat_has_elements(capsys):
    size = ("max_tokens=8", "keep=3", "embedding_beats=2", "embedding_bits=32", "score_source=embedding_norm")
    sets = [word for one in size for word in ("--set", f"pruner.{one}")]

    assert call(["emit", UNIT.name, *sets, "--set", "primitives=ecp5"]) == 0
    assert capsys.readouterr().out.count("MULT18X18D #(") == 4


@pytest.mark.parametrize("fields", [NORMS, SUMS], ids=str)
def test_other_scores_than_given_ones_are_refused_behind_a_host_link(fields, tmp_path, capsys):
    sets = [word for name, value in fields.items() for word in ("--set", f"pruner.{name}={value}")]
    message = f"pruner.score_source must be given behind a host link, got {fields['score_source']}"

    assert call(["fpga", "build", UNIT.name, "--device", "ecp5-85k", *sets, "--out", str(tmp_path)]) == 2
    assert message in capsys.readouterr().err
    with pytest.raises(ArchError, match=message):
        PrunerFormat(FixedLengthPruner(**fields))


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        (
            ["pruner.score_source=embedding_norm"],
            "pruner.embedding_beats must be at least 1 for score_source = embedding_norm, got 0",
        ),
        (["pruner.score_source=norm"], "must be one of given, embedding_norm, accumulated, got 'norm'"),
        (["pruner.query_rows=0"], "pruner.query_rows must be in 1..4096, got 0"),
        (["pruner.norm_shift=33"], "pruner.norm_shift must be in 0..32, got 33"),
    ],
)
def test_a_bad_source_is_refused_with_its_rule(sets, message, capsys):
    with pytest.raises(ArchError, match=message.replace("..", "[.]+")):
        load_arch("spatten", sets)

    assert call(["cosim", UNIT.name, *(word for one in sets for word in ("--set", one))]) == 2
    assert message in capsys.readouterr().err


def test_each_source_has_situations_of_its_own():
    sources = {dict(one.fields)["score_source"] for one in situations_of(UNIT.name) if len(one.fields) > 1}

    assert sources == {"embedding_norm", "accumulated"}
