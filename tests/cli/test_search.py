"""`tokensieve search`: what it prints, what it says of levels, and in which words it refuses."""

import json

import pytest

from tokensieve.cli.app import call
from tokensieve.run import confirm, rtl_level

AXES = ["--set", "topk.lanes=4,8,16", "--set", "dram.channels=4,8", "--workload", "bert-base-cola"]


def told(arguments, capsys):
    assert call(["search", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_page_has_the_front_its_cost_the_levels_and_an_answer(capsys):
    assert call(["search", *AXES, "--promote", "2"]) == 0

    page = capsys.readouterr().out
    assert page.startswith("sweep: spatten on bert-base-cola, level analytic, then cycle: the front, the best first\n")
    assert "A space of 6 designs, all of them. 6 designs: 6 valid." in page
    assert "the front's figures beside those at level cycle" in page
    assert page.splitlines()[-1].endswith(".")


def test_json_has_both_levels_and_the_same_bytes_every_time(capsys):
    first, again = (told([*AXES, "--evaluations", "4", "--batch", "2"], capsys) for _ in range(2))

    assert first == again
    assert (first["space"], first["evaluations"], first["sampler"], first["seed"]) == (6, 4, "nsga2+steps", 0)
    assert set(first["best_by"]) == {"seconds", "area_mm2.total"}
    promotion = first["promotion"]
    assert promotion["level"] == "cycle"
    assert set(promotion["errors"]) == {"seconds", "area_mm2.total"}
    assert {row["number"] for row in promotion["rows"]} <= set(promotion["numbers"])
    assert promotion["best"]["figures"]["seconds"] == min(r["figures"]["seconds"] for r in promotion["rows"])
    assert first["confirmed"] is None


def test_a_store_is_gone_on_from_at_both_levels(tmp_path, capsys):
    command = [*AXES, "--promote", "2", "--store", str(tmp_path / "s.db")]
    first, again = told(command, capsys), told(command, capsys)

    assert (first["from_store"], first["promotion"]["from_store"]) == (0, 0)
    assert (again["from_store"], again["promotion"]["from_store"]) == (6, 2)
    assert again["promotion"]["rows"] == first["promotion"]["rows"]


def test_a_search_at_level_cycle_promotes_nothing(capsys):
    assert told([*AXES, "--level", "cycle", "--evaluations", "2"], capsys)["promotion"] is None
    assert told([*AXES, "--promote", "0"], capsys)["promotion"] is None


def test_confirm_plays_each_engine_of_the_front_once(monkeypatch, capsys):
    played = []

    def play(arch, decisions, seed):
        played.append(arch.topk.lanes)
        return rtl_level.Played(1, 0, None, "")

    monkeypatch.setattr(confirm, "play_selections", play)
    found = told([*AXES, "--promote", "6", "--confirm"], capsys)

    lanes = [row["values"]["topk.lanes"] for row in found["promotion"]["rows"]]
    assert sorted(played) == sorted(set(lanes))
    assert sorted(one["lanes"] for one in found["confirmed"]) == sorted(played)
    assert sum(len(one["designs"]) for one in found["confirmed"]) == len(lanes)


def test_an_engine_that_the_hardware_lacks_is_told_and_stops_nothing(capsys):
    axes = ["--set", "dram.channels=4,8", "--set", "topk.engine=bitonic", "--set", "topk.max_tokens=2048"]
    sizes = ["--set", "softmax.fifo_lines=256", "--workload", "bert-base-cola", "--promote", "0", "--confirm"]

    [one] = told([*axes, *sizes], capsys)["confirmed"]

    assert one["rtl"] is None
    assert "topk.max_tokens must be at most" in one["why"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([*AXES, "--sampler", "nsga"], "--sampler must be one of nsga2+steps, "),
        ([*AXES, "--evaluations", "0"], "--evaluations must be in 1..10000000, got 0"),
        ([*AXES, "--batch", "-1"], "--batch must be in 1..65536, got -1"),
        ([*AXES, "--promote", "-1"], "--promote must be"),
        ([*AXES, "--trace", "x.npz"], "--workload and --trace exclude each other"),
        ([], "a sweep needs a file, or an axis"),
        (["nosuch.yaml"], "nosuch.yaml"),
        (["--set", "topk.lane=4,8"], "topk.lane is not a known field"),
        (["--set", "topk.lanes=12,13", "--workload", "bert-base-cola"], "no design of this sweep is valid: 2 designs"),
    ],
)
def test_what_cannot_be_searched_is_refused_with_exit_code_2(arguments, message, capsys):
    assert call(["search", *arguments]) == 2

    assert message in capsys.readouterr().err
