"""Malformed input of every kind, from end to end: one message that names the field or line, exit code 2, nothing left.

What readers and loaders refuse by themselves is tested beside them; here the whole command meets the files.
"""

import json
import os
import subprocess
import sys
import zipfile
from contextlib import nullcontext

import numpy as np
import pytest
from arch.malformed import FILES, SETS

from tokensieve.cli.app import call
from tokensieve.workloads.traces import local_trace

GPT2 = (
    "iteration_id,layer_id,head_id,embedding_length_D,sentence_length_L,key_fetch_num,quant_key_bit,quant_query_bit,"
    "auto_requant_thres,if_requant,auto_requant_incre,value_fetch_num,quant_value_bit,if_accumulate_importance,"
    "if_rescale_previous_importance,if_topk,topk"
)
ROWS = (
    "0,0,0,64.0,20,18,6,16,0.05,False,4,5,6,True,False,False,-1",
    "0,0,1,64.0,20,18,6,16,0.05,True,4,5,6,True,False,True,9",
    "0,1,0,64.0,20,9,6,16,0.05,False,4,3,6,True,False,False,-1",
    "0,1,1,64.0,20,9,6,16,0.05,False,4,3,6,True,False,False,-1",
)


def csv(line=None, old="", new="", header=GPT2):
    """Return a trace with `old` replaced by `new` in a line, counted from 1 as editors do."""
    lines = [header, *ROWS]
    if line is not None:
        assert old in lines[line - 1]
        lines[line - 1] = lines[line - 1].replace(old, new, 1)
    return "\n".join(lines) + "\n"


CSV = {
    "empty": ("", "is empty"),
    "no rows": (GPT2 + "\n", "has a header and no rows"),
    "no header": ("\n".join(ROWS), "line 1: column 1 must be"),
    "misspelt column": (csv(1, "topk", "topc"), "line 1: column 16 must be 'if_topk', got 'if_topc'"),
    "missing column": (csv(1, ",topk", ""), "line 1: column 'topk' is missing"),
    "field missing": (csv(3, ",9", ""), "line 3: 17 fields are expected"),
    "field too many": (csv(4, "0,1,0", "0,1,0,0"), "line 4: 17 fields are expected, got 18"),
    "negative keys": (csv(2, ",18,", ",-18,"), "line 2: key_fetch_num must be a whole number in 1..1048576, got '-18'"),
    "no keys": (csv(2, ",18,", ",0,"), "line 2: key_fetch_num must be a whole number"),
    "words for keys": (csv(5, ",9,", ",nine,"), "line 5: key_fetch_num must be a whole number"),
    "infinite keys": (csv(5, ",9,", ",inf,"), "line 5: key_fetch_num must be a whole number"),
    "more values than keys": (csv(4, ",3,6", ",10,6"), "line 4: value_fetch_num must not be above key_fetch_num"),
    "more keys than tokens": (csv(2, ",20,", ",17,"), "line 2: key_fetch_num must not be above sentence_length_L"),
    "7 bits": (csv(2, ",18,6,", ",18,7,"), "line 2: quant_key_bit must be one of -1, 4, 6, 8, 10, 12, got '7'"),
    "5 value bits": (csv(2, ",5,6,", ",5,5,"), "line 2: quant_value_bit must be one of"),
    "9 bits of LSB": (csv(2, ",4,5,", ",9,5,"), "line 2: auto_requant_incre must be -1 or a whole number in 1..8"),
    "threshold of 5 %": (csv(2, "0.05", "5%"), "line 2: auto_requant_thres must be -1 or a number in 0..1"),
    "truth in words": (csv(3, "True", "yes"), "line 3: if_requant must be True or False, got 'yes'"),
    "refetch of no bits": (csv(3, ",4,5,", ",-1,5,"), "line 3: if_requant is True, but auto_requant_incre is -1"),
    "top-k without a count": (csv(3, "True,9", "True,-1"), "line 3: topk must be -1 exactly where if_topk is False"),
    "count without top-k": (csv(3, "True,9", "False,9"), "line 3: topk must be -1 exactly where if_topk is False"),
    "top-k of the unborn": (csv(3, "True,9", "True,21"), "line 3: topk must not be above sentence_length_L"),
    "keys that grow": (csv(4, ",9,6", ",12,6"), "line 4: key_fetch_num must be the topk of the layer before, 9"),
    "uneven layer": (csv(5, ",9,6", ",8,6"), "line 5: key_fetch_num must be that of the row before, 9, got 8"),
    "rows swapped": (csv(3, "0,0,1", "0,0,2"), "line 3: row 0, 0, 2 comes out of order"),
    "row twice": (csv(3, "0,0,1", "0,0,0"), "line 3: row 0, 0, 0 comes twice in a row"),
    "late start": (csv(2, "0,0,0", "1,0,0"), "line 2: the first row must be iteration, layer, head 0, 0, 0"),
    "width that changes": (csv(4, "64.0", "32.0"), "line 4: embedding_length_D must be that of the row before"),
    "no width": (csv(2, "64.0", "0"), "line 2: embedding_length_D must be a whole number in 1..4096"),
    "too wide a head": (csv().replace("64.0", "1024.0"), "gather.max_row_bytes must be at least the 1536 bytes of"),
    "too long a context": (csv().replace(",20,", ",2000,"), "the context of 2000 tokens is above topk.max_tokens"),
    "NUL": (csv(2, "64.0", "64\0"), "line 2: holds a NUL byte"),
    "binary": (b"\x93NUMPY\xff\xfe" * 40, "not UTF-8 text"),
    "a zip file": (b"PK\x03\x04" + bytes(60), "line 1: holds a NUL byte"),
}

WORKLOAD = {
    "unknown field": ("phases: prefill\n", "line 4: phases is not a known field; did you mean 'phase'?"),
    "unknown ratio": ("schedule: {tokens: 0.5}\n", "line 4: schedule.tokens is not a known field"),
    "unknown width": ("schedule: {bits: {keys: 8}}\n", "line 4: schedule.bits.keys is not a known field"),
    "ratio above 1": ("schedule: {token: 1.5}\n", "schedule.token"),
    "ratio of 0": ("schedule: {token: 0}\n", "schedule.token"),
    "negative ratio": ("schedule: {value: -0.5}\n", "schedule.value"),
    "ratio in words": ("schedule: {head: half}\n", "schedule.head"),
    "three ratios": ("schedule: {token: [1, 0.5, 0.2]}\n", "schedule.token must have one or two ratios"),
    "a ratio short": (
        "schedule: {interpolation: list, token: [1, 0.5]}\n",
        "schedule.token must have one ratio, or one",
    ),
    "7 bits": ("schedule: {bits: {key: 7}}\n", "line 4: schedule.bits.key"),
    "threshold of 2": ("schedule: {threshold: 2}\n", "line 4: schedule.threshold"),
    "unknown rounding": ("schedule: {rounding: up}\n", "line 4: schedule.rounding must be one of floor, round, ceil"),
    "unknown base": ("schedule: {base: all}\n", "line 4: schedule.base"),
    "steps of a prefill": ("steps: 4\n", "steps has no meaning with phase prefill"),
    "LSBs of a static width": ("lsb_fraction: 0.1\n", "lsb_fraction must be 0 where schedule.progressive.prefill"),
    "fraction above 1": ("lsb_fraction: 2\n", "line 4: lsb_fraction"),
    "no layers": ("layers: 0\n", "line 4: layers must be in 1..1024, got 0"),
    "field twice": ("context: 17\n", "line 4: context is given twice (first on line 3)"),
    "tab": ("schedule:\n\ttoken: 1\n", "line 5: not valid YAML"),
}
WHOLE_WORKLOADS = {
    "no phase": ("model: minilm\ncontext: 16\n", "phase is required"),
    "no model": ("phase: prefill\ncontext: 16\n", "model is required"),
    "unknown model": ("phase: prefill\nmodel: bert-bas\ncontext: 9\n", "line 2: model must be one of"),
    "unknown phase": ("model: minilm\nphase: training\ncontext: 16\n", "line 2: phase must be one of prefill, decode"),
    "no context": ("model: minilm\nphase: prefill\n", "context is required with phase prefill"),
    "no prompt": ("model: minilm\nphase: decode\nsteps: 2\n", "prompt is required with phase decode"),
    "no steps": ("model: minilm\nphase: decode\nprompt: 2\n", "steps is required with phase decode"),
    "endless context": (
        "model: minilm\nphase: prefill\ncontext: 1e9\n",
        "line 3: context must be in 1..1048576, got 1000000000",
    ),
    "longer than the engine": ("model: minilm\nphase: prefill\ncontext: 1025\n", "above topk.max_tokens = 1024"),
    "half a shape": ("model: {layers: 2}\nphase: prefill\ncontext: 16\n", "line 1: model.name is required"),
    "a list": ("- model\n", "line 1: a mapping of fields is expected at the top"),
    "nothing": ("", "mine.yaml: is empty"),
}

FLAGS = {
    "both sources": (["--workload", "minilm", "--trace", "mine.csv"], "--workload and --trace exclude each other"),
    "unknown workload": (["--workload", "bert-base-col"], "did you mean 'bert-base-cola'?"),
    "unknown preset": (["--arch", "spaten"], "arch must be a preset"),
    "unknown level": (["--level", "gate"], "--level"),
    "unknown reference": (["--reference", "fp16"], "--reference"),
    "seed too large": (["--workload", "bert-base-cola", "--seed", "99999999999"], "--seed must be 4294967295 at most"),
    "trace of no kind": (["--trace", "mine.txt"], "a trace must end in .csv or .npz"),
    "trace that is not there": (["--trace", "none.npz"], "none.npz: no such file"),
    "trace that is a folder": (["--trace", "folder.csv"], "folder.csv: is a directory"),
    "override of a group": (["--set", "topk=8"], "topk must be a group of fields"),
    "override that contradicts": (["--set", "topk.max_tokens=2048"], "softmax.fifo_lines x softmax.lanes must be"),
    "score width of another machine": (["--workload", "minilm", "--set", "topk.score_bits=16"], "topk.score_bits"),
    "digits of another machine": (
        ["--set", "topk.engine=radix", "--set", "topk.digit_bits=2"],
        "the digit rule of its work records is",
    ),
    "engine too short": (["--set", "topk.max_tokens=256"], "the context of 512 tokens is above topk.max_tokens = 256"),
    "arrays narrower than a head": (["--workload", "bert-base-cola", "--set", "qk.multipliers=32"], "qk.multipliers"),
}


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """A function that runs a command in a folder of its own and checks how it is refused."""
    monkeypatch.chdir(tmp_path)
    # Where the kernels are not in the cache yet, a line says so before what only the simulator can find wrong.
    monkeypatch.setattr("tokensieve.sim.kernels.watched", lambda tell: nullcontext())

    def check(arguments, message):
        before = sorted(os.listdir(tmp_path))
        assert call(["run", *arguments, "--json", "--out", "made"]) == 2

        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("error: ") == 1
        assert message in err
        assert "Traceback" not in err
        assert sorted(os.listdir(tmp_path)) == before

    return check


def put(name, content):
    with open(name, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())


def test_the_trace_and_the_workload_that_the_others_are_made_of_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    put("mine.csv", csv())
    put("mine.yaml", "model: minilm\nphase: prefill\ncontext: 16\n")

    assert call(["run", "--trace", "mine.csv", "--quiet"]) == 0
    assert call(["run", "--workload", "mine.yaml", "--quiet"]) == 0


@pytest.mark.parametrize("name", CSV)
def test_a_malformed_csv_is_refused_by_line_and_column(name, refused):
    content, message = CSV[name]
    put("mine.csv", content)

    refused(["--trace", "mine.csv"], message)


@pytest.mark.parametrize("name", WORKLOAD)
def test_a_malformed_field_of_a_workload_is_refused_by_its_name(name, refused):
    line, message = WORKLOAD[name]
    put("mine.yaml", f"model: minilm\nphase: prefill\ncontext: 16\n{line}")

    refused(["--workload", "mine.yaml"], message)


@pytest.mark.parametrize("name", WHOLE_WORKLOADS)
def test_a_workload_that_lacks_something_is_refused(name, refused):
    content, message = WHOLE_WORKLOADS[name]
    put("mine.yaml", content)

    refused(["--workload", "mine.yaml"], message)


@pytest.mark.parametrize("name", FLAGS)
def test_contradictory_flags_are_refused_by_their_names(name, refused):
    put("mine.csv", csv())
    put("mine.txt", csv())
    os.mkdir("folder.csv")

    refused(*FLAGS[name])


def members():
    """Return the arrays of the shipped trace as they lie in the archive."""
    with zipfile.ZipFile(local_trace()) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(arrays):
    """Write archive members to mine.npz."""
    with zipfile.ZipFile("mine.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in arrays.items():
            archive.writestr(name, data)


def array(values):
    """Return the bytes of a .npy file."""
    put("array.npy", b"")
    np.save("array.npy", values)
    with open("array.npy", "rb") as file:
        data = file.read()
    os.remove("array.npy")
    return data


def meta(**changes):
    """Return the meta array of the shipped trace with fields changed; None removes one."""
    with np.load(local_trace()) as file:
        head = json.loads(file["meta"].tobytes())
    head = {k: v for k, v in (head | changes).items() if v is not ...}
    return array(np.frombuffer(json.dumps(head).encode(), np.uint8))


def rules(**changes):
    """Return the rules of the shipped trace's work records, with changes."""
    with np.load(local_trace()) as file:
        return json.loads(file["meta"].tobytes())["records"] | changes


def edited(name, place, value):
    """Return an array of the shipped trace with one item changed."""
    with np.load(local_trace()) as file:
        data = file[name].copy()
    data[place] = value
    return array(data)


ARCHIVES = {
    "array missing": (lambda: {"context.npy": None}, "the array 'context' is missing"),
    "no meta data": (lambda: {"meta.npy": None}, "it has no array called 'meta'"),
    "array too many": (lambda: {"surprise.npy": array(np.zeros(3))}, "unknown array 'surprise.npy'"),
    "no array": (lambda: {"readme.txt": b"hello"}, "unknown array 'readme.txt'"),
    "meta no JSON": (lambda: {"meta.npy": array(np.zeros(9, np.uint8))}, "meta is not valid JSON"),
    "version to come": (lambda: {"meta.npy": meta(version=3)}, "decisions of versions 1 and 2 are read, got 3"),
    "no licence": (lambda: {"meta.npy": meta(licence=...)}, "licence is required"),
    "field to come": (lambda: {"meta.npy": meta(colour="red")}, "colour is not a known field"),
    "no heads": (lambda: {"meta.npy": meta(heads=0)}, "heads must be in 1.."),
    "other pivots": (
        lambda: {"meta.npy": meta(records=rules(quick="median"))},
        "the pivot rule of its work",
    ),
    "unknown records": (lambda: {"meta.npy": meta(records=rules(quik="x"))}, "got 'quik'; did you mean 'quick'?"),
    "records that meta does not name": (lambda: {"meta.npy": meta(records={})}, "of a kind that meta.records does not"),
    "records of no kind": (lambda: {"meta.npy": meta(records=["quick"])}, "records must be a"),
    "no records at all": (lambda: {"meta.npy": meta(records=...)}, "records is required"),
    "7 bits": (lambda: {"meta.npy": meta(bits={"query": 12, "key": 7, "value": 8, "lsb": 0})}, "meta.bits.key must be"),
    "two steps of a prefill": (lambda: {"meta.npy": meta(steps=2)}, "steps must be 1 in prefill"),
    "no keys": (lambda: {"keys_kept.npy": edited("keys_kept", 0, 0)}, "keys_kept[0] must be in 1..context"),
    "uneven layer": (lambda: {"keys_kept.npy": edited("keys_kept", 1, 9)}, "keys_kept"),
    "too many values": (lambda: {"values_kept.npy": edited("values_kept", 5, 999)}, "values_kept[5] must be in"),
    "head out of nowhere": (lambda: {"row_index.npy": edited("row_index", (0, 2), 1)}, "row_index[0, 2] must name"),
    "token out of range": (lambda: {"token_ids.npy": edited("token_ids", 3, -1)}, "token_ids[3] must be in"),
    "record that grows": (lambda: {"topk_local_quick.npy": edited("topk_local_quick", 1, 600)}, "topk_local_quick"),
    "fractions": (lambda: {"context.npy": array(np.full(72, 512.0))}, "context must be int32"),
    "objects": (lambda: {"context.npy": array(np.array(["a", "b"]))}, "numbers are expected"),
    "damaged header": (lambda: {"context.npy": b"\x93NUMPY\x01\x00\x10\x00{oops"}, "context"),
    "bytes cut off": (lambda: {"context.npy": members()["context.npy"][:-3]}, "does not hold the"),
    "words cut off": (lambda: {"token_text.npy": array(np.frombuffer(b"just one", np.uint8))}, "token_text must have"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_edited_npz_is_refused_by_array_and_rule(name, refused):
    change, message = ARCHIVES[name]
    arrays = members() | change()
    packed({name: data for name, data in arrays.items() if data is not None})

    refused(["--trace", "mine.npz"], message)


BROKEN = {
    "cut short": lambda data: data[: len(data) // 2],
    "empty": lambda data: b"",
    "text": lambda data: b"layer,head\n0,0\n",
    "without its directory": lambda data: data[:-30],
    "a bit flipped": lambda data: data[:5000] + bytes([data[5000] ^ 0x10]) + data[5001:],
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_damaged_npz_is_refused_in_words(name, refused):
    put("mine.npz", BROKEN[name](local_trace().read_bytes()))

    refused(["--trace", "mine.npz"], "mine.npz: ")


@pytest.mark.parametrize(
    "arguments", [["--trace", "mine.csv"], ["--trace", "mine.npz"], ["--workload", "mine.yaml"], ["--seed", "-1"]]
)
def test_a_process_of_its_own_ends_with_2_and_leaves_nothing(arguments, tmp_path):
    (tmp_path / "mine.csv").write_text(csv(4, ",9,6", ",12,6"))
    (tmp_path / "mine.npz").write_bytes(local_trace().read_bytes()[:1000])
    (tmp_path / "mine.yaml").write_text("model: minilm\nphase: prefill\ncontext: 16\nschedule: {tokens: 1}\n")
    before = sorted(os.listdir(tmp_path))
    code = [sys.executable, "-c", "from tokensieve.cli import main; main()", "run", "--out", "made", *arguments]

    done = subprocess.run(code, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") <= 3
    assert sorted(os.listdir(tmp_path)) == before


def test_there_are_at_least_forty():
    """Of four kinds, counted once each: those above, and the architecture files and overrides of `arch.malformed`."""
    own = (CSV, WORKLOAD, WHOLE_WORKLOADS, FLAGS, ARCHIVES, BROKEN)

    assert sum(map(len, own)) >= 100
    assert len(FILES) + len(SETS) >= 60
