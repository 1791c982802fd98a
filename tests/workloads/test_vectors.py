import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import WorkloadError
from tokensieve.arch.datapath import Topk
from tokensieve.workloads.container import write_arrays
from tokensieve.workloads.distributions import distribution_names, minilm_probabilities, most_scores, scores
from tokensieve.workloads.vectors import Vectors

GROUPS = ("inputs", "expected", "work")
HEAD = b'{"arch":{},"seed":1,"unit":"topk","version":1}'


@given(st.dictionaries(st.sampled_from("abc"), st.lists(st.integers(0, 2**31 - 1), max_size=5)), st.integers(0, 99))
def test_what_is_saved_is_loaded(tmp_path_factory, lists, seed):
    path = tmp_path_factory.mktemp("vectors") / "v.npz"
    arrays = {name: np.array(items, np.int64) for name, items in lists.items()}
    vectors = Vectors(unit="topk", arch=Topk().model_dump(), seed=seed, inputs=arrays, work={"sizes": np.arange(3)})

    vectors.save(path)
    loaded = Vectors.load(path)

    assert (loaded.unit, loaded.arch, loaded.seed) == ("topk", Topk().model_dump(), seed)
    for group in GROUPS:
        np.testing.assert_equal(getattr(loaded, group), getattr(vectors, group))


def test_the_same_vectors_are_the_same_bytes(tmp_path):
    for name in "ab":
        Vectors(unit="topk", arch={}, seed=1, inputs={"x": np.arange(9)}).save(tmp_path / name)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"inputs.x": np.zeros(1)}, "no array of bytes called 'head'"),
        ({"head": np.frombuffer(HEAD, np.uint8), "outputs.x": np.zeros(1)}, "unknown array 'outputs.x.npy'"),
        ({"head": np.frombuffer(HEAD.replace(b"1}", b"2}"), np.uint8)}, "vectors of version 1 are read, got 2"),
        ({"head": np.frombuffer(HEAD.replace(b'"topk"', b"5"), np.uint8)}, "unit must be of type str, got 5"),
        ({"head": np.frombuffer(b"{}", np.uint8)}, "the head must have version, unit, arch, seed"),
    ],
)
def test_a_malformed_file_is_refused_in_words(tmp_path, arrays, message):
    write_arrays(tmp_path / "v.npz", arrays)

    with pytest.raises(WorkloadError, match=message):
        Vectors.load(tmp_path / "v.npz")


@given(st.lists(st.lists(st.integers(0, 99), max_size=4), min_size=1, max_size=5))
def test_each_vector_has_its_row_of_an_array_and_its_slice_of_a_ragged_one(lists):
    begins = np.cumsum([0, *map(len, lists)])
    ids = {"ids": np.array([number for one in lists for number in one], np.int64), "ids_ptr": begins}
    sizes = {"n": np.array([len(one) for one in lists])}
    vectors = Vectors(unit="topk", arch={}, seed=1, inputs=sizes, work=ids)

    assert len(vectors) == len(lists)
    assert [vectors.item("work", "ids", index).tolist() for index in range(len(lists))] == lists
    assert [int(vectors.item("inputs", "n", index)) for index in range(len(lists))] == sizes["n"].tolist()


def test_arrays_of_different_numbers_of_vectors_have_no_length():
    vectors = Vectors(unit="topk", arch={}, seed=1, inputs={"n": np.arange(2)}, expected={"kept": np.arange(3)})

    with pytest.raises(AssertionError, match=r"arrays of different numbers of vectors: \[2, 3\]"):
        len(vectors)


@pytest.mark.parametrize("inputs", [{"x": np.zeros(2)}, {"a.b": np.arange(2)}])
def test_vectors_hold_whole_numbers_under_plain_names(tmp_path, inputs):
    with pytest.raises(WorkloadError, match=r"must have a plain name and hold whole numbers"):
        Vectors(unit="topk", arch={}, seed=1, inputs=inputs).save(tmp_path / "v.npz")

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", distribution_names())
@pytest.mark.parametrize(("n", "bits"), [(1, 4), (7, 12), (1024, 12), (64, 32)])
def test_scores_fit_their_width_and_follow_their_seed(name, n, bits):
    n = min(n, most_scores(name))
    row = scores(name, n, bits, seed=5)

    assert (row.shape, row.dtype) == ((n,), np.uint32)
    assert int(row.max()) >> bits == 0
    assert np.array_equal(row, scores(name, n, bits, seed=5))


def test_distributions_are_what_they_are_called():
    row = {name: scores(name, min(1024, most_scores(name)), 12, 1).astype(int) for name in distribution_names()}

    assert (np.diff(row["sorted"]) >= 0).all()
    assert (np.diff(row["reversed"]) <= 0).all()
    assert len(set(row["equal"])) == 1
    assert row["narrow"].max() < 64
    assert row["softmax-max"].max() == row["softmax-max-sigma3"].max() == row["importance"].max() == 4095
    assert all(
        abs(row[name].sum() - 4096) < 512 for name in ("softmax", "softmax-sigma3", "minilm", "minilm-resampled")
    )
    assert (row["outlier"] > 3000).sum() == 4
    assert len(set(row["uniform"])) > 800


def test_a_wider_softmax_is_more_peaked():
    assert scores("softmax-sigma3", 512, 12, 1).max() > scores("softmax", 512, 12, 1).max()


def test_real_scores_are_probabilities_of_a_few_hundred_queries():
    rows = minilm_probabilities()

    assert rows.shape == (288, 512)
    assert np.abs(rows.sum(axis=1) / 2**24 - 1).max() < 1e-5
    assert len({row.tobytes() for row in rows}) == 288


@pytest.mark.parametrize("bits", [4, 12, 24, 32])
def test_real_scores_are_rounded_to_the_width_asked_for(bits):
    row, top = minilm_probabilities()[7], 2**bits - 1

    assert scores("minilm", 512, bits, seed=7).tolist() == [min(round(int(p) * 2**bits / 2**24), top) for p in row]


@pytest.mark.parametrize(("n", "bits"), [(1, 12), (40, 24), (512, 12), (1500, 16)])
def test_resampled_probabilities_are_those_of_one_query_scaled_to_a_sum_of_one(n, bits):
    row, *places = np.random.Generator(np.random.PCG64([3, n])).random(1 + n).tolist()
    query = minilm_probabilities()[int(row * 288)].tolist()
    weights = [max(query[int(place * 512)], 1) for place in places]
    expected = [min(round(weight * 2**bits / sum(weights)), 2**bits - 1) for weight in weights]

    assert scores("minilm-resampled", n, bits, seed=3).tolist() == expected


def test_resampled_importance_is_scaled_to_the_maximum():
    pool = scores("importance", 512, 24, seed=0).tolist()
    places = np.random.Generator(np.random.PCG64([3, 900])).random(901).tolist()[1:]
    drawn = [pool[int(place * 512)] for place in places]

    assert scores("importance-resampled", 900, 12, 3).tolist() == [round(one * 4095 / max(drawn)) for one in drawn]


def test_fewer_real_scores_are_cut_and_seeds_go_through_all_queries():
    assert scores("minilm", 100, 12, seed=3).tolist() == scores("minilm", 512, 12, seed=3)[:100].tolist()
    assert len({scores("minilm", 512, 24, seed).tobytes() for seed in range(1000, 1288)}) == 288


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("softmx", 4, 12, 1), r"must be one of uniform, .* got 'softmx'; did you mean 'softmax'\?"),
        (("uniform", 0, 12, 1), "n must be at least 1"),
        (("uniform", 4, 33, 1), r"score_bits in 1\.\.32"),
        (("minilm", 513, 12, 1), "minilm has rows of at most 512 scores, got n = 513"),
    ],
)
def test_a_wrong_distribution_is_refused_in_words(arguments, message):
    with pytest.raises(WorkloadError, match=message):
        scores(*arguments)
