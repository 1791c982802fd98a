"""Level `analytic` on long contexts, and what it says and refuses where it is rough."""

import pytest

from tokensieve.arch import Arch, ArchError, WorkloadError, load_arch
from tokensieve.run.simulate import run
from tokensieve.sim.analytic import longrows, rough
from tokensieve.sim.analytic import summary as summaries
from tokensieve.sim.analytic.batch import Designs, Sweep
from tokensieve.sim.analytic.estimate import estimate
from tokensieve.sim.analytic.level import analytic_result
from tokensieve.sim.analytic.rough import Reason
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.work import row_work
from tokensieve.validate.levels import beginning
from tokensieve.validate.longtexts import CONFIRMED, prefill, sample_error
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.complete import complete
from tokensieve.workloads.workload import workload_from

ARCH = Arch()


@pytest.fixture(scope="module")
def gpt2():
    return beginning(load_workload("gpt2-small-wikitext2", ARCH), 2)


@pytest.mark.parametrize(("tokens", "scores"), [(1024, "minilm-resampled"), (1024, "uniform")])
def test_sampled_records_are_near_those_of_all_queries(tokens, scores):
    searches, cycles = sample_error(ARCH, tokens, scores)

    assert abs(searches) < 0.03
    assert abs(cycles) < 0.02


@pytest.mark.long
@pytest.mark.parametrize("scores", ["minilm-resampled", "uniform"])
def test_sampled_records_are_near_those_of_all_queries_at_4096_tokens(scores):
    searches, cycles = sample_error(ARCH, 4096, scores)

    assert abs(searches) < 0.03
    assert abs(cycles) < 0.02


SLOW = {CONFIRMED[0].name: [pytest.mark.long], CONFIRMED[1].name: [pytest.mark.long]}


@pytest.mark.parametrize("text", [pytest.param(one, id=one.name, marks=SLOW.get(one.name, ())) for one in CONFIRMED])
def test_level_cycle_confirms_16_k_tokens(text):
    arch = load_arch("spatten", text.sets)
    decisions = complete(text.counts(), arch.topk, 0)
    coarse, fine = (price(arch, decisions).cycles["total"] for price in (analytic_result, cycle_result))

    assert coarse == pytest.approx(fine, rel=0.10)


def test_rows_looked_at_in_part_cost_what_they_cost_in_whole(monkeypatch, gpt2):
    whole = analytic_result(ARCH, gpt2)
    for name, size in (("WHOLE", 256), ("LEAST", 128), ("TOGETHER", 1)):
        monkeypatch.setattr(longrows, name, size)
    cut = analytic_result(ARCH, gpt2)

    assert cut.cycles["total"] != whole.cycles["total"]
    assert cut.cycles["total"] == pytest.approx(whole.cycles["total"], rel=0.05)
    assert cut.traffic.dram_bytes["total"] == pytest.approx(whole.traffic.dram_bytes["total"], rel=0.01)


def test_all_points_of_a_sweep_share_one_summary(monkeypatch, gpt2):
    made = []
    monkeypatch.setattr(summaries, "row_work", lambda *given: made.append(given) or row_work(*given))
    summary = Summary(gpt2)
    for mhz in (500, 1000):
        estimate(summary, Sweep(ARCH, {"clock.mhz": [mhz, mhz, mhz], "topk.lanes": [4, 8, 16]}))

    assert len(made) == 1


def test_a_sweep_refuses_what_is_rough_unless_it_is_allowed(gpt2):
    designs = Designs([ARCH, load_arch("spatten", ["dram.mapping=RoRaBgBaChCo"])])

    told = r"dram\.mapping must be one whose .* where level analytic sweeps, got RoRaBgBaChCo: .*--allow-rough"
    with pytest.raises(ArchError, match=told):
        estimate(Summary(gpt2), designs)
    assert len(estimate(Summary(gpt2), designs, allow_rough=True).seconds) == 2
    assert len(estimate(Summary(gpt2), Designs([ARCH])).seconds) == 1


def test_what_is_rough_in_the_work_is_an_error_of_the_workload(monkeypatch, gpt2):
    reason = Reason("steps", "1", 2, effect="its cycles may be too many", of_workload=True)
    monkeypatch.setattr(rough, "reasons", lambda arch, summary: iter([reason]))

    with pytest.raises(WorkloadError, match=r"steps must be 1 where level analytic sweeps, got 2: its cycles may"):
        estimate(Summary(gpt2), Designs([ARCH]))


def test_a_run_says_what_is_rough_and_what_was_sampled(gpt2):
    told = run(load_arch("spatten", ["dram.mapping=RoRaBgBaChCo"]), gpt2, level="analytic", reference=None).provenance
    plain = run(ARCH, gpt2, level="analytic", reference=None).provenance

    sentence = (
        "level analytic takes dram.mapping for one whose consecutive granules go to consecutive channels, not "
        "RoRaBgBaChCo: the few rows that are played may fall on other channels than the rest, and its cycles be far off"
    )
    assert told["rough"] == [sentence]
    assert sentence in told["assumed"]
    assert "rough" not in plain
    assert "sampled" not in plain["records"]


def test_a_long_run_says_that_records_are_sampled_and_rows_seen_in_part():
    arch = load_arch("spatten", ["topk.max_tokens=20000", "softmax.fifo_lines=2500"])
    decisions = complete(workload_from(prefill(20_000, 1), source="test").counts(), arch.topk, 0)
    told = run(arch, decisions, level="analytic", reference=None).provenance

    assert told["records"]["sampled"] == "1,024 of 20,000 queries a layer"
    assert longrows.RULE in told["assumed"]
