"""Measuring PyTorch's attention, and files of what was measured. How long anything takes is not tested."""

import json
import sys
import time

import pytest

from tokensieve.arch import load_arch
from tokensieve.arch.errors import ToolError, WorkloadError
from tokensieve.compare.baseline import Settings, _sample, _times, measure, quartiles
from tokensieve.compare.measured import Shape, read_baseline
from tokensieve.workloads.benchmarks import load_workload

EIGHTH = load_arch("spatten-eighth")
QUICK = Settings(threads=1, warmup=0, repeats=2)
DECODE = load_workload("gpt2-small-wikitext2", EIGHTH)
PREFILL = load_workload("bert-base-cola", EIGHTH)


@pytest.fixture(scope="module")
def measured():
    """A baseline of the short prefill."""
    pytest.importorskip("torch")
    return measure(PREFILL, QUICK)


def test_shapes_are_those_of_the_un_pruned_work():
    decode, prefill = Shape.of(DECODE), Shape.of(PREFILL)

    assert decode.contexts == tuple(range(993, 1025))
    assert decode.operations == 4 * 64 * 4_647_168
    assert prefill == Shape("prefill", 12, 12, 64, (11,))
    assert prefill.operations == 4 * 64 * 144 * 11 * 11


def test_a_long_decode_is_sampled_evenly_and_says_so():
    sample = _sample(Shape.of(DECODE), whole=False)

    assert sample.contexts == (997, 1005, 1013, 1021)
    assert sample.told == "extrapolated from 4 of 32 steps"
    assert sample.factor == pytest.approx(4_647_168 / 144 / (997 + 1005 + 1013 + 1021))


def test_a_large_prefill_is_cut_to_some_of_its_layers():
    sample = _sample(Shape("prefill", 24, 16, 64, (1024,)), whole=False)

    assert sample.layers == 1
    assert sample.factor == 24
    assert sample.told == "extrapolated from 1 of 24 layers"


def test_the_whole_is_run_when_asked_for():
    sample = _sample(Shape.of(DECODE), whole=True)

    assert (len(sample.contexts), sample.layers, sample.factor, sample.told) == (32, 12, 1, None)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [([3.0], (3, 3, 3)), ([1.0, 2.0], (1.25, 1.5, 1.75)), ([5.0, 1.0, 2.0, 4.0, 3.0], (2, 3, 4))],
)
def test_the_middle_of_the_repetitions_counts(seconds, expected):
    times = quartiles(seconds)

    assert (times.first_quartile, times.median, times.third_quartile) == expected


def test_the_time_of_a_sample_is_scaled_to_the_whole(monkeypatch):
    """A clock that goes on by a second each time it is read; the first repetitions do not count."""
    reads = iter([0.0, 100.0, *range(200, 210)])
    monkeypatch.setattr(time, "perf_counter", lambda: next(reads))
    sample = _sample(Shape.of(DECODE), whole=False)

    times = _times(lambda: None, None, sample, Settings(warmup=1, repeats=5))
    assert times.median == times.first_quartile == pytest.approx(sample.factor)


def test_a_baseline_says_what_ran_where(measured):
    import torch

    assert measured.torch == torch.__version__
    assert (measured.threads, measured.repeats, measured.warmup) == (1, 2, 0)
    assert measured.operations == Shape.of(PREFILL).operations
    assert measured.extrapolated is None
    assert measured.processor


def test_the_faster_kernel_is_the_baseline(measured):
    assert set(measured.kernels) == {"sdpa", "matmul"}
    assert measured.seconds == min(measured.kernels.values(), key=lambda times: times.median)
    assert measured.kernels[measured.kernel] == measured.seconds


def test_threads_are_as_before_afterwards(measured):
    import torch

    before = torch.get_num_threads()
    measure(PREFILL, Settings(threads=before + 1, warmup=0, repeats=1))

    assert torch.get_num_threads() == before


def test_both_kernels_compute_the_same_attention():
    torch = pytest.importorskip("torch")
    from tokensieve.compare.baseline import _explicit

    q, k, v = torch.randn(3, 1, 2, 9, 16, generator=torch.Generator().manual_seed(0))

    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v)
    assert torch.allclose(_explicit(torch)(q, k, v), expected, atol=1e-5)


def test_a_file_of_a_measurement_becomes_a_measured_cost(measured, tmp_path):
    file = tmp_path / "cpu.json"
    file.write_text(json.dumps({**measured.model_dump(mode="json"), "modelled": {"arch": "spatten"}}))
    cost = read_baseline(file).cost(PREFILL)

    assert cost.label == "measured"
    assert cost.seconds == measured.seconds.median
    assert "PyTorch" in cost.notes[0]


def test_a_measurement_of_other_work_is_refused(measured):
    with pytest.raises(WorkloadError, match=r"measured for prefill of 11 tokens, .* not for decode of 32 steps at 993"):
        measured.cost(DECODE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"repeats": 0}, "repeats must be"),
        ({"label": "modelled"}, "label must be"),
        ({"speed": 1}, "speed is not a known field"),
        ({"device": "tpu"}, "device must be one of cpu, cuda"),
    ],
)
def test_a_file_with_something_wrong_is_refused_by_field(change, message, measured, tmp_path):
    file = tmp_path / "cpu.json"
    file.write_text(json.dumps({**measured.model_dump(mode="json"), **change}))

    with pytest.raises(WorkloadError, match=message):
        read_baseline(file)


@pytest.mark.parametrize(("text", "message"), [("{", "not valid JSON"), ("[]", "a JSON object is expected, got list")])
def test_a_file_that_is_no_object_is_refused(text, message, tmp_path):
    file = tmp_path / "cpu.json"
    file.write_text(text)

    with pytest.raises(WorkloadError, match=message):
        read_baseline(file)


def test_without_torch_the_user_is_told_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)

    with pytest.raises(ToolError, match=r"baseline needs torch: pip install -e '\.\[golden\]'"):
        measure(PREFILL, QUICK)
