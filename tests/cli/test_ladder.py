"""`tokensieve ladder`: what it prices, prints and writes, and what it refuses."""

import json

import pytest

from tokensieve.arch import load_arch
from tokensieve.cli.app import call
from tokensieve.report.ladder import lesson
from tokensieve.report.markdown import with_block
from tokensieve.run.ladder import Text, climb, machines_of, shipped_texts
from tokensieve.run.simulate import run
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.wholevalues import with_whole_values

PREFILL = """\
model: bert-base
layers: 2
phase: prefill
context: 48
schedule: {interpolation: list, token: [1, 0.5], head: [1, 0.5], value: 0.5, bits: {key: 8, value: 8, lsb: 0}}
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The folder of a small workload, `mine.yaml`, with a cache of its own."""
    monkeypatch.setenv("TOKENSIEVE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text(PREFILL)
    return tmp_path


def told(capsys, *arguments):
    assert call(["ladder", "--workload", "mine.yaml", *arguments]) == 0
    return capsys.readouterr().out


def test_the_rungs_are_the_runs_of_these_machines_on_these_decisions(mine, capsys):
    rungs = json.loads(told(capsys, "--json"))["climbs"][0]["rungs"]
    spatten, sieve = load_arch("spatten"), load_arch("sieve")
    local = load_workload("mine.yaml", spatten)
    whole = run(spatten, with_whole_values(local))
    values = [run(machine, local, reference=None) for machine in (spatten, sieve)]

    assert [(r["pruned"], r["arch"]) for r in rungs] == [
        ("nothing", "spatten"),
        ("tokens and heads", "spatten"),
        ("tokens, heads and values", "spatten"),
        ("tokens, heads and values", "sieve"),
    ]
    assert [r["cycles"] for r in rungs] == [
        whole.reference.cycles, whole.cycles["total"], *(one.cycles["total"] for one in values),
    ]  # fmt: skip
    assert [r["speedup"] for r in rungs] == [rungs[0]["cycles"] / r["cycles"] for r in rungs]
    assert rungs[1]["energy_j"] == whole.energy_j["total"]
    assert rungs[1]["dram_bytes"] == whole.traffic.dram_bytes["total"]


def test_set_overrides_a_field_of_both_machines_and_the_page_says_so(mine, capsys):
    sets = ["dram.channels=4", "topk.lanes=8"]
    given = [part for one in sets for part in ("--set", one)]
    ladder = json.loads(told(capsys, *given, "--json"))

    assert ladder["sets"] == sets
    assert [r["arch_digest"] for r in ladder["climbs"][0]["rungs"]] == [
        *[load_arch("spatten", sets).digest] * 3,
        load_arch("sieve", sets).digest,
    ]
    assert "Both machines with dram.channels=4, topk.lanes=8." in told(capsys, *given)


def test_the_same_bytes_come_with_and_without_the_cache(mine, capsys):
    cold, warm, without = (told(capsys, "--json", *more) for more in ([], [], ["--no-cache"]))

    assert cold == warm == without
    assert len(list((mine / "cache" / "references").iterdir())) == 1


def test_no_cache_leaves_no_file(mine, capsys):
    told(capsys, "--no-cache")

    assert not (mine / "cache").exists()


def test_decisions_that_keep_all_values_have_no_rung_of_local_values(mine, capsys):
    (mine / "mine.yaml").write_text(PREFILL.replace("value: 0.5", "value: 1"))
    page = told(capsys)

    assert "local values" not in page
    assert "nothing is said of local value pruning" in " ".join(page.split())


def test_the_shipped_text_has_a_trace_for_each_pruning_and_a_decode_beside_it():
    prefill, decode = shipped_texts(load_arch(), seed=0)

    assert (prefill.whole.phase, decode.whole.phase, decode.whole.steps) == ("prefill", "decode", 8)
    assert prefill.local is not None
    assert prefill.whole.meta["schedule"]["local_values"] == "decode"
    assert prefill.local.meta["text_sha256"] == prefill.whole.meta["text_sha256"]
    assert not set(prefill.whole.meta["assumed"]) - set(prefill.local.meta["assumed"])  # nothing is derived


def test_json_holds_the_lesson_that_is_printed(mine, capsys):
    text = Text.of("mine.yaml", load_workload("mine.yaml", load_arch()))

    assert json.loads(told(capsys, "--json"))["lesson"] == lesson(climb([text], machines_of()))
    assert " ".join(lesson(climb([text], machines_of())).split()) in " ".join(told(capsys).split())


def test_write_puts_what_is_printed_into_a_file(mine, capsys):
    page = told(capsys, "--write", "out.txt")

    assert (mine / "out.txt").read_text() == page


def test_write_brings_the_block_of_a_page_up_to_date_and_leaves_the_rest(mine, capsys):
    (mine / "page.md").write_text("# A\n\n```console\n$ make run\nold\n```\n\n```console\n$ make test\n```\n")
    page = told(capsys, "--write", "page.md")

    assert (mine / "page.md").read_text() == (
        f"# A\n\n```console\n$ make run\n{page}```\n\n```console\n$ make test\n```\n"
    )


def test_a_page_without_the_block_is_refused_and_left_as_it_is(mine, capsys):
    (mine / "page.md").write_text("# A\n")

    assert call(["ladder", "--workload", "mine.yaml", "--write", "page.md"]) == 2
    assert "has no console block that begins with $ make run or $ tokensieve ladder" in capsys.readouterr().err
    assert (mine / "page.md").read_text() == "# A\n"


def test_only_the_first_block_of_the_command_is_replaced():
    page = "```console\n$ tokensieve ladder --seed 1\na\n```\n```console\n$ tokensieve ladder\nb\n```\n"

    assert with_block(page, ("tokensieve ladder",), "c\n", "p").count("c\n```") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--workload", "minilm", "--trace", "x.npz"], "--workload and --trace exclude each other"),
        (["--trace", "absent.npz"], "absent.npz"),
        (["--workload", "bert-base-col"], "did you mean 'bert-base-cola'?"),
        (["--write", "no/such/file"], "--write no/such/file: the directory no/such does not exist"),
        (["--write", ""], "--write must name a file"),
        (["--arch", "spatten"], "--arch"),
        (["--set", "topk.lane=8"], "did you mean 'topk.lanes'?"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(arguments, message, capsys):
    assert call(["ladder", *arguments]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
