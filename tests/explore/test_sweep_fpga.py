"""Figures of an FPGA in sweeps: columns, constraints, stores."""

import csv

import pytest

from tokensieve.arch import load_arch
from tokensieve.arch.errors import SweepError
from tokensieve.arch.fpga_model import estimate
from tokensieve.cli.app import call
from tokensieve.explore.evaluate import Analytic
from tokensieve.explore.spec import sweep_from
from tokensieve.explore.store import Store
from tokensieve.explore.sweep import run_sweep
from tokensieve.report.sweep import sweep_page
from tokensieve.run.points import Cycle

AXES = {"topk.lanes": [4, 8, 16], "topk.engine": ["radix", "bitserial"]}
SMALL = {"workload": "bert-base-cola", "axes": AXES, "objectives": ["seconds", "fpga.lut"]}


def machine(values):
    return load_arch("spatten", [f"{name}={value}" for name, value in values.items()])


@pytest.mark.parametrize("evaluator", [Analytic(), Cycle()], ids=["analytic", "cycle"])
def test_a_store_has_the_estimate_of_each_design_at_both_levels(evaluator, tmp_path):
    with Store.open(tmp_path / "a.store") as store:
        run_sweep(
            sweep_from({**SMALL, "level": evaluator.level, "axes": {"topk.lanes": [4, 16]}}), evaluator, store=store
        )
        for point in store.points():
            one = estimate(machine(point.overrides).topk)
            for name in ("lut", "ff", "bram", "dsp", "fmax_mhz"):
                assert point.totals[f"fpga.{name}"] == getattr(one, name)


def test_a_constraint_keeps_out_what_takes_too_much():
    limit = sorted(row.wanted[1] for row in run_sweep(sweep_from(SMALL), Analytic()).rows)[3]
    found = run_sweep(
        sweep_from({**SMALL, "constraints": [f"fpga.lut < {limit}", "fpga.extrapolated <= fpga.fmax_extrapolated"]}),
        Analytic(),
    )

    assert (found.valid, found.broken) == (3, 3)
    assert all(estimate(machine(row.values).topk).lut < limit for row in found.rows if row.fits)


def test_an_engine_without_rtl_satisfies_no_constraint_and_has_no_figure():
    axes = {"topk.comparators": [8, 16]}
    found = run_sweep(sweep_from({**SMALL, "axes": axes, "constraints": ["fpga.lut > 0"]}), Analytic())

    assert [(row.values["topk.comparators"], row.fits) for row in found.rows] == [(8, False), (16, True)]
    assert "  without figures of fpga 1: there is no RTL of their top-k engine" in sweep_page(found, "sweep", 100)


@pytest.mark.parametrize("key", ["constraints", "objectives"])
def test_a_sweep_of_a_machine_without_rtl_is_refused_where_it_asks_for_fpga_figures(key):
    spec = {"workload": "bert-base-cola", "arch": "spatten-paper", "axes": {"dram.channels": [8, 16]}}

    with pytest.raises(
        SweepError, match=rf"{key}: fpga.lut is known of .* there is RTL of: topk.round_cycles must be 6"
    ):
        run_sweep(sweep_from({**spec, key: ["fpga.lut < 80000" if key == "constraints" else "fpga.lut"]}), Analytic())


def test_best_and_export_know_the_columns(tmp_path, capsys):
    path, table = tmp_path / "a.store", tmp_path / "a.csv"
    with Store.open(path) as store:
        run_sweep(sweep_from(SMALL), Analytic(), store=store)

    assert call(["best", str(path), "--objective", "fpga.ff", "--constraint", "fpga.fmax_mhz > 1"]) == 0
    assert "topk.lanes 4" in capsys.readouterr().out
    assert call(["store", "export", str(path), "--csv", str(table)]) == 0
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert all(int(row["fpga.bram"]) > 0 for row in rows)
