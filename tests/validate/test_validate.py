"""Rows and verdicts of the validation, the small models restated for it, and the page that is on record."""

import random
from dataclasses import replace
from importlib import import_module
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import WorkloadError, load_arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.validate import row as rows
from tokensieve.validate.catalogue import MODULES, SECTIONS, validate
from tokensieve.validate.page import files
from tokensieve.validate.row import Row, agreement, correlation
from tokensieve.validate.section import Outcome, Section, passed
from tokensieve.validate.sections import sweeps
from tokensieve.validate.sections.bert import release_layer, release_tflops
from tokensieve.validate.sections.gpt2 import SWITCHES, without_search
from tokensieve.validate.sections.ladder import LADDERS
from tokensieve.validate.sections.reductions import reductions
from tokensieve.validate.sections.selection import LANES, release_means, sorter_comparators
from tokensieve.validate.texts import part
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from

QUICK = ("machine", "selection", "bert", "reductions")
"""Sections that need no reference data and little time."""

ORACLE = ("dram", "rtl")
"""Sections whose rows are held against other people's simulators."""

figures = st.floats(-1e12, 1e12, allow_nan=False)


def row(**fields):
    return Row(**({"name": "r", "expected": 100.0, "modelled": 100.0, "unit": "cycles", "source": "here"} | fields))


@pytest.mark.parametrize(
    ("band", "edges"),
    [
        (rows.within(200.0, 0.05), (190.0, 210.0)),
        (rows.within(-200.0, 0.05), (-210.0, -190.0)),
    ],
)
def test_a_band_holds_its_edges_and_nothing_beyond(band, edges):
    low, high = edges

    assert band.holds(low)
    assert band.holds(high)
    assert not band.holds(np.nextafter(low, -np.inf))
    assert not band.holds(np.nextafter(high, np.inf))


def test_a_band_between_two_figures_prints_them():
    band = rows.between(1.35, 5.4)

    assert (band.low, band.high, band.text, band.share) == (1.35, 5.4, "1.35 to 5.4", None)


def test_one_sided_bands_have_one_side():
    assert rows.at_most(2).holds(-1e9)
    assert not rows.at_most(2).holds(2.0001)
    assert rows.at_least(0.99).holds(1e9)
    assert not rows.at_least(0.99).holds(0.9899)


@given(value=figures, expected=figures, share=st.floats(0, 1))
def test_a_verdict_says_whether_the_figure_is_in_its_band(value, expected, share):
    near = abs(value - expected) <= share * abs(expected)
    verdict = row(expected=expected, modelled=value, band=rows.within(expected, share)).verdict

    assert verdict == ("in" if near else "out") or value == pytest.approx(expected + share * abs(expected))


def test_an_exact_band_forgives_the_rounding_of_floating_point_only():
    assert rows.exactly(2.048).holds(2 * 1024 * 1000 * 1e-6)
    assert not rows.exactly(196608).holds(196609)
    assert not rows.exactly(0).holds(1e-12)


@pytest.mark.parametrize(
    ("fields", "verdict", "fails"),
    [
        ({}, "printed", False),
        ({"band": rows.within(100, 0.05)}, "in", False),
        ({"band": rows.within(100, 0.05), "modelled": 106}, "out", True),
        ({"band": rows.within(100, 0.05), "modelled": 106, "assumptions": ("lengths",)}, "out", False),
        ({"band": rows.within(100, 0.05), "modelled": float("nan")}, "out", True),
        ({"band": rows.at_most(1), "expected": None, "modelled": 2}, "out", True),
    ],
)
def test_only_a_row_out_of_its_band_with_no_assumption_fails(fields, verdict, fails):
    made = row(**fields)
    outcomes = [Outcome(name="s", title="S", section=Section(rows=(row(), made)))]

    assert (made.verdict, made.fails) == (verdict, fails)
    assert passed(outcomes) is not fails


def test_a_section_that_is_left_out_fails_nothing():
    assert passed([Outcome(name="s", title="S", section=None, left_out="no data")])


def test_a_deviation_needs_something_to_deviate_from():
    assert row(modelled=90.0).deviation == pytest.approx(-0.1)
    assert row(expected=None).deviation is None
    assert row(expected=0).deviation is None


def test_assumptions_and_causes_are_printed_in_one_line_with_the_interval_last():
    made = row(assumptions=("lengths", "ratios"), causes=("barrier",), interval=(0.98765, 12.345))

    assert made.assumption == "lengths; ratios"
    assert made.cause == "barrier; modelled 0.988 to 12.3 within the uncertainties of the constants"
    assert (row().assumption, row().cause) == (None, None)


def test_agreement_is_over_the_rows_that_have_an_expected_figure():
    found = agreement([row(modelled=110), row(modelled=80), row(expected=None), row(expected=200.0, modelled=200)])

    assert (found.rows, found.mean, found.largest) == (3, pytest.approx(0.1), pytest.approx(0.2))


@given(st.lists(st.tuples(st.integers(-1000, 1000), st.integers(-1000, 1000)), min_size=3))
def test_the_correlation_is_pearson_s(pairs):
    x, y = zip(*pairs, strict=True)
    found = correlation(x, y)

    if len(set(x)) == 1 or len(set(y)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(np.corrcoef(x, y)[0, 1])


def batcher(low, n, r, out):
    """List the comparators of an odd-even merge (Knuth, volume 3, 5.2.2)."""
    step = 2 * r
    if step < n:
        batcher(low, n, step, out)
        batcher(low + r, n, step, out)
        out += [(i, i + r) for i in range(low + r, low + n - r, step)]
    else:
        out.append((low, low + r))


def odd_even_sort(low, n, out):
    if n > 1:
        odd_even_sort(low, n // 2, out)
        odd_even_sort(low + n // 2, n // 2, out)
        batcher(low, n, 1, out)


@pytest.mark.parametrize("n", [2, 4, 8, 64, 1024])
def test_the_sorter_s_comparators_are_those_of_the_network(n):
    network = []
    odd_even_sort(0, n, network)

    assert sorter_comparators(n) == len(network)


def test_the_network_that_is_counted_sorts():
    network, items = [], random.Random(3).sample(range(64), 64)
    odd_even_sort(0, 64, network)
    for a, b in network:
        items[a], items[b] = sorted((items[a], items[b]))

    assert items == sorted(items)


def release_search(scores, rank, lanes, rng):
    """Return the cycles of one search, list by list, as the release's file has it."""
    cycles = 0
    while scores:
        cycles += -(-len(scores) // lanes) + 3
        pivot = rng.choice(scores)
        less, equal = [s for s in scores if s < pivot], scores.count(pivot)
        if len(less) <= rank:
            if len(less) + equal > rank:
                break
            rank -= len(less) + equal
            scores = [s for s in scores if s > pivot]
        else:
            scores = less
    return cycles


@pytest.mark.parametrize(("n", "rank"), [(1, 0), (64, 32), (102, 20)])
def test_what_the_test_bench_draws_is_the_release_s_loop_over_lists(n, rank):
    rng = random.Random(5)
    slow = fmean(release_search(rng.sample(range(10**6), n), rank, 16, rng) for _ in range(2000))

    assert release_means(n, rank)[LANES.index(16)] == pytest.approx(slow, rel=0.03)


def test_the_release_s_layer_of_bert_by_hand():
    """L = 64: 8 lines; 12 x 2 x 8 + 12 x 64 x 8 + 103 + 8."""
    assert release_layer(64) == 192 + 6144 + 111
    assert release_layer(64, channels=8) == 384 + 6144 + 111


def test_the_release_s_formula_on_counts_is_its_layers_and_one_count_serves_all():
    schedule = {"token": 1, "value": 1, "bits": {"query": 12, "key": 8, "value": 8, "lsb": 0}}
    whole = {"model": "bert-base", "phase": "prefill", "context": 64, "schedule": schedule}
    counts = workload_from(whole).counts()
    operations = 12 * 4 * 64 * 64 * 64

    assert release_tflops(counts) == pytest.approx(operations / release_layer(64) * 1e-3)
    assert release_tflops(counts, whole=True) == release_tflops(counts)

    pruned = workload_from(whole | {"schedule": schedule | {"token": 0.5}}).counts()
    assert release_tflops(pruned, whole=True) < release_tflops(pruned)


def test_every_ladder_changes_the_top_k_alone_between_its_widths():
    for ladder in LADDERS:
        wide, narrow = load_arch(ladder.preset, ladder.wide), load_arch(ladder.preset, ladder.narrow)

        assert (narrow.topk.search_lanes, wide.topk.search_lanes) == (1, 16)
        assert narrow.model_copy(update={"topk": wide.topk}) == wide


def test_a_sweep_without_the_trace_of_gpt2_medium_says_so_and_has_the_rest(tmp_path, monkeypatch):
    def cycles(data, file, *sets, preset="spatten"):
        data.file(file)
        return 100

    (tmp_path / sweeps.PRUNED).parent.mkdir()
    (tmp_path / sweeps.PRUNED).touch()
    monkeypatch.setattr(sweeps, "_cycles", cycles)
    monkeypatch.setattr(sweeps, "_channels", lambda data: [])
    (outcome,) = validate(["sweeps"], tmp_path)

    assert {row.name.partition(",")[0] for row in outcome.rows} == {"small"}
    assert f"GPT-2-medium are left out: {sweeps.MEDIUM} is not in the folder" in outcome.section.notes[-1]

    (tmp_path / sweeps.MEDIUM).touch()
    (outcome,) = validate(["sweeps"], tmp_path)
    assert {row.name.partition(",")[0] for row in outcome.rows} == {"small", "medium"}


def test_nothing_is_reduced_where_nothing_is_pruned():
    schedule = {"token": 1, "value": 1, "bits": {"query": 12, "key": 8, "value": 4, "lsb": 0}}
    whole = {"model": "bert-base", "phase": "prefill", "context": 20, "schedule": schedule}
    found = reductions(workload_from(whole).counts())

    assert (found.tokens, found.heads, found.compute) == (1, 1, 1)
    assert (found.width, found.dram) == (pytest.approx(32 / 6), pytest.approx(32 / 6))


def test_pruned_values_and_low_bits_count_as_they_are_fetched():
    """Half of the values: 3/4 of the vectors, of 2 x 8 + 1 x 4 bits over 3, and 4 more for each key that is redone."""
    schedule = {"token": 1, "value": 0.5, "threshold": 0.1, "bits": {"query": 12, "key": 8, "value": 4, "lsb": 4}}
    decode = {"model": "gpt2-small", "phase": "decode", "prompt": 99, "steps": 1, "lsb_fraction": 1}
    found = reductions(workload_from(decode | {"schedule": schedule}).counts())

    assert (found.tokens, found.compute) == (pytest.approx(4 / 3), pytest.approx(4 / 3))
    assert found.dram == pytest.approx(32 * 2 / (12 + 2))


def test_a_search_that_is_switched_off_changes_cycles_and_no_traffic():
    arch = load_arch("spatten")
    schedule = {"token": 1, "value": 0.2, "bits": {"query": 12, "key": 8, "value": 8, "lsb": 0}}
    decode = {"model": "gpt2-small", "phase": "decode", "prompt": 200, "steps": 1, "schedule": schedule}
    decisions = complete(workload_from(decode).counts(), arch.topk, 0)
    whole, without = (cycle_result(arch, d) for d in (decisions, without_search(decisions)))

    assert without.cycles["total"] < whole.cycles["total"]
    assert without.traffic.dram_bytes == whole.traffic.dram_bytes
    assert without.operations == whole.operations


def test_every_switch_is_a_machine_that_can_be_built():
    machines = [load_arch("spatten", switch.sets) for switch in SWITCHES]

    assert len({machine.digest for machine in machines} | {load_arch("spatten").digest}) == len(SWITCHES)
    assert sum(not switch.sets for switch in SWITCHES) == 1  # without_search changes the work


@pytest.mark.parametrize("name", ["traces", "dram", "rtl", "gpt2", "ladder", "sweeps"])
def test_a_section_without_its_data_is_left_out_with_the_file_s_name(name, tmp_path):
    (outcome,) = validate([name], tmp_path)

    assert outcome.section is None
    assert ".csv is not in the folder of the reference data" in outcome.left_out
    assert f"Left out: {outcome.left_out}." in part(outcome).notes


def test_sections_come_in_the_order_of_the_catalogue_whatever_was_asked_first(tmp_path):
    assert [o.name for o in validate(["dram", "machine", "dram"], tmp_path)] == ["machine", "dram"]


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_is_a_module_with_a_function_of_that_name(name):
    module = import_module(f"tokensieve.validate.sections.{MODULES.get(name, name)}")

    assert callable(module.section)


def test_an_unknown_section_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(WorkloadError, match=r"section must be one of machine, .* got 'drma'; did you mean 'dram'\?"):
        validate(["drma"], tmp_path)


@pytest.mark.parametrize("name", QUICK)
def test_the_page_on_record_is_what_the_command_finds(name, root, tmp_path):
    (outcome,) = validate([name], tmp_path)
    on_record = (root / "docs" / "reference" / "accuracy.md").read_text(encoding="utf-8")

    assert section_of(files([outcome])[0]["accuracy.md"].decode(), SECTIONS[name]) in on_record


@pytest.mark.parametrize("name", ORACLE)
def test_the_oracles_on_record_are_what_the_command_finds(name, root, shared_data):
    (outcome,) = validate([name], shared_data)
    on_record = (root / "docs" / "reference" / "accuracy.md").read_text(encoding="utf-8")

    assert passed([outcome])
    assert section_of(files([outcome])[0]["accuracy.md"].decode(), SECTIONS[name]) in on_record


def section_of(page, title):
    """Return the text of the section called `title`."""
    return page.split(f"## {title}\n")[1].split("\n## ")[0]


def test_every_section_is_on_record_with_its_pictures(root):
    folder = root / "docs" / "reference"
    text = (folder / "accuracy.md").read_text(encoding="utf-8")

    assert all(f"## {title}\n" in text for title in SECTIONS.values())
    assert "Left out" not in text


def test_the_page_and_its_pictures_are_the_same_bytes_each_time(tmp_path):
    outcomes = list(validate(["bert"], tmp_path))
    curves = replace(outcomes[0].section, curves=())

    assert files(outcomes) == files([replace(outcomes[0], section=curves)])
    assert list(files(outcomes)[1]) == ["bert.png"]
