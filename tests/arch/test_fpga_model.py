"""What the top-k engines take of an ECP5: the model, its records, and what is said beyond them."""

import json
from pathlib import Path

import pytest

from tokensieve.arch.datapath import ENGINES, Topk
from tokensieve.arch.errors import ArchError, TokensieveError
from tokensieve.arch.fpga_model import COMMON, FIELDS, coefficients, estimate, require_modelled, told
from tokensieve.arch.fpga_structure import terms
from tokensieve.pages.engine_runs import figures
from tokensieve.pages.fpga_model import Runs, errors, fit, summary

RECORDED = Path(__file__).parents[2] / "docs" / "reference" / "units" / "engine-runs.json"
CHANGED = {
    "lanes": 8, "max_tokens": 512, "score_bits": 16, "compactor": "max_frequency", "digit_bits": 2,
    "first_digit": "linear", "count_stages": 5,
}  # fmt: skip


@pytest.fixture(scope="module")
def runs():
    return Runs(json.loads(RECORDED.read_text()))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("field", CHANGED)
def test_a_field_changes_the_estimate_of_the_engines_whose_hardware_has_it_and_of_no_other(engine, field):
    usual = Topk(engine=engine, lanes=4, max_tokens=256)
    changed = usual.model_copy(update={field: CHANGED[field]})

    has = field in (*COMMON, *FIELDS[engine])
    assert (estimate(changed) != estimate(usual)) == has


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("field", "values"), [("lanes", (1, 4, 16)), ("max_tokens", (64, 256, 1024)), ("score_bits", (8, 12, 16))]
)
def test_more_hardware_costs_more_and_is_no_faster(engine, field, values):
    usual = Topk(engine=engine, lanes=4, max_tokens=256, compactor="balanced")
    found = [estimate(usual.model_copy(update={field: value})) for value in values]

    for name in ("lut", "ff", "bram", "dsp"):
        assert [getattr(one, name) for one in found] == sorted(getattr(one, name) for one in found)
    assert [one.lut for one in found] == sorted({one.lut for one in found})


def test_the_model_that_ships_is_the_fit_to_the_recorded_runs(runs):
    known, fresh = coefficients(), fit(runs)

    assert known == fresh
    assert (told()["runs"], told()["runs_placed"]) == (len(runs.rows), len(runs.placed.rows))


def test_nextpnr_took_as_many_luts_for_the_cells_as_are_counted_for_runs_that_it_did_not_place(runs):
    for row in runs.placed.rows:
        assert figures({**row, "lut": None})["lut"] == pytest.approx(row["lut"], rel=0.05)


def test_each_block_has_at_most_five_coefficients():
    known = coefficients()

    assert max(len(own) for blocks in (known.lut, known.ff, known.path_ns) for own in blocks.values()) <= 5
    assert all(set(terms(Topk(engine=engine))) <= set(known.lut) for engine in ENGINES)


def test_errors_of_runs_that_were_left_out_are_within_what_is_promised(runs):
    found = summary(errors(runs))

    assert found == told()["errors"]
    assert found["lut"]["median"] <= 0.15 >= found["ff"]["median"]
    assert found["lut"]["worst"] <= 0.30 >= found["ff"]["worst"]
    assert found["bram"]["worst"] == found["dsp"]["worst"] == 0
    assert found["fmax_mhz"]["worst"] <= 0.20


def test_runs_are_of_one_version_of_the_tools_and_of_different_engines(runs):
    assert len(runs.rows) >= 24
    assert len({json.dumps(row["tools"], sort_keys=True) for row in runs.rows}) == 1
    assert len({row["rtlil"] for row in runs.rows}) == len(runs.rows)
    assert {one.engine for one in runs.engines} == set(ENGINES)


def test_an_estimate_beyond_what_was_recorded_says_so():
    inside = estimate(Topk(engine="radix", lanes=2, max_tokens=256))
    beyond = estimate(Topk(engine="radix", lanes=64, max_tokens=4096, score_bits=12))

    assert inside.extrapolated == inside.fmax_extrapolated == ()
    assert len(beyond.fmax_extrapolated) >= 2
    assert [one.partition(" ")[0] for one in beyond.extrapolated] == ["topk.lanes", "topk.max_tokens"]


def test_an_engine_without_rtl_has_no_estimate():
    with pytest.raises(ArchError, match=r"topk.comparators must be topk.lanes = 16 or null for RTL, which has one"):
        estimate(Topk(comparators=8))


@pytest.mark.parametrize(
    ("unit", "device", "message"),
    [
        ("compactor", "ecp5-85k", "unit must be topk or fixed-length-pruner for an estimate, .* got 'compactor'"),
        ("topk", "ice40-hx8k", "--device must be one of ecp5-85k, ecp5-45k, ecp5-25k for an estimate"),
    ],
)
def test_what_no_runs_were_recorded_of_is_refused(unit, device, message):
    with pytest.raises(TokensieveError, match=message):
        require_modelled(unit, device)


def test_what_is_counted_is_what_was_measured(runs):
    for topk, row in zip(runs.engines, runs.rows, strict=True):
        assert (estimate(topk).bram, estimate(topk).dsp) == (figures(row)["bram"], figures(row)["dsp"])
