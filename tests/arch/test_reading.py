"""Files that a user names: regular ones of a bounded size are read, all others are refused at once."""

import os
from pathlib import Path

import pytest

from tokensieve.arch import ArchError
from tokensieve.arch.presets import load_arch
from tokensieve.arch.reading import MOST_YAML, check_file_read, read_bytes, read_text
from tokensieve.arch.wholes import whole_number
from tokensieve.arch.yamlio import parse_yaml


def test_a_pipe_that_nobody_writes_into_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")

    for read in (read_text, check_file_read):
        with pytest.raises(ArchError, match=r"pipe\.yaml: is not a regular file \(a pipe or a device\)"):
            read(tmp_path / "pipe.yaml", ArchError)


def test_a_device_without_an_end_is_refused():
    with pytest.raises(ArchError, match=r"/dev/zero: is not a regular file"):
        read_bytes(Path("/dev/zero"), ArchError)


def test_a_file_above_the_bound_is_refused_by_its_size_before_it_is_read(tmp_path):
    with (tmp_path / "large.yaml").open("wb") as file:
        file.truncate(1 << 40)  # a hole: nothing of it is on the disk

    with pytest.raises(ArchError, match=rf"is 1,099,511,627,776 bytes long, at most {MOST_YAML:,} are read"):
        load_arch(str(tmp_path / "large.yaml"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("name: x".encode("utf-16"), "is UTF-16 text, UTF-8 is expected"),
        ("name: x".encode("utf-32"), "is UTF-32 text, UTF-8 is expected"),
        (b"\xfe\xff" + "name: x".encode("utf-16-be"), "is UTF-16 text, UTF-8 is expected"),
        (b"\0\0\xfe\xff" + "name: x".encode("utf-32-be"), "is UTF-32 text, UTF-8 is expected"),
        (b"na\xff", r"not UTF-8 text \(byte 2\)"),
    ],
)
def test_texts_of_other_encodings_and_what_is_no_text_at_all_are_told_apart(content, told, tmp_path):
    (tmp_path / "odd").write_bytes(content)

    with pytest.raises(ArchError, match=told):
        read_text(tmp_path / "odd", ArchError)


def test_a_pointer_of_git_lfs_is_told_from_a_file(tmp_path):
    (tmp_path / "pointer").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    (tmp_path / "file").write_text("version")

    for read in (read_text, read_bytes, check_file_read):
        with pytest.raises(ArchError, match=r"pointer: is a Git LFS pointer, not the file: .*`git lfs pull`"):
            read(tmp_path / "pointer", ArchError)
    assert read_text(tmp_path / "file", ArchError) == "version"


def test_yaml_of_a_million_values_is_refused_while_they_are_counted():
    with pytest.raises(ArchError, match="line 1: not valid YAML: more than 50,000 values"):
        parse_yaml("a: [" + "1," * 60_000 + "]", "", ArchError)


@pytest.mark.parametrize("digits", ["0x" + "f" * 5000, "0o" + "7" * 6000, "9" * 5000])
def test_a_number_of_thousands_of_digits_is_refused_in_any_base(digits):
    with pytest.raises(ArchError, match="line 1: a cannot be read as int"):
        parse_yaml(f"a: {digits}\n", "", ArchError)


@pytest.mark.parametrize(("text", "lanes"), [("8e0", 8), ("8.0", 8), ("1.6e+1", 16), ("0x10", 16)])
def test_a_whole_number_may_be_written_as_other_tools_write_it(text, lanes):
    assert load_arch("spatten", [f"topk.lanes={text}"]).topk.lanes == lanes


@pytest.mark.parametrize("text", ["8.5", "1e-1", "1e400", "nan", "1" * 41, "8 ", "\N{ARABIC-INDIC DIGIT EIGHT}"])
def test_what_is_no_whole_number_stays_none(text):
    assert whole_number(text) is None
