"""Rows and verdicts of the validation, the small models restated for it, and the page that is on record."""

import csv
import random
import re
import shutil
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import WorkloadError, load_arch, load_dram
from tokensieve.sim.dramrun import pattern, replay
from tokensieve.sim.level import cycle_result
from tokensieve.study.validate import row as rows
from tokensieve.study.validate.bert import release_layer
from tokensieve.study.validate.catalogue import SECTIONS, validate
from tokensieve.study.validate.dram import CONFIGS
from tokensieve.study.validate.gpt2 import SWITCHES, without_search
from tokensieve.study.validate.page import files
from tokensieve.study.validate.reductions import reductions
from tokensieve.study.validate.row import Row, agreement, correlation
from tokensieve.study.validate.section import Outcome, Section, passed
from tokensieve.study.validate.selection import LANES, release_means, sorter_comparators
from tokensieve.study.validate.told import part
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
        ({"band": rows.within(100, 0.05), "modelled": 106, "assumption": "lengths"}, "out", False),
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
    assert without.dram_bytes == whole.dram_bytes
    assert without.operations == whole.operations


def test_every_switch_is_a_machine_that_can_be_built():
    machines = [load_arch("spatten", switch.sets) for switch in SWITCHES]

    assert len({machine.digest for machine in machines} | {load_arch("spatten").digest}) == len(SWITCHES)
    assert sum(not switch.sets for switch in SWITCHES) == 1  # without_search changes the work


STREAM = {
    "simulator": "dramsim3", "config": "1ch", "pattern": "stride", "n_requests": 256, "request_bytes": 32,
    "param": 512, "seed": 1, "issue_mode": "sat",
}  # fmt: skip


def own_cycles(config):
    """Return what our DRAM takes for `STREAM`."""
    return replay(load_dram(config), pattern("stride", 256, 32, 512), 32, mhz=None).cycles


def oracle(folder, configs=CONFIGS, **fields):
    """Write an oracle of one stream on each of `configs`, with other `fields` in the line of the first."""
    (folder / "dram-oracle").mkdir()
    with open(folder / "dram-oracle" / "dram_oracle.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, [*STREAM, "total_cycles"])
        writer.writeheader()
        for name in configs:
            simulator, config = name.split(", ")
            line = STREAM | {"simulator": simulator, "config": config, "total_cycles": own_cycles(CONFIGS[name])}
            writer.writerow(line | fields)
            fields = {}


@pytest.mark.parametrize(("factor", "verdict"), [(1, "in"), (1.02, "in"), (1.04, "out"), (0.9, "out")])
def test_the_dram_oracle_is_what_its_file_says(factor, verdict, tmp_path):
    own = own_cycles("dramsim3")
    oracle(tmp_path, total_cycles=round(factor * own))
    outcomes = list(validate(["dram"], tmp_path))
    found = {r.name: r for r in outcomes[0].rows}["dramsim3: stride 512, 256, sat"]

    assert (found.modelled, found.verdict) == (own, verdict)
    assert passed(outcomes) is (verdict == "in")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"total_cycles": "many"}, "total_cycles must be a whole number, got 'many'"),
        ({"total_cycles": 0}, "total_cycles must be at least 1, got 0"),
        ({"n_requests": 0}, "requests must be in 1..268435456, got 0"),
        ({"n_requests": "9" * 5000}, "n_requests must be a whole number, got '9999"),
        ({"issue_mode": "axi"}, "issue_mode must be one of sat, axi16, got 'axi'"),
        ({"config": "2ch"}, "simulator, config must be one of dramsim3, 1ch; "),
    ],
)
def test_a_line_that_is_no_run_is_refused_by_its_number(fields, message, tmp_path):
    oracle(tmp_path, **fields)

    with pytest.raises(WorkloadError, match=re.escape(f"dram_oracle.csv, line 2: {message}")):
        list(validate(["dram"], tmp_path))


@pytest.mark.parametrize(
    ("configs", "message"),
    [([], "there are no lines below the columns"), (list(CONFIGS)[:2], "there are none for ramulator-v21")],
)
def test_a_dram_oracle_that_was_cut_off_agrees_with_nothing(configs, message, tmp_path):
    oracle(tmp_path, configs)

    with pytest.raises(WorkloadError, match=message):
        list(validate(["dram"], tmp_path))


@pytest.mark.parametrize("name", ["traces", "dram", "rtl", "gpt2", "ladder", "sweeps"])
def test_a_section_without_its_data_is_left_out_with_the_file_s_name(name, tmp_path):
    (outcome,) = validate([name], tmp_path)

    assert outcome.section is None
    assert ".csv is not in the folder of the reference data" in outcome.left_out
    assert f"Left out: {outcome.left_out}." in part(outcome).notes


def test_sections_come_in_the_order_of_the_catalogue_whatever_was_asked_first(tmp_path):
    assert [o.name for o in validate(["dram", "machine", "dram"], tmp_path)] == ["machine", "dram"]


def test_an_unknown_section_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(WorkloadError, match=r"section must be one of machine, .* got 'drma'; did you mean 'dram'\?"):
        validate(["drma"], tmp_path)


@pytest.mark.parametrize("name", QUICK)
def test_the_page_on_record_is_what_the_command_finds(name, root, tmp_path):
    (outcome,) = validate([name], tmp_path)
    on_record = (root / "docs" / "reference" / "accuracy.md").read_text()

    assert section_of(files([outcome])[0]["accuracy.md"].decode(), SECTIONS[name]) in on_record


@pytest.mark.parametrize("name", ORACLE)
def test_the_oracles_on_record_are_what_the_command_finds(name, root, shared_data):
    (outcome,) = validate([name], shared_data)
    on_record = (root / "docs" / "reference" / "accuracy.md").read_text()

    assert passed([outcome])
    assert section_of(files([outcome])[0]["accuracy.md"].decode(), SECTIONS[name]) in on_record


def section_of(page, title):
    """Return the text of the section called `title`."""
    return page.split(f"## {title}\n")[1].split("\n## ")[0]


def test_every_section_is_on_record_with_its_pictures(root):
    folder = root / "docs" / "reference"
    text = (folder / "accuracy.md").read_text()

    assert all(f"## {title}\n" in text for title in SECTIONS.values())
    assert "Left out" not in text


def test_the_page_and_its_pictures_are_the_same_bytes_each_time(tmp_path):
    outcomes = list(validate(["bert"], tmp_path))
    curves = replace(outcomes[0].section, curves=())

    assert files(outcomes) == files([replace(outcomes[0], section=curves)])
    assert list(files(outcomes)[1]) == ["bert.png"]


RUNS, ROWS = "gpt2_small_runs.csv", "gpt2_small_rows.csv"
UNIFORM, RESPONSES = "rtl_spattensim_128mult_8ch.csv", "rtl_spattensim_128mult_8ch_responses.csv"
FIRST_ROW = "small8_i1,8,0,928,184,6,6,1,169,0,"


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        (RUNS, "query_seed", "seeds", "gpt2_small_runs.csv: there must be a column query_seed"),
        (RUNS, "64mult_2ch", "65mult_2ch", "line 2: design must be one of 64mult_2ch, 512mult_16ch, got '65mult_2ch'"),
        (RUNS, "123148", "many", "line 2: total_cycles must be a whole number, got 'many'"),
        (RUNS, ",144,144,", ",144,143,", "line 2: responses must be those in the file of responses, 144, got 143"),
        (ROWS, "64mult_2ch,small8_i1,", "64mult_2ch,other,", "responses must be those in the file of responses, 143"),
        (ROWS, FIRST_ROW, FIRST_ROW.replace("928", "-1"), "line 2: key_fetch must be in 1..65536, got -1"),
        (ROWS, FIRST_ROW, FIRST_ROW.replace("6,6", "5,6"), "line 2: key_bits must be one of 4, 6, 8, got '5'"),
        (ROWS, "response_cycle_seed0", "cycle", "line 2: there is no response_cycle_seed0"),
        (UNIFORM, "12,128,128", "12,-8,128", "line 2: key_fetch must be in 1..65536, got -8"),
        (UNIFORM, ",422,", ",423,", "line 2: sum_topk_latency_input must be 422"),
        (RESPONSES, "12,128,128,8,8,0,0,449\n", "", "responses must be those in the file of responses, 11, got 12"),
    ],
)  # fmt: skip
def test_a_file_of_the_rtl_oracle_that_cannot_be_read_is_refused(name, old, new, message, shared_data, tmp_path):
    folder = oracle_of_the_rtl(shared_data, tmp_path)
    text = (folder / name).read_text().replace("\r\n", "\n")
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))

    with pytest.raises(WorkloadError, match=re.escape(message)):
        list(validate(["rtl"], tmp_path))


@pytest.mark.parametrize("name", [RUNS, ROWS, UNIFORM, RESPONSES])
@pytest.mark.parametrize(
    ("kept", "message"),
    [(0, "there must be a column"), (1, "there are no lines below the columns"), (None, "not UTF-8 text")],
)
def test_a_file_of_the_rtl_oracle_that_was_cut_off_agrees_with_nothing(name, kept, message, shared_data, tmp_path):
    folder = oracle_of_the_rtl(shared_data, tmp_path)
    lines = (folder / name).read_bytes().splitlines(keepends=True)
    (folder / name).write_bytes(b"\xff\xfe" if kept is None else b"".join(lines[:kept]))

    with pytest.raises(WorkloadError, match=message):
        list(validate(["rtl"], tmp_path))


def oracle_of_the_rtl(shared_data, tmp_path):
    """Copy the RTL oracle, to be spoilt."""
    return Path(shutil.copytree(shared_data / "spatten-rtl", tmp_path / "spatten-rtl"))
