"""Request lists by the rules of the authors' test bench."""

import csv

import pytest
from bench.requests import PLAIN, csv_text
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import WorkloadError
from tokensieve.workloads.columns import BERT
from tokensieve.workloads.javarandom import JavaRandom
from tokensieve.workloads.released import bench_requests, topk_latency, vector_indexes

SIX = {"quant_key_bit": 6, "quant_value_bit": 6}


@pytest.fixture
def made(tmp_path):
    """A function that writes a CSV file of rows that differ from `PLAIN`, and returns the requests of it."""

    def make(*changes, rounding=8, **options):
        path = tmp_path / "rows.csv"
        path.write_text(csv_text(*changes))
        return bench_requests(path, rounding=rounding, lanes=16, **options)

    return make


def naive_java(seed, bits):
    """`java.util.Random` as its documentation states it, one number after the other."""
    state = (seed ^ 0x5DEECE66D) & (2**48 - 1)
    while True:
        state = (state * 0x5DEECE66D + 0xB) % 2**48
        yield state >> (48 - bits)


@given(seed=st.integers(0, 2**40), counts=st.lists(st.integers(0, 40), min_size=1, max_size=4))
def test_integers_are_those_of_java_whatever_the_pieces_they_are_drawn_in(seed, counts):
    draw, naive = JavaRandom(seed), naive_java(seed, 32)

    for count in counts:
        assert [int(x) % 2**32 for x in draw.integers(count)] == [next(naive) for _ in range(count)]


@given(seed=st.integers(0, 2**40), bound=st.integers(1, 2**31 - 1))
def test_a_bounded_draw_is_below_its_bound_and_that_of_java_where_it_needs_no_second_try(seed, bound):
    value, first = JavaRandom(seed).below(bound), next(naive_java(seed, 31))

    assert 0 <= value < bound
    if bound & (bound - 1) == 0:
        assert value == bound * first >> 31
    elif first - first % bound + bound <= 2**31:
        assert value == first % bound


def test_latencies_and_vector_indexes_are_those_of_the_release(shared_data):
    with (shared_data / "spatten-rtl" / "gpt2_small_rows.csv").open(newline="") as file:
        rows = [r for r in csv.DictReader(file) if (r["design"], r["run"]) == ("64mult_2ch", "small8_i1")]
    trace = shared_data / "spatten-traces" / "gpt2-small-wikitext2-per8.csv"
    with (shared_data / "spatten-rtl" / "key_indexes.csv").open(newline="") as file:
        indexes = [int(r["row_index"]) for r in csv.DictReader(file) if r["design"] == "512mult_16ch"]

    asked = bench_requests(trace, rounding=8, lanes=16, iteration=1)

    assert asked.latency.tolist() == [int(r["topk_latency"]) for r in rows]
    assert asked.keys.tolist() == [int(r["key_fetch"]) for r in rows]
    assert asked.values.tolist() == [int(r["val_fetch"]) for r in rows]
    assert asked.second_pass.tolist() == [int(r["requant_asked"]) for r in rows]
    assert asked.last.tolist() == [int(r["last_in_batch"]) for r in rows]
    assert vector_indexes(256, 32)[: len(indexes)].tolist() == indexes


def test_mean_latency_is_that_of_the_releases_model():
    """1024 scores, 64 kept, 16 lanes: 198 cycles in the fact sheet, of 2000 trials with a spread of 61."""
    draw = JavaRandom(7)

    mean = sum(topk_latency(draw, 1024, 64, 16) for _ in range(400)) / 400

    assert mean == pytest.approx(198, abs=12)


@pytest.mark.parametrize(("bits", "key_bits", "second"), [(-1, 8, 1), (10, 8, 1), (12, 8, 1), (4, 4, 0), (8, 8, 0)])
def test_wide_keys_become_eight_bits_and_a_second_pass(made, bits, key_bits, second):
    asked = made({"quant_key_bit": bits, "quant_value_bit": bits})

    assert (asked.key_bits[0], asked.value_bits[0], asked.second_pass[0]) == (key_bits, key_bits, second)


def test_counts_are_rounded_up_and_latencies_drawn_from_those_before(made):
    plain, rounded = made({"key_fetch_num": 993}, rounding=1), made({"key_fetch_num": 993}, rounding=32)

    assert (plain.keys[0], rounded.keys[0]) == (993, 1024)
    assert plain.latency.tolist() == rounded.latency.tolist()


def test_rows_of_six_bits_are_pairs_of_which_the_first_is_charged_the_top_k(made):
    asked = made(SIX, SIX, {}, SIX, SIX)

    assert asked.last.tolist() == [0, 1, 1, 0, 1]
    assert [value > 0 for value in asked.latency] == [True, False, True, True, False]


def test_rows_may_come_in_any_order_and_repeat(made):
    asked = made({"iteration_id": 5, "layer_id": 3}, {"layer_id": 7}, {"iteration_id": 5, "layer_id": 3})

    assert len(asked) == 3


def test_one_iteration_is_numbered_from_its_first_row(made):
    asked = made({"key_fetch_num": 40}, {"iteration_id": 1, "key_fetch_num": 80}, iteration=1)

    assert asked.keys.tolist() == [80]
    assert asked.bases.tolist() == [[0xAB10000, 0xAB20000, 0xCD10000]]


@pytest.mark.parametrize(("lines", "iteration"), [("3\n5\n", None), ("9\n5\n", 1), ("5\n", 1)])
def test_latencies_from_a_file_are_one_for_each_csv_row_or_each_row_that_is_run(made, tmp_path, lines, iteration):
    file = tmp_path / "latencies.txt"
    file.write_text(lines)

    asked = made({}, {"iteration_id": 1}, iteration=iteration, latencies=file)

    assert asked.latency.tolist() == ([3, 5] if iteration is None else [5])


@pytest.mark.parametrize("text", ["\ufeff3\n5\n", "3\r\n5\r\n", "3\n5\n\n \n", "3\n5", " 3\n\n5 \n"])
def test_latencies_are_read_as_the_csv_is_with_a_mark_other_line_ends_and_blank_lines(made, tmp_path, text):
    file = tmp_path / "latencies.txt"
    file.write_bytes(text.encode())

    assert made({}, {}, latencies=file).latency.tolist() == [3, 5]


def test_a_request_knows_its_line_in_the_file(made):
    assert made({}, {"iteration_id": 1}, {"iteration_id": 1}, iteration=1).lines == (3, 4)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([SIX], "line 2: quant_key_bit must be that of the next row.*got no more row"),
        ([SIX, {}], "line 2: quant_key_bit must be that of the next row.*got 8 after 6"),
        ([SIX, SIX | {"key_fetch_num": 72}], "line 2: key_fetch_num must be that of the next row.*got 72 after 64"),
        ([{}, {"embedding_length_D": "32.0"}], "line 3: embedding_length_D must be 64 for the release, got 32"),
        ([{"value_fetch_num": 65}], "line 2: value_fetch_num must not be above key_fetch_num, got 65 > 64"),
        ([{"quant_key_bit": 7}], "line 2: quant_key_bit must be one of"),
        ([{"key_fetch_num": 0}], "line 2: key_fetch_num must be a whole number in"),
        ([{"if_requant": "yes"}], "line 2: if_requant must be True or False"),
        ([{"sentence_length_L": 0}], "line 2: sentence_length_L must be a whole number in"),
        ([], "has a header and no rows"),
    ],
)
def test_a_malformed_row_is_refused_with_line_and_field(made, changes, message):
    with pytest.raises(WorkloadError, match=message):
        made(*changes)


def test_an_iteration_that_is_not_there_is_refused_with_those_that_are(made):
    with pytest.raises(WorkloadError, match=r"iteration must be one of those in it \(0..1, 7\), got 3"):
        made({}, {"iteration_id": 1}, {"iteration_id": 7}, iteration=3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3\n", "one line for each row is expected, 2, got 1"),
        ("3\n-1\n", "line 2: a top-k latency must be a whole number in 0..1048575, got '-1'"),
        ("3\n1048576\n", "line 2: a top-k latency must be"),
        ("3\nx\n", "line 2: a top-k latency must be"),
        ("3\n\n\nx\n", "line 4: a top-k latency must be"),
        (None, "no such file"),
    ],
)
def test_a_malformed_latency_file_is_refused(made, tmp_path, text, message):
    file = tmp_path / "latencies.txt"
    if text is not None:
        file.write_text(text)

    with pytest.raises(WorkloadError, match=message):
        made({}, {}, latencies=file)


def test_a_latency_file_may_begin_with_a_byte_order_mark(made, tmp_path):
    file = tmp_path / "latencies.txt"
    file.write_text("\ufeff3\n5\n", encoding="utf-8")

    assert made({}, {}, latencies=file).latency.tolist() == [3, 5]


def test_a_prefill_trace_is_refused(tmp_path):
    path = tmp_path / "bert.csv"
    row = {"key_value_query_fetch_num": 8, "auto_requant_num": -1}
    path.write_text(",".join(BERT) + "\n" + ",".join(str((PLAIN | row)[name]) for name in BERT) + "\n")

    with pytest.raises(WorkloadError, match="the 17 columns of a decode trace are expected, got 15"):
        bench_requests(path, rounding=8, lanes=16)
