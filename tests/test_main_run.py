"""The main run from end to end, through the command line: decisions in; cycles, traffic, energy and area out."""

import json
import os
import subprocess
import sys
from itertools import pairwise

import jsonschema
import pytest

from tokensieve.arch import load_arch

CAUSES = {"compute", "dram_stall", "topk_stall", "softmax_stall", "fill_drain"}

BERT_LAYER = """\
model: bert-base
layers: 1
phase: prefill
context: 384
schedule: {interpolation: list, token: 1, value: 0.5, bits: {query: 12, key: 8, value: 8, lsb: 0}}
"""
HEADS = """\
model: bert-base
phase: prefill
context: %s
schedule: {head: [%s, %s], bits: {key: 8, value: 8, lsb: 0}}
"""


def tokensieve(*arguments, **options):
    """Run ``tokensieve`` in a process of its own."""
    code = [sys.executable, "-c", "from tokensieve.cli import main; main()", *arguments]
    return subprocess.run(code, capture_output=True, text=True, check=False, **options)


def result_of(*arguments, **options):
    """Return the object that ``tokensieve run --json`` prints."""
    done = tokensieve("run", "--json", *arguments, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    """The run that `make run` makes, with everything it writes: (stdout, folder)."""
    folder = tmp_path_factory.mktemp("shipped") / "out"
    done = tokensieve("run", "--json", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    return done.stdout, folder


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A function that gives the result of a workload written as YAML."""
    folder = tmp_path_factory.mktemp("yaml")

    def run(text, *arguments):
        (folder / "mine.yaml").write_text(text)
        return result_of("--workload", "mine.yaml", *arguments, cwd=folder)

    return run


def test_the_shipped_trace_runs_next_to_the_same_work_un_pruned():
    done = tokensieve("run")

    assert done.returncode == 0
    assert done.stdout.startswith("spatten on the shipped trace: all-MiniLM-L6-v2")
    for words in ("DRAM traffic", "energy", "dense reference", "Bottleneck: ", "modelled"):
        assert words in done.stdout


def test_json_is_the_result_that_the_schema_describes(shipped):
    schema = json.loads(tokensieve("schema", "result").stdout)

    jsonschema.validate(json.loads(shipped[0]), schema, jsonschema.Draft202012Validator)


def test_out_holds_the_same_object_and_a_picture(shipped):
    printed, folder = shipped

    assert sorted(os.listdir(folder)) == ["cycles.png", "result.json"]
    assert (folder / "result.json").read_text() == printed
    assert (folder / "cycles.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_parts_of_the_result_add_up(shipped):
    result = json.loads(shipped[0])

    assert set(result["cycles"]) == CAUSES | {"total"}
    assert sum(result["cycles"][cause] for cause in CAUSES) == result["cycles"]["total"]
    for whole in (result["cycles"], result["traffic"]["dram_bytes"]):
        assert sum(whole.values()) == 2 * whole["total"]
    assert sum(layer["cycles"]["total"] for layer in result["layers"]) == result["cycles"]["total"]
    for parts in (result["energy_j"], result["area_mm2"]):
        assert sum(parts.values()) == pytest.approx(2 * parts["total"])
    low, high = result["energy_j_interval"]
    assert low <= result["energy_j"]["total"] <= high
    assert result["speedup"] == result["reference"]["cycles"] / result["cycles"]["total"]
    assert result["seconds"] == pytest.approx(result["cycles"]["total"] * 1e-9)


def test_provenance_says_where_it_all_came_from(shipped):
    provenance = json.loads(shipped[0])["provenance"]

    assert (provenance["decisions"], provenance["arch"], provenance["seed"]) == ("captured", "spatten", 0)
    assert "MiniLM" in provenance["workload"]
    assert provenance["set"] == []
    assert provenance["machine"] == load_arch().model_dump(mode="json")
    assert "public domain" in provenance["licence"]
    assert all(len(provenance[name]) == 64 for name in ("digest", "workload_digest", "arch_digest", "text_sha256"))


def test_the_result_names_every_override_in_order_and_the_machine_that_came_of_them():
    sets = ["topk.lanes=8", "clock.mhz=500", "topk.lanes=32"]
    result = result_of(*(word for one in sets for word in ("--set", one)), "--reference", "none", "--level", "analytic")
    machine = result["provenance"]["machine"]

    assert (result["level"], result["provenance"]["set"]) == ("analytic", sets)
    assert machine == load_arch(sets=sets).model_dump(mode="json")
    assert (machine["topk"]["lanes"], machine["clock"]["mhz"]) == (32, 500)


def test_another_process_gives_the_same_bytes_but_for_the_times(shipped, tmp_path):
    assert tokensieve("run", "--out", str(tmp_path / "again"), "--quiet").returncode == 0
    texts = [(folder / "result.json").read_text() for folder in (shipped[1], tmp_path / "again")]

    first, second = (json.loads(text) for text in texts)
    times = [one["provenance"].pop("times") for one in (first, second)]
    assert all(set(one) == {"finished", "cpu_s"} for one in times)
    assert json.dumps(first) == json.dumps(second)
    pieces = [text.partition('"times": {')[::2] for text in texts]
    assert pieces[0][0] == pieces[1][0]
    assert pieces[0][1].partition("}")[2] == pieces[1][1].partition("}")[2]


@pytest.mark.parametrize(("kind", "bits"), [("dense", 12), ("fp32", 32)])
def test_the_reference_holds_everything_in_its_width(written, kind, bits):
    result = written(BERT_LAYER, "--reference", kind)

    assert result["reference"]["kind"] == kind
    assert result["reference"]["dram_bytes"] == 12 * 384 * 64 * bits // 8 * 4  # query, key, value and output
    assert result["dram_reduction"] == pytest.approx(
        result["reference"]["dram_bytes"] / result["traffic"]["dram_bytes"]["total"]
    )


def test_without_reference_there_is_nothing_to_compare_with(written):
    result = written(BERT_LAYER, "--reference", "none")

    assert [result[name] for name in ("reference", "speedup", "dram_reduction", "energy_saving")] == [None] * 4


def test_a_bert_layer_from_yaml_does_the_work_that_one_can_count(written):
    result = written(BERT_LAYER)
    queries, rows = 12 * 384, 12 * 384

    assert result["actions"]["qk"]["multiply"] == queries * 384 * 64
    assert result["actions"]["pv"]["multiply"] == queries * 192 * 64
    assert result["traffic"]["vectors"] == {"key": rows, "value": rows}
    assert result["traffic"]["dram_bytes"] == {
        "query": rows * 96,
        "key_msb": rows * 64,
        "key_lsb": 0,
        "value": rows * 64,
        "output": rows * 96,
        "total": rows * 320,
    }
    assert result["busy_cycles"]["qk"] == queries * 384 // 8
    assert result["busy_cycles"]["pv"] == queries * 192 // 8
    assert result["cycles"]["total"] > queries * 384 // 8
    assert result["labels"]["busy_cycles.topk"] == "assumed"


@pytest.mark.parametrize(("name", "phase"), [("bert-base-cola", "prefill"), ("gpt2-small-ptb", "decode")])
def test_named_workloads_run_and_say_what_is_assumed(name, phase):
    done = tokensieve("run", "--workload", name, "--json", "--reference", "none")
    result = json.loads(done.stdout)
    shown = json.loads(tokensieve("workloads", "show", name, "--json").stdout)

    assert done.returncode == 0
    assert phase == shown["phase"]
    assert result["provenance"]["decisions"] == "counts"
    assert any("top-k work records" in rule for rule in result["provenance"]["assumed"])
    assert len(result["layers"]) == 12


def test_a_head_ratio_of_a_quarter_thins_heads_cycles_and_bytes_out(written):
    every, few = written(HEADS % (48, 1, 1)), written(HEADS % (48, 1, "0.25"))
    heads = [layer["heads"] for layer in few["layers"]]
    moved = [layer["dram_bytes"]["total"] for layer in few["layers"]]

    assert (heads[0], heads[-1]) == (12, 3)
    assert heads == sorted(heads, reverse=True)
    assert len(set(heads)) > 6
    assert moved == [moved[0] * n / 12 for n in heads]
    assert few["cycles"]["total"] < every["cycles"]["total"] * sum(heads) / 144 * 1.15
    assert few["traffic"]["dram_bytes"]["total"] == every["traffic"]["dram_bytes"]["total"] * sum(heads) / 144
    assert few["busy_cycles"]["qk"] == every["busy_cycles"]["qk"] * sum(heads) / 144


@pytest.mark.parametrize("context", [64, 128])
def test_with_its_heads_a_layer_loses_cycles(written, context):
    """On texts whose layers take longer than the refresh that may fall into one of them."""
    layers = written(HEADS % (context, 1, "0.25"), "--reference", "none")["layers"]

    for before, after in pairwise(layers):
        if after["heads"] < before["heads"]:
            assert after["cycles"]["total"] < before["cycles"]["total"]


def test_more_lanes_make_local_value_pruning_faster_and_the_machine_larger():
    few, many = (
        result_of("--workload", "minilm-values", "--set", f"topk.lanes={n}", "--reference", "none") for n in (4, 32)
    )

    assert many["cycles"]["total"] < few["cycles"]["total"]
    assert many["area_mm2"]["topk"] > few["area_mm2"]["topk"]
    assert many["traffic"] == few["traffic"]


def test_our_own_preset_prunes_local_values_faster_than_the_paper_s():
    paper, ours = (
        result_of("--workload", "minilm-values", "--arch", name, "--reference", "none") for name in ("spatten", "sieve")
    )

    assert ours["cycles"]["total"] < 0.7 * paper["cycles"]["total"]
    assert ours["traffic"] == paper["traffic"]
    assert ours["provenance"]["workload_digest"] == paper["provenance"]["workload_digest"]


def test_the_preset_is_the_paper_s_design():
    resolved = tokensieve("presets", "show", "spatten", "--json")
    shown = json.loads(resolved.stdout)
    arch = shown.get("arch", shown)

    assert [arch[name]["kib"] * 1024 for name in ("key_sram", "value_sram")] == [196_608, 196_608]
    assert arch["qk"]["multipliers"] // 64 == 8
    assert 2 * (arch["qk"]["multipliers"] + arch["pv"]["multipliers"]) * arch["clock"]["mhz"] * 1e6 == 2.048e12
    dram = arch["dram"]
    burst_ns = dram["nBL"] * dram["tCK_ps"] * 1e-3
    assert dram["channels"] * dram["pseudo_channels"] * dram["granule_bytes"] / burst_ns == 512


def test_the_authors_trace_gives_the_counts_of_the_issue(shared_data):
    trace = shared_data / "spatten-traces" / "gpt2-small-wikitext2-per8.csv"
    result = result_of("--arch", "spatten", "--trace", str(trace), "--reference", "none")

    assert result["traffic"]["vectors"] == {"key": 1_283_172, "value": 255_180}
    assert result["traffic"]["lsb_rows"] == 323
    assert result["traffic"]["dram_bytes"]["total"] == pytest.approx(83.7e6, rel=0.005)
    assert result["provenance"]["decisions"] == "counts"
