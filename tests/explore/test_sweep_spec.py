"""What a sweep file may say, and in which words it is refused."""

import numpy as np
import pytest

from tokensieve.arch import Arch
from tokensieve.arch.errors import SweepError
from tokensieve.explore.axes import Span
from tokensieve.explore.expression import Formula
from tokensieve.explore.flags import with_flags
from tokensieve.explore.refused import VALID, Refusals
from tokensieve.explore.space import Space
from tokensieve.explore.spec import Sampler, read_sweep, sweep_from
from tokensieve.explore.sweep import machine_digests
from tokensieve.sim.analytic.batch import Sweep

COLA = {"workload": "bert-base-cola"}


def space(**keys):
    return Space(sweep_from({**COLA, **keys}))


def columns(of):
    return {name: column.tolist() for name, column in of.designs(0, len(of)).columns.items()}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"axes": {"topk.lane": [1]}}, "topk.lane is not a known field .* did you mean 'topk.lanes'"),
        ({"axes": {"lanes": [1]}}, "lanes is not a known field .*'topk.lanes'"),
        ({"axis": {}}, "axis is not a known field; did you mean 'axes'"),
        ({"axes": {"topk.lanes": []}}, "axes.topk.lanes is invalid .a list of values"),
        ({"axes": {"topk.lanes": [8, 8]}}, "a value is given twice"),
        ({"axes": {"topk.lanes": {"low": 8}}}, "axes.topk.lanes.high is required"),
        ({"axes": {"topk.lanes": {"low": 8, "high": 4}}}, "high must be at least low = 8, got 4"),
        ({"axes": {"topk.lanes": {"low": 1, "high": 9, "step": 1, "count": 3}}}, "step, times and count exclude"),
        ({"axes": {"topk.lanes": {"low": 0, "high": 9, "times": 2}}}, "low must be above 0"),
        ({"sampler": "sobl"}, "sampler.kind must be one of grid, random, lhs, sobol.*did you mean 'sobol'"),
        ({"sampler": {"kind": "random"}}, "sampler.points is required with kind random"),
        ({"sampler": {"kind": "grid", "points": 3}}, "sampler.points has no meaning"),
        ({"constraints": ["area_mm2.total"]}, "a comparison is expected"),
        ({"constraints": ["__import__('os')"]}, "has no place in a formula"),
        ({"derived": {"softmax.fifo_lines": "1 +"}}, "is no formula"),
        ({"workloads": {"bert-base-cola": 0}, "workload": None}, "names with weights above 0"),
        ({"trace": "mine.npz"}, "workload and trace exclude each other"),
        ({"set": {"topk.lanes": 8}, "axes": {"topk.lanes": [8]}}, "axes.topk.lanes and set.topk.lanes exclude"),
        ({"zip": [["topk.lanes"]]}, "zip must name axes, got 'topk.lanes'"),
        ({"objectives": []}, "objectives must be a list of at least 1"),
    ],
)
def test_a_mistake_is_told_in_words(keys, told):
    with pytest.raises(SweepError, match=told):
        sweep_from({**COLA, **keys})


def test_a_mistake_in_a_file_is_told_with_its_line(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text("workload: bert-base-cola\naxes:\n  topk.lanes: [8]\n  topk.lane: [8]\n")

    with pytest.raises(SweepError, match=r"s\.yaml, line 4: topk\.lane is not a known field"):
        read_sweep(path)


def test_files_are_relative_to_the_sweep_file(tmp_path):
    (tmp_path / "s.yaml").write_text("arch: mine.yaml\naxes: {trace: [a.npz, b.csv]}\n")

    spec = read_sweep(tmp_path / "s.yaml")

    assert spec.arch == str(tmp_path / "mine.yaml")
    assert spec.axes["trace"] == (str(tmp_path / "a.npz"), str(tmp_path / "b.csv"))


@pytest.mark.parametrize(
    ("span", "values"),
    [
        ({"low": 4, "high": 16, "step": 4}, (4, 8, 12, 16)),
        ({"low": 4, "high": 17, "step": 4}, (4, 8, 12, 16)),
        ({"low": 1, "high": 64, "times": 4}, (1, 4, 16, 64)),
        ({"low": 0.5, "high": 1.0, "step": 0.25}, (0.5, 0.75, 1.0)),
        ({"low": 1, "high": 1000, "count": 4, "log": True}, (1, 10, 100, 1000)),
    ],
)
def test_a_span_has_its_values(span, values):
    assert Span(**span).values() == values


def test_axes_that_move_together_count_as_one():
    zipped = space(
        axes={"topk.lanes": [4, 8], "key_sram.kib": [64, 128], "value_sram.kib": [96, 192]},
        zip=[["key_sram.kib", "value_sram.kib"]],
    )

    assert columns(zipped) == {
        "topk.lanes": [4, 4, 8, 8],
        "key_sram.kib": [64, 128, 64, 128],
        "value_sram.kib": [96, 192, 96, 192],
    }


def test_axes_of_different_length_cannot_move_together():
    with pytest.raises(SweepError, match=r"equally many values, got 1 of topk\.lanes, 2 of key_sram.kib"):
        space(axes={"topk.lanes": [4], "key_sram.kib": [64, 128]}, zip=[["topk.lanes", "key_sram.kib"]])


def test_a_derived_field_follows_from_its_own_group_first():
    derived = space(
        axes={"softmax.lanes": [8, 16]}, parameters={"slack": [1, 2]},
        derived={"softmax.fifo_lines": "slack * max_tokens / lanes"},
    )  # fmt: skip

    assert columns(derived)["softmax.fifo_lines"] == [128, 256, 64, 128]
    assert derived.designs(0, 4).fields == ("softmax.lanes", "softmax.fifo_lines", "importance.lanes")


@pytest.mark.parametrize(
    ("formula", "told"),
    [
        ("lines / 2", "lines is neither an axis, a parameter nor a field"),
        ("banks", "banks is ambiguous: "),
        ("fifo_lines / 2", "fifo_lines is derived itself"),
    ],
)
def test_a_name_that_means_nothing_or_too_much_is_refused(formula, told):
    with pytest.raises(SweepError, match=told):
        space(derived={"softmax.fifo_lines": formula})


def test_whole_machines_memories_and_works_are_axes():
    swept = space(axes={"topk.lanes": [8], "dram.extend": ["hbm2", "ddr4-3200"], "workload.context": [16, 32]})
    designs = swept.designs(0, 4)

    assert [machine.dram.channels for machine in swept.bases] == [16, swept.bases[1].dram.channels]
    assert swept.bases[0].dram != swept.bases[1].dram
    assert designs.base.tolist() == [0, 0, 1, 1]
    assert [swept.cases.case(0, code).workload.context for code in designs.case[:2]] == [16, 32]


def test_a_policy_is_swept_by_its_fields():
    swept = space(axes={"policy.local_value": [0.5, 1.0]}) if "local_value" in _policy() else None
    token = space(axes={"policy.token": [[1, 0.5], 1.0]})

    assert swept is None or swept.cases.count == 2
    kept = [token.cases.case(0, code).workload.counts().keys.sum() for code in (0, 1)]
    assert kept[0] < kept[1]


def _policy():
    from tokensieve.workloads.schedule import Schedule

    return Schedule.model_fields


@pytest.mark.parametrize("kind", ["random", "lhs", "sobol"])
def test_drawn_designs_do_not_depend_on_how_they_are_cut(kind):
    if kind != "random":
        pytest.importorskip("scipy")
    axes = {
        "topk.lanes": [1, 2, 4],
        "key_sram.kib": {"low": 32, "high": 512},
        "clock.mhz": {"low": 100, "high": 2000, "log": True},
    }
    drawn = space(axes=axes, sampler={"kind": kind, "points": 32, "seed": 3})

    whole, parts = drawn.designs(0, 32), [drawn.designs(0, 5), drawn.designs(5, 32)]

    for name, column in whole.columns.items():
        assert np.concatenate([part.columns[name] for part in parts]).tolist() == column.tolist()
    assert set(whole.columns["topk.lanes"].tolist()) == {1, 2, 4}
    assert whole.columns["key_sram.kib"].dtype == np.int64
    assert len(set(whole.columns["key_sram.kib"].tolist())) > 20
    assert 100 <= whole.columns["clock.mhz"].min() <= whole.columns["clock.mhz"].max() <= 2000
    assert (
        drawn.designs(0, 32).columns["clock.mhz"].tolist()
        != space(axes=axes, sampler={"kind": kind, "points": 32, "seed": 4})
        .designs(0, 32)
        .columns["clock.mhz"]
        .tolist()
    )


def test_a_grid_that_nobody_would_wait_for_is_refused_with_another_way():
    thousand = {"low": 1, "high": 1000, "step": 1}

    with pytest.raises(
        SweepError,
        match=r"1,000,000,000 designs, above .* 10,000,000; draw some.* or look .* `tokensieve search`",
    ):
        space(axes=dict.fromkeys(("clock.mhz", "key_sram.kib", "value_sram.kib"), thousand))


def test_a_continuum_is_no_axis_of_a_grid():
    with pytest.raises(SweepError, match=r"key_sram\.kib must be a list, or have step, times or count, on a grid"):
        space(axes={"key_sram.kib": {"low": 1, "high": 9}})


def test_refusals_are_those_of_the_machine_itself():
    own = {
        "topk.lanes": np.array([4, 12, 64, 64]),
        "softmax.lanes": np.array([8, 8, 1, 8]),
        "key_sram.kib": np.array([196, 196, 196, 1]),
    }
    refusals = Refusals()

    which = refusals.of(Arch(), own, 4)

    told = [None if one == VALID else refusals.messages[one] for one in which]
    for i, message in enumerate(told):
        if message is None:
            continue
        with pytest.raises(Exception, match=message.partition("(")[0].strip()[:40]):
            Sweep(Arch(), {path: column[i : i + 1] for path, column in own.items()})
    assert [message is None for message in told] == [True, False, False, False]


def test_digests_of_columns_are_those_of_machines():
    own = {
        "topk.lanes": np.array([4, 8]),
        "dram.refresh": np.array([True, False]),
        "topk.engine": np.array(["radix"] * 2),
    }
    batch = Sweep(Arch(), own)

    assert machine_digests(Arch(), own, 2) == [batch.arch(i).digest for i in range(2)]
    assert machine_digests(Arch(), {}, 1) == [Arch().digest]


def test_formulas_compute_columns_and_nothing_else():
    figures = {"a.b": np.array([1, 2]), "word": np.array(["x", "y"])}

    assert Formula("2 ** a.b - min(a.b, 1.5)").value(figures).tolist() == [1.0, 2.5]
    assert Formula("a.b > 1 and word == 'y'").value(figures).tolist() == [False, True]
    assert Formula("1 < a.b <= 2 or not a.b").value(figures).tolist() == [False, True]
    assert np.isinf(Formula("a.b / 0").value(figures)).all()
    for text in ("a[0]", "lambda: 0", "a.b()", "f'{a}'", "open('x')", "(a := 1)", "x" * 501):
        with pytest.raises(SweepError):
            Formula(text)


def test_flags_make_a_sweep_and_replace_keys_of_a_file(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_text(
        "workload: bert-base-cola\naxes: {topk.lanes: [8, 16], dram.channels: [8]}\nset: {topk.engine: radix}\n"
    )

    alone = with_flags(None, ["topk.lanes=8,16", "topk.engine=radix"], {"workload": "bert-base-rte"})
    over = with_flags(str(path), ["topk.lanes=4", "topk.engine=radix,quickselect"], {"trace": "x.npz"})

    assert (alone.axes, alone.set, alone.workload) == (
        {"topk.lanes": (8, 16)},
        {"topk.engine": "radix"},
        "bert-base-rte",
    )
    assert over.axes == {"dram.channels": (8,), "topk.engine": ("radix", "quickselect")}
    assert (over.set, over.workload, over.trace) == ({"topk.lanes": 4}, None, "x.npz")
    with pytest.raises(SweepError, match="a sweep needs a file, or an axis"):
        with_flags(None, ["topk.lanes=8"], {})


def test_a_sampler_may_be_named_alone():
    assert sweep_from({**COLA, "sampler": "grid"}).sampler == Sampler()
