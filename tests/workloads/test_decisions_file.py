"""Files of decisions that were cut short, changed, or made to do harm."""

import json
import zipfile
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.arch import WorkloadError
from tokensieve.arch.limits import MAX_TOKENS
from tokensieve.workloads import container, tokentext
from tokensieve.workloads.decisions import Decisions


def rewritten(path, out, change):
    """Write a copy of the archive at `path` with its members changed by a function of name and bytes."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w") as target:
        for name in source.namelist():
            for member, data in change(name, source.read(name)):
                target.writestr(member, data)


def npy(array, **options):
    buffer = BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def on(which, data):
    """A change that puts other bytes into one member."""
    return lambda name, old: [(name, data if name == which else old)]


CHANGES = {
    "an unknown array": (
        lambda n, d: [(n, d), ("extra.npy", d)] if n == "meta.npy" else [(n, d)],
        "unknown array 'extra.npy'",
    ),
    "a near miss": (
        lambda n, d: [(n.replace("token_ids", "token_id"), d)],
        "unknown array 'token_id.npy'; did you mean",
    ),
    "no .npy name": (
        lambda n, d: [(n, d), ("meta", d)] if n == "meta.npy" else [(n, d)],
        "array 'meta' must be called meta.npy",
    ),
    "a path": (lambda n, d: [("../" + n, d)], "unknown array '../"),
    "a missing array": (lambda n, d: [] if n == "context.npy" else [(n, d)], "the array 'context' is missing"),
    "no meta": (lambda n, d: [] if n == "meta.npy" else [(n, d)], "is no decisions file"),
    "another version": (
        on("meta.npy", npy(np.frombuffer(b'{"version":3}', np.uint8))),
        "decisions of versions 1 and 2 are read, got 3",
    ),
    **{
        f"version {text}": (
            on("meta.npy", npy(np.frombuffer(b'{"version":%s}' % text.encode(), np.uint8))),
            f"decisions of versions 1 and 2 are read, got {shown}",
        )
        for text, shown in (("true", "True"), ("1.0", "1.0"), ("2.0", "2.0"), ("[2]", r"\[2\]"))
    },
    "broken JSON": (on("meta.npy", npy(np.frombuffer(b'{"version":', np.uint8))), "meta is not valid JSON"),
    "a JSON list": (on("meta.npy", npy(np.frombuffer(b"[1]", np.uint8))), "meta must be a JSON object, got list"),
    "a key twice": (on("meta.npy", npy(np.frombuffer(b'{"D":1,"D":2}', np.uint8))), "a key is given twice"),
    "floats for meta": (on("meta.npy", npy(np.zeros(3))), "meta must be a list of bytes"),
    "a pickle": (on("context.npy", npy(np.array([{}], object), allow_pickle=True)), "array 'context' holds object"),
    "text": (on("context.npy", npy(np.array(["x"]))), "array 'context' holds <U1"),
    "a cut array": (
        on("context.npy", npy(np.zeros(9, np.int32))[:-4]),
        "does not hold the .* items that its header names",
    ),
    "no array": (on("context.npy", b"not an array"), "damaged, cut short or no .npz file"),
    "floats": (on("context.npy", npy(np.zeros(20))), "context must be int32 with 1 dimension"),
    "bad text": (
        lambda n, d: (
            [(n, d), ("token_text.npy", npy(np.frombuffer(b"\xff\xfe" + bytes(40), np.uint8)))]
            if n == "meta.npy"
            else [(n, d)]
        ),
        "token_text is not UTF-8",
    ),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_malformed_file_is_refused_in_words(decode, tmp_path, kind):
    change, message = CHANGES[kind]
    decode.save(tmp_path / "good.npz")
    rewritten(tmp_path / "good.npz", tmp_path / "bad.npz", change)

    with pytest.raises(WorkloadError, match=message) as caught:
        Decisions.load(tmp_path / "bad.npz")
    assert "bad.npz" in str(caught.value)
    assert caught.value.exit_code == 2


@given(header=st.binary(max_size=60), tail=st.binary(max_size=20))
def test_no_header_raises_anything_but_words(tmp_path_factory, decode, header, tail):
    folder = tmp_path_factory.mktemp("header")
    decode.save(folder / "good.npz")
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + tail
    rewritten(folder / "good.npz", folder / "bad.npz", on("context.npy", data))

    with pytest.raises(WorkloadError, match="array 'context' has a damaged header"):
        Decisions.load(folder / "bad.npz")


@pytest.mark.parametrize(
    "header",
    [
        "{",
        "(" * 5000,
        "{'descr': '<i4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': 'O8', 'x': [}",
        "\n  1L\n }",
    ],
)
def test_a_hostile_header_is_refused(tmp_path, decode, header):
    decode.save(tmp_path / "good.npz")
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    rewritten(tmp_path / "good.npz", tmp_path / "bad.npz", on("context.npy", data))

    with pytest.raises(WorkloadError, match="array 'context'"):
        Decisions.load(tmp_path / "bad.npz")


@pytest.mark.parametrize("kept", [0, 10, 400, 3000])
def test_a_file_cut_short_is_refused(decode, tmp_path, kept):
    decode.save(tmp_path / "d.npz")
    (tmp_path / "d.npz").write_bytes((tmp_path / "d.npz").read_bytes()[:kept])

    with pytest.raises(WorkloadError, match=r"d\.npz: damaged, cut short or no \.npz file"):
        Decisions.load(tmp_path / "d.npz")


def test_a_flipped_byte_is_found(decode, tmp_path):
    decode.save(tmp_path / "d.npz")
    data = bytearray((tmp_path / "d.npz").read_bytes())
    data[len(data) // 3] ^= 0xFF
    (tmp_path / "d.npz").write_bytes(data)

    with pytest.raises(WorkloadError, match=r"d\.npz: "):
        Decisions.load(tmp_path / "d.npz")


def test_a_file_that_would_fill_the_memory_is_refused_before_it_is_unpacked(decode, tmp_path, monkeypatch):
    decode.save(tmp_path / "d.npz")
    monkeypatch.setattr(container, "MAX_BYTES", 1000)

    with pytest.raises(WorkloadError, match=r"would unpack to \d+ bytes, at most 1000 are taken"):
        Decisions.load(tmp_path / "d.npz")


def test_a_file_that_grows_beyond_its_size_or_holds_too_long_a_text_is_refused(tmp_path, monkeypatch):
    """The ratio counts from some size on, below which every file may grow."""
    path, length = tmp_path / "d.npz", 1 << 20
    container.write_arrays(path, {"meta": np.zeros(length, np.uint8)})
    most = container.MAX_RATIO * path.stat().st_size
    monkeypatch.setattr(container, "FREE_BYTES", 1 << 10)

    assert length > most
    with pytest.raises(WorkloadError, match=r"d\.npz: would unpack to \d+ bytes, at most \d+ are taken of a file"):
        container.read_arrays(path, {"meta"})

    monkeypatch.setattr(container, "FREE_BYTES", 2 * length)
    for name in ("meta", "token_text"):
        monkeypatch.setitem(container.MAX_TEXT, name, length)
        container.write_arrays(path, {name: np.zeros(length, np.uint8)})
        with pytest.raises(WorkloadError, match=rf"array '{name}' would unpack to \d+ bytes, at most 1048576 are"):
            container.read_arrays(path, {name})


@pytest.mark.parametrize("texts", [5, MAX_TOKENS + 1])
def test_texts_are_counted_before_they_are_split(decode, tmp_path, monkeypatch, texts):
    """A small file may hold many millions of empty ones."""
    path = tmp_path / "d.npz"
    content = {"token_text": np.zeros(texts - 1, np.uint8)}
    container.write_arrays(path, decode.arrays() | content)
    monkeypatch.setattr(tokentext, "_split", None)

    with pytest.raises(
        WorkloadError, match=rf"token_text must have at least 32 tokens, .* at most 1048576, got {texts}"
    ):
        Decisions.load(path)


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ({"progressive": {"prefill": True, "decode": False}}, r"progressive\.decode is false"),
        ({"threshold": None}, "threshold is null"),
        ({"bits": {"lsb": 0}}, r"bits\.lsb is 0"),
    ],
)
def test_flags_that_the_schedule_of_the_file_rules_out_are_refused(decode, changed, schedule, says):
    again = changed(decode, "lsb_refetch", 0, 1)
    against = replace(again, meta=dict(again.meta) | {"schedule": schedule})

    replace(again, meta=dict(again.meta) | {"schedule": {"threshold": 0.1}}).validate()
    with pytest.raises(WorkloadError, match=rf"lsb_refetch\[0\] must not be 1 where meta\.schedule says that {says}"):
        against.validate()


@pytest.mark.parametrize(("name", "message"), [("absent.npz", "no such file"), (".", "is a directory")])
def test_a_path_that_is_no_file_is_refused(tmp_path, name, message):
    with pytest.raises(WorkloadError, match=message):
        Decisions.load(tmp_path / name)


def test_meta_is_plain_json_in_the_file(decode, tmp_path):
    decode.save(tmp_path / "d.npz")

    with np.load(tmp_path / "d.npz", allow_pickle=False) as file:
        assert json.loads(file["meta"].tobytes()) == decode.meta
