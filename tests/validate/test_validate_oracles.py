"""The oracles of the validation: their files, what a spoilt one says, and that one cut off agrees with nothing."""

import csv
import re
import shutil
from pathlib import Path

import pytest

from tokensieve.arch import WorkloadError, load_dram
from tokensieve.sim.dram.run import pattern, replay
from tokensieve.validate.catalogue import validate
from tokensieve.validate.section import passed
from tokensieve.validate.sections.dram import CONFIGS

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
    [(0, "there must be a column"), (1, "there are no lines below the columns"), (None, "UTF-8 is expected")],
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
