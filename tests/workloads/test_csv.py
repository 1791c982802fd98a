import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import WorkloadError, load_arch
from tokensieve.arch.datapath import Topk
from tokensieve.workloads.columns import BERT, GPT2
from tokensieve.workloads.complete import complete
from tokensieve.workloads.csvtrace import read_csv
from tokensieve.workloads.schedule import schedule_from
from tokensieve.workloads.traces import load_trace

ROW = {
    "embedding_length_D": "64.0",
    "sentence_length_L": 20,
    "key_fetch_num": 18,
    "quant_key_bit": 6,
    "quant_query_bit": 16,
    "auto_requant_thres": 0.05,
    "if_requant": False,
    "auto_requant_incre": 4,
    "value_fetch_num": 5,
    "quant_value_bit": 6,
    "if_accumulate_importance": True,
    "if_rescale_previous_importance": False,
    "if_topk": False,
    "topk": -1,
}
BERT_ROW = {
    "embedding_length_D": "64.0",
    "sentence_length_L": 20,
    "key_value_query_fetch_num": 20,
    "quant_key_bit": 8,
    "quant_value_bit": 8,
    "quant_query_bit": 8,
    "auto_requant_thres": -1,
    "if_requant": False,
    "auto_requant_incre": -1,
    "auto_requant_num": -1,
    "if_accumulate_importance": True,
    "if_topk": False,
    "topk": -1,
}
FACTS = {
    "gpt2-small-wikitext2-per8.csv": (4608, 4_647_168, 1_283_172, 255_180, 323, 124),
    "gpt2-small-wikitext2-per8-step1.csv": (4608, 4_647_168, 4_647_168, 4_647_168, 0, 0),
    "small.csv": (1, 993, 993, 993, 0, 0),
}


def decode_rows(steps=2, layers=2, heads=2):
    """Rows of a decode in which layer 1 keeps 9 keys."""
    for step in range(steps):
        for layer in range(layers):
            for head in range(heads):
                own = {"iteration_id": step, "layer_id": layer, "head_id": head, "sentence_length_L": 20 + step}
                own |= {"key_fetch_num": 9, "value_fetch_num": 3} if layer else {}
                own |= {"if_topk": True, "topk": 9} if layer == 0 and head == heads - 1 else {}
                yield ROW | own


def bert_rows(layers=2, heads=2):
    """Rows of a prefill in which layer 1 keeps 12 tokens."""
    for layer in range(layers):
        for head in range(heads):
            own = {"layer_id": layer, "head_id": head} | ({"key_value_query_fetch_num": 12} if layer else {})
            yield BERT_ROW | own | ({"if_topk": True, "topk": 12} if layer == 0 and head == heads - 1 else {})


def text(rows, columns=GPT2):
    return "\n".join([",".join(columns), *(",".join(str(row[name]) for name in columns) for row in rows)]) + "\n"


@pytest.fixture
def written(tmp_path):
    """A function that writes text or bytes to a file and returns its path."""

    def write(content):
        path = tmp_path / "trace.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("name", FACTS)
def test_the_authors_traces_have_their_known_sums(shared_data, name):
    decisions = load_trace(shared_data / "spatten-traces" / name, load_arch())
    sums = [int(getattr(decisions, array).sum()) for array in ("context", "keys_kept", "values_kept")]
    lsb_rows = int((decisions.lsb_refetch == 1).sum())
    selections = int((decisions.topk_token_count[:, 0] >= 0).sum())

    assert (len(decisions.row_index), *sums, lsb_rows, selections) == FACTS[name]


def test_the_authors_schedule_gives_every_row_of_their_trace(shared_data):
    counts = read_csv(shared_data / "spatten-traces" / "gpt2-small-wikitext2-per8.csv")
    ratios = [0.9, 0.7, *[0.2] * 4, *[0.1] * 6]
    schedule = schedule_from({"interpolation": "list", "token": ratios, "value": 0.2, "base": 1024, "start_step": 1})
    keys = [schedule.keys_kept(993 + step, step, 12) for step in range(32)]
    values = [schedule.values_kept(993 + step, step, 12) for step in range(32)]

    assert counts.keys.tolist() == np.repeat(keys, 12).tolist()
    assert counts.values.tolist() == np.repeat(values, 12).tolist()


def test_the_authors_trace_shares_values_in_pairs(shared_data):
    decisions = load_trace(shared_data / "spatten-traces" / "gpt2-small-wikitext2-per8.csv", load_arch())

    assert int(decisions.pair_second.sum()) == 2304
    assert decisions.meta["charge_io"] is False
    assert decisions.meta["bits"] == {"query": 16, "key": 6, "value": 6, "lsb": 4}
    assert decisions.topk_token_count[[11, 12, 13, 17, 23]].tolist() == [
        [993, 921],
        [921, 716],
        [716, 204],
        [204, 102],
        [994, 921],
    ]


def test_unquantized_rows_are_eight_bits_and_a_forced_pass_over_four(shared_data):
    decisions = load_trace(shared_data / "spatten-traces" / "small.csv", load_arch())

    assert decisions.meta["bits"] == {"query": 12, "key": 8, "value": 8, "lsb": 4}
    assert decisions.lsb_refetch.tolist() == [2]


def test_a_decode_trace_is_read_row_by_row(written):
    counts = read_csv(written(text(decode_rows())))

    assert (counts.phase, counts.steps, counts.layers, counts.heads, counts.head_dim) == ("decode", 2, 2, 2, 64)
    assert counts.keys.tolist() == [18, 18, 9, 9] * 2
    assert counts.token_topk.tolist() == [9, -1, 9, -1]
    assert counts.threshold == 0.05


def test_a_prefill_trace_has_as_many_queries_as_keys(written):
    rows = list(bert_rows())
    rows[0] |= {"if_requant": True, "auto_requant_incre": 4, "auto_requant_num": 5, "quant_key_bit": 6}
    rows[1] |= {"quant_key_bit": 6, "auto_requant_incre": 4}
    decisions = complete(read_csv(written(text(rows, BERT))), Topk(), 0)

    assert decisions.phase == "prefill"
    assert decisions.queries.tolist() == [20, 20, 12, 12]
    assert decisions.values_kept.tolist() == decisions.keys_kept[decisions.query_row].tolist()
    assert np.flatnonzero(decisions.lsb_refetch).tolist() == [0, 4, 8, 12, 16]
    assert decisions.topk_token_count.tolist() == [[20, 12], [-1, -1]]
    assert decisions.key_bits.tolist() == [6, 6, 8, 8]


def test_heads_that_vanish_are_taken_as_selected(written):
    rows = [row for row in decode_rows(steps=1) if (row["layer_id"], row["head_id"]) != (1, 1)]
    counts = read_csv(written(text(rows)))

    assert counts.head_topk.tolist() == [1, -1]
    assert any("head selection" in rule for rule in counts.assumed)


@pytest.mark.parametrize("end", ["", "configs/gpt2/small.yml" + "," * 16 + "\n", "\n\n"])
def test_a_configuration_and_blank_lines_may_end_a_trace(written, end):
    assert len(read_csv(written(text(decode_rows()) + end)).keys) == 8


def test_windows_line_ends_and_a_byte_order_mark_are_read(written):
    assert len(read_csv(written(b"\xef\xbb\xbf" + text(decode_rows()).replace("\n", "\r\n").encode())).keys) == 8


def test_a_row_of_which_all_columns_but_one_are_right_is_named_with_line_and_column(written):
    rows = list(decode_rows())
    rows[5] |= {"quant_key_bit": 7}

    with pytest.raises(
        WorkloadError, match=r"trace\.csv, line 7: quant_key_bit must be one of -1, 4, 6, 8, 10, 12, got '7'"
    ):
        read_csv(written(text(rows)))


CHANGED_ROWS = {
    "a negative count": (
        0,
        {"key_fetch_num": -4},
        "line 2: key_fetch_num must be a whole number in 1..1048576, got '-4'",
    ),
    "a fraction": (0, {"key_fetch_num": "17.5"}, "line 2: key_fetch_num must be a whole number in"),
    "a word": (3, {"value_fetch_num": "many"}, "line 5: value_fetch_num must be a whole number"),
    "nothing": (3, {"value_fetch_num": ""}, "line 5: value_fetch_num must be a whole number"),
    "a huge number": (0, {"key_fetch_num": "9" * 5000}, "line 2: key_fetch_num must be a whole number"),
    "more values than keys": (
        0,
        {"value_fetch_num": 19},
        "line 2: value_fetch_num must not be above key_fetch_num, got 19 > 18",
    ),
    "more keys than tokens": (
        0,
        {"key_fetch_num": 21},
        "line 2: key_fetch_num must not be above sentence_length_L, got 21 > 20",
    ),
    "another width": (
        2,
        {"embedding_length_D": 32},
        "line 4: embedding_length_D must be that of the row before, 64, got 32",
    ),
    "half a width": (0, {"embedding_length_D": 64.5}, "line 2: embedding_length_D must be a whole number in 1..4096"),
    "no width": (0, {"embedding_length_D": "nan"}, "line 2: embedding_length_D must be"),
    "other keys in a layer": (
        1,
        {"key_fetch_num": 17},
        "line 3: key_fetch_num must be that of the row before, 18, got 17",
    ),
    "other values in a layer": (1, {"value_fetch_num": 4}, "line 3: value_fetch_num must be that of the row before"),
    "other bits in a layer": (1, {"quant_value_bit": 8}, "line 3: quant_value_bit must be that of the row before"),
    "another length in a step": (
        2,
        {"sentence_length_L": 21},
        "line 4: sentence_length_L must be that of the row before",
    ),
    "keys other than topk": (
        2,
        {"key_fetch_num": 8},
        "line 4: key_fetch_num must be the topk of the layer before, 9, got 8",
    ),
    "no flag": (0, {"if_requant": "yes"}, "line 2: if_requant must be True or False, got 'yes'"),
    "refetch of nothing": (
        0,
        {"if_requant": True, "auto_requant_incre": -1},
        "line 2: if_requant is True, but auto_requant_incre",
    ),
    "topk without flag": (0, {"topk": 9}, "line 2: topk must be -1 exactly where if_topk is False"),
    "flag without topk": (0, {"if_topk": True}, "line 2: topk must be -1 exactly where if_topk is False"),
    "too large a topk": (1, {"topk": 21}, "line 3: topk must not be above sentence_length_L, got 21 > 20"),
    "an early topk": (
        0,
        {"if_topk": True, "topk": 9},
        "line 3: if_topk is True in the row before, which is not the last",
    ),
    "a high threshold": (0, {"auto_requant_thres": 1.5}, "line 2: auto_requant_thres must be -1 or a number in 0..1"),
    "a start elsewhere": (
        0,
        {"layer_id": 3},
        "line 2: the first row must be iteration, layer, head 0, 0, 0, got 0, 3, 0",
    ),
    "a row twice": (
        1,
        {"head_id": 0},
        "line 3: row 0, 0, 0 comes twice in a row: iteration, layer, head must be 0, 0, 1 or",
    ),
    "a gap": (3, {"head_id": 2}, "line 5: row 0, 1, 2 comes out of order: iteration, layer, head must be 0, 1, 1 or"),
    "a step back": (4, {"iteration_id": 0, "layer_id": 0}, "line 6: row 0, 0, 0 comes out of order"),
    "another query width": (0, {"quant_query_bit": 5}, "line 2: quant_query_bit must be one of"),
}


@pytest.mark.parametrize("kind", CHANGED_ROWS)
def test_a_bad_row_is_named_by_line_and_column(written, kind):
    place, change, message = CHANGED_ROWS[kind]
    rows = list(decode_rows())
    rows[place] |= change

    with pytest.raises(WorkloadError) as caught:
        read_csv(written(text(rows)))
    assert f"trace.csv, {message}" in str(caught.value)
    assert caught.value.exit_code == 2


GOOD = text(decode_rows())
LINES = GOOD.splitlines(keepends=True)
FILES = {
    "an empty file": ("", "trace.csv: is empty"),
    "a header alone": (LINES[0], "has a header and no rows"),
    "no header": ("".join(LINES[1:]), "line 1: column 1 must be"),
    "a misspelt header": (
        GOOD.replace("key_fetch_num", "keys_fetch_num", 1),
        "line 1: column 6 must be 'key_fetch_num', got 'keys_",
    ),
    "a header twice": (GOOD.replace("topk", "head_id", 2), "line 1: column 16 must be 'if_topk', got 'if_head_id'"),
    "a column twice": (GOOD.replace(",topk", ",head_id", 1), "line 1: column 17, 'head_id', is there twice"),
    "a header without its middle": (GOOD.replace(",if_requant", "", 1), "line 1: column 'if_requant' is missing"),
    "columns in another order, one misspelt": (
        GOOD.replace("iteration_id,layer_id", "layer_id,iteration", 1),
        "line 1: column 2 must be 'iteration_id', got 'iteration'; did you mean 'iteration_id'?",
    ),
    "a short header": (
        LINES[0].rpartition(",")[0] + "\n",
        "line 1: column 'topk' is missing (17 columns are expected)",
    ),
    "a long header": (LINES[0].rstrip() + ",more\n", "line 1: 17 columns are expected, got 18"),
    "a missing field": (LINES[0] + LINES[1].replace(",18", "", 1), "line 2: 17 fields are expected, got 16"),
    "a field too many": (LINES[0] + LINES[1].rstrip() + ",1\n", "line 2: 17 fields are expected, got 18"),
    "a NUL byte": (GOOD.replace("64.0", "64\0", 1), "line 2: holds a NUL byte"),
    "not UTF-8": (GOOD.encode() + b"\xff\xfe\n", "not UTF-8 text"),
    "an early configuration": (
        LINES[0] + "conf.yml" + "," * 16 + "\n" + LINES[1],
        "line 2: iteration_id must be a whole number from 0",
    ),
    "a long line": (LINES[0] + "1" * 70_000, "line 2: is longer than 65536 characters"),
    "half an iteration": ("".join(LINES[:-2]), "the last iteration ends with layer 0, the first one has 2 layers"),
    "a head that comes back": (
        "".join(LINES[:2]).replace("False,-1", "True,9") + "".join(LINES[3:5]),
        "head_id must be below 1, the live heads of the layer before, got 1",
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_malformed_file_is_refused_in_words(written, kind):
    content, message = FILES[kind]

    with pytest.raises(WorkloadError) as caught:
        read_csv(written(content))
    assert message in str(caught.value)


@pytest.mark.parametrize(("name", "message"), [("absent.csv", "no such file"), (".", "is a directory")])
def test_a_path_that_is_no_file_is_refused(tmp_path, name, message):
    with pytest.raises(WorkloadError, match=message):
        read_csv(tmp_path / name)


def test_a_trace_of_another_suffix_is_refused(tmp_path):
    with pytest.raises(WorkloadError, match=r"must end in \.csv or \.npz"):
        load_trace(tmp_path / "trace.txt", load_arch())


def test_a_context_above_the_engine_s_is_refused_with_the_file_s_name(written):
    with pytest.raises(WorkloadError, match=r"trace\.csv: the context of 21 tokens is above topk\.max_tokens = 16"):
        load_trace(written(GOOD), load_arch(sets=["topk.max_tokens=16"]))


@given(st.binary(max_size=200))
def test_no_bytes_at_all_raise_anything_but_words(tmp_path_factory, data):
    path = Path(tmp_path_factory.mktemp("any")) / "t.csv"
    path.write_bytes(LINES[0].encode() + data)

    with pytest.raises(WorkloadError):
        read_csv(path)


def test_the_reader_agrees_with_a_plain_one(shared_data):
    path = shared_data / "spatten-traces" / "gpt2-small-wikitext2-per8.csv"
    with path.open() as file:
        plain = [row for row in csv.DictReader(file) if row["iteration_id"].isdigit()]
    counts = read_csv(path)

    assert counts.keys.tolist() == [int(row["key_fetch_num"]) for row in plain]
    assert counts.lsb_refetch.tolist() == [row["if_requant"] == "True" for row in plain]
