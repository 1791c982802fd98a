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


def reversed_columns():
    """The columns in another order; the names in the header tell which is which."""
    return [",".join(reversed(line.split(","))) for line in (HEAD, *ROWS)] + [END]


def as_pandas_twice():
    """Saved twice with their running numbers; the first ones have become a column that is called Unnamed: 0."""
    head, *lines = as_pandas()
    return [f",Unnamed: 0{head}", *(f"{n},{line}" for n, line in enumerate(lines))]


def as_r_read_again():
    """R's own name for a column of row names that it read."""
    return [f"X,{HEAD}", *(f"{n},{line}" for n, line in enumerate([*ROWS, END], 1))]


def as_r_table():
    """R's write.table: the row names have no column in the header."""
    quoted = ",".join(f'"{name}"' for name in HEAD.split(","))
    return [quoted, *(f'"{n}",{line}' for n, line in enumerate([*ROWS, END], 1))]


def as_spreadsheet():
    """A comma more at the end of every line, truth in capitals."""
    return [f"{line.upper() if n else line}," for n, line in enumerate(as_authors())]


def as_database():
    return [line.replace("True", "true").replace("False", "false") for line in as_authors()]


def as_numbers():
    return [line.replace("True", "1").replace("False", "0") for line in as_authors()]


def with_blanks():
    return [line.replace(",", " , ") for line in as_authors()[:-1]]


def written(tmp_path, lines, end="\n"):
    path = tmp_path / "mine.csv"
    path.write_bytes((end.join(lines) + end).encode())
    return path


SAVED = [
    as_pandas, as_r, as_pandas_twice, as_r_read_again, as_r_table, as_spreadsheet, as_database, as_numbers, with_blanks,
    reversed_columns,
]  # fmt: skip


@pytest.mark.parametrize("saved", SAVED)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_trace_that_was_saved_again_holds_the_same_counts(saved, end, tmp_path):
    expected = read_csv(written(tmp_path, as_authors()))
    got = read_csv(written(tmp_path, saved(), end))

    for name in ("row_index", "context", "keys", "values", "lsb_refetch", "token_topk"):
        assert getattr(got, name).tolist() == getattr(expected, name).tolist()
    assert (got.head_dim, got.bits, got.threshold) == (expected.head_dim, expected.bits, expected.threshold)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (
            ROWS[0].replace("64.0", "64,0"),
            "got 18; decimal numbers have a point, not a comma",
        ),
        (ROWS[0].replace("0.05", "0,05").replace("64.0", "64,0"), "got 19; decimal numbers have a point"),
        (ROWS[0] + ",9", "17 fields are expected, got 18, more than the header has$"),
        (ROWS[0] + ",", "17 fields are expected, got 18, more than the header has$"),
        (ROWS[0].replace("False", "2", 1), "if_requant must be True or False, got '2'"),
        (ROWS[0].replace(",False", "", 1), "17 fields are expected, got 16$"),
    ],
)
def test_a_row_that_is_wrong_is_told_what_is_wrong_with_it(row, says, tmp_path):
    with pytest.raises(WorkloadError, match=rf"line 2: .*{says}"):
        read_csv(written(tmp_path, [HEAD, row]))


def test_row_names_are_passed_over_in_every_line_or_in_none(tmp_path):
    with pytest.raises(WorkloadError, match="line 3: 17 fields are expected, got 18, more than the header has"):
        read_csv(written(tmp_path, [HEAD, ROWS[0], f"2,{ROWS[1]}"]))
    with pytest.raises(WorkloadError, match="line 3: 17 fields are expected, got 16"):
        read_csv(written(tmp_path, [HEAD, f"1,{ROWS[0]}", ROWS[1]]))


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
