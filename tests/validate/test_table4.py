"""SpAtten-e2e beside the paper's Table IV: what needs no assumption agrees, and what misses has causes with figures."""

import pytest

from tokensieve.arch import load_arch
from tokensieve.validate.section import Data
from tokensieve.validate.sections import table4
from tokensieve.validate.table4 import FC_TIME, fc_candidates, table4_decisions, table4_rows, text


@pytest.fixture(scope="module")
def rows():
    return {row.name: row for row in table4_rows()}


@pytest.fixture(scope="module")
def candidates():
    return fc_candidates()


def test_the_fully_connected_work_is_the_papers(rows):
    row = rows["fully connected, work"]

    assert row.assumptions == ()
    assert abs(row.deviation) < 0.005


def test_an_honest_dram_streams_better_than_the_paper_implies(rows):
    time, share = rows[FC_TIME], rows["DRAM efficiency of streamed weights"]

    assert 20 < time.modelled < 21
    assert 0.90 < share.modelled < 1 - 260 / 3900
    assert [row.source.partition(":")[0] for row in (time, share)] == ["check 15", "check 16"]


def test_the_width_of_a_weight_costs_what_the_paper_says(rows):
    assert abs(rows["12-bit weights over 8-bit, time"].deviation) < 0.05


def test_the_papers_time_lies_between_the_candidate_causes(rows, candidates):
    row = rows[FC_TIME]
    causes = {one.name: one.modelled for one in candidates}

    assert causes["no refresh"] < row.modelled < causes["a controller that sees 16 requests of a channel"]
    assert row.expected < causes["16 granules outstanding in a channel"]
    assert causes["weights fetched first, multiplied after"] > row.expected
    assert causes["peak bandwidth"] == pytest.approx(9.66e9 / 512e9 * 1e3, rel=0.005)


def test_the_section_has_each_candidate_below_the_time_that_it_may_explain(rows, candidates, tmp_path, monkeypatch):
    monkeypatch.setattr(table4, "table4_rows", lambda: tuple(rows.values()))
    monkeypatch.setattr(table4, "fc_candidates", lambda: candidates)
    listed = list(table4.section(Data(tmp_path)).rows)
    below = listed[1 + listed.index(rows[FC_TIME]) :][: len(candidates)]

    assert [row.name for row in below] == [f"  with: {one.name}" for one in candidates]
    assert {(row.expected, row.source) for row in below} == {(rows[FC_TIME].expected, rows[FC_TIME].source)}
    assert len(listed) == len(rows) + len(candidates)


def test_rows_that_hang_on_unpublished_ratios_say_so(rows):
    told = {name for name, row in rows.items() if row.assumptions}

    assert told == {
        "attention, time",
        "attention, time, spatten-paper",
        "attention, work",
        "fully connected, share of the time",
        "12-bit weights over 8-bit, time",
    }


def test_four_tasks_without_head_pruning_are_averaged():
    found = table4_decisions(load_arch("spatten"))

    assert len(found) == 4
    assert all(d.heads_alive.all() for d in found)
    assert {(d.steps, int(d.context.min()), int(d.context.max())) for d in found} == {(32, 993, 1024)}


def test_the_page_on_end_to_end_prints_these_figures(rows, candidates, root):
    page = (root / "docs" / "explanation" / "end-to-end.md").read_text()
    printed = page.partition("$ python -m tokensieve.validate.table4\n")[2].partition("\n```")[0]

    assert printed == text(rows.values(), candidates)
