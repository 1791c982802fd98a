import pytest
from arch.malformed import FILES
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import ArchError, load_arch
from tokensieve.arch.yamlio import load_yaml, parse_yaml, yaml_scalar


def parsed(text):
    return parse_yaml(text, "here.yaml", ArchError)[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e9", 1e9),
        ("1E-3", 1e-3),
        (".5", 0.5),
        ("on", "on"),
        ("No", "No"),
        ("true", True),
        ("010", 10),
        ("0o10", 8),
        ("0xff", 255),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2021-02-27", "2021-02-27"),
        ("~", None),
        ("", None),
        ("-7", -7),
        ("'7'", "7"),
    ],
)
def test_a_scalar_is_read_as_in_yaml_1_2(text, value):
    read = parsed(f"a: {text}")["a"]

    assert (read, type(read)) == (value, type(value))


def test_the_line_of_every_key_and_item_is_kept():
    _, lines = parse_yaml("a:\n  b: 1\n  c:\n    - 2\n    - {d: 3}\n", "", ArchError)

    assert lines == {
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", "0"): 4,
        ("a", "c", "1"): 5,
        ("a", "c", "1", "d"): 5,
    }


def test_an_empty_file_is_an_empty_mapping():
    assert parse_yaml("# nothing\n", "", ArchError) == ({}, {})


def test_a_byte_order_mark_is_passed_over(tmp_path):
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfname: x\n")

    assert load_yaml(tmp_path / "a.yaml", ArchError) == ({"name": "x"}, {("name",): 1})


def test_an_alias_stands_for_the_value_of_its_anchor():
    assert parsed("a: &a {b: 1}\nc: *a\n") == {"a": {"b": 1}, "c": {"b": 1}}


def test_aliases_that_would_unfold_to_a_billion_values_are_refused_while_they_are_counted():
    """Nine of nine of nine, ten levels deep: a reader that unfolded them all would not come to an end."""
    levels = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 9)}]\n" for i in range(1, 11))

    with pytest.raises(ArchError, match=r"more than 50,000 values \(aliases counted each time\)"):
        parsed("l0: &l0 [x]\n" + levels)


@given(st.one_of(st.text(st.characters(exclude_categories=["Cs"])), st.integers(), st.booleans()))
def test_a_written_scalar_reads_back_equal_and_takes_one_line(value):
    text = yaml_scalar(value)

    assert "\n" not in text
    assert parsed(f"a: {text}  # note") == {"a": value}


@pytest.mark.parametrize("name", FILES)
def test_a_malformed_file_is_refused_with_its_name_and_the_field_or_line(name, tmp_path):
    text, message = FILES[name]
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ArchError) as caught:
        load_arch(str(path))

    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert len(str(caught.value)) < 1000


def test_a_file_that_is_not_utf8_is_refused(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"name: \xff\n")

    with pytest.raises(ArchError, match=r"a\.yaml: not UTF-8 text \(byte 6\)"):
        load_arch(str(path))


def test_a_folder_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(ArchError, match="is a directory, a file is expected"):
        load_arch(f"{tmp_path}/")
    with pytest.raises(ArchError, match=r"none\.yaml: no such file"):
        load_arch(str(tmp_path / "none.yaml"))
