"""CSV traces as other tools save them again: the same counts come out of them."""

import pytest

from tokensieve.arch import ArchError, WorkloadError, load_arch
from tokensieve.arch.letters import escaped
from tokensieve.workloads.csvtrace import read_csv
from tokensieve.workloads.workload import workload_from

HEAD = (
    "iteration_id,layer_id,head_id,embedding_length_D,sentence_length_L,key_fetch_num,quant_key_bit,quant_query_bit,"
    "auto_requant_thres,if_requant,auto_requant_incre,value_fetch_num,quant_value_bit,if_accumulate_importance,"
    "if_rescale_previous_importance,if_topk,topk"
)
ROWS = (
    "0,0,0,64.0,20,18,6,16,0.05,False,4,5,6,True,False,False,-1",
    "0,0,1,64.0,20,18,6,16,-1,True,4,5,6,True,False,True,9",
)
END = "configs/gpt2.yml" + "," * 16


def as_authors():
    return [HEAD, *ROWS, END]


def as_pandas():
    """With running numbers, and counts with a decimal point, as of columns in which some fields are missing."""
    rows = [",".join(f"{f}.0" if f.isdigit() else f for f in row.split(",")) for row in ROWS]
    return [f",{HEAD}", *(f"{n},{row}" for n, row in enumerate(rows)), f"2,{END}"]


def as_r():
    """Every text in quotation marks, the rows named by numbers, truth in capitals, NA for what is not there."""
    quoted = ",".join(f'"{name}"' for name in ("", *HEAD.split(",")))
    rows = [row.replace("True", "TRUE").replace("False", "FALSE").replace("20", "2e+01") for row in ROWS]
    return [quoted, *(f'"{n}",{row}' for n, row in enumerate(rows, 1)), '"3","configs/gpt2.yml"' + ",NA" * 16]


def written(tmp_path, lines, end="\n"):
    path = tmp_path / "mine.csv"
    path.write_bytes((end.join(lines) + end).encode())
    return path


@pytest.mark.parametrize("saved", [as_pandas, as_r])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_trace_that_was_saved_again_holds_the_same_counts(saved, end, tmp_path):
    expected = read_csv(written(tmp_path, as_authors()))
    got = read_csv(written(tmp_path, saved(), end))

    for name in ("row_index", "context", "keys", "values", "lsb_refetch", "token_topk"):
        assert getattr(got, name).tolist() == getattr(expected, name).tolist()
    assert (got.head_dim, got.bits, got.threshold) == (expected.head_dim, expected.bits, expected.threshold)


def test_a_second_threshold_is_refused_and_one_beside_rows_without_any_is_taken(tmp_path):
    assert read_csv(written(tmp_path, as_authors())).threshold == 0.05

    with pytest.raises(WorkloadError, match=r"line 3: auto_requant_thres must be -1 or that of the rows before, 0\.05"):
        read_csv(written(tmp_path, [HEAD, ROWS[0], ROWS[1].replace(",-1,True", ",0.1,True")]))


@pytest.mark.parametrize("letter", ["\x1b", "\u202e", "\u2066", "\x85"])
def test_letters_that_a_terminal_acts_upon_are_refused_in_names_and_escaped_elsewhere(letter, tmp_path):
    (tmp_path / "odd.yaml").write_text(f'name: "a{escaped(letter)}b"\n')
    model = {"name": f"m{letter}", "layers": 1, "heads": 1, "head_dim": 64, "hidden": 64, "ffn": 64}

    with pytest.raises(ArchError, match=r"line 1: name .*no control or direction-turning characters"):
        load_arch(str(tmp_path / "odd.yaml"))
    with pytest.raises(WorkloadError, match=r"model\.name .*no control or direction-turning characters"):
        workload_from({"model": model, "phase": "prefill", "context": 5})
    assert letter not in escaped(f"a{letter}b\n")
