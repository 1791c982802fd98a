"""Inputs that nobody should have made: pieces of good files, cut, doubled and filled with odd numbers and letters."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st

from tokensieve.workloads.traces import local_trace

ODD = (
    "-1", "0", "1e4", "8.5", "1e400", "nan", ".inf", "0x" + "f" * 5000, "9" * 4000, "18446744073709551616", "true", "~",
    "[]", "{}", "''", '"\\x1b[2J"', "\u202e", "*a", "&a x", "!!python/object:os.system x", "- ", ": ", "\t", "\n", "\0",
    ",", "#", "1/3", "NA", "-0", "1048577", "[1, 2, 3]", "{a: 1}", "none.yaml", "/dev/zero", "..",
)  # fmt: skip
"""Texts that stand in the place of others."""

WORKLOAD = (
    "name: w\nmodel: {name: m, layers: 2, heads: 2, head_dim: 64, hidden: 64, ffn: 64}\nphase: decode\nprompt: 20\n"
    "steps: 2\nschedule: {token: [0.9, 0.5], value: 0.5, bits: {key: 8, lsb: 4}, threshold: 0.1}\nlsb_fraction: 0.1\n"
)
ARCH = (
    "extend: spatten\nname: mine\ntopk: {lanes: 8, engine: radix}\ndram:\n  channels: 8\n  mapping: ro-ba-bg-co-pc-ch\n"
)
CSV = (
    "iteration_id,layer_id,head_id,embedding_length_D,sentence_length_L,key_fetch_num,quant_key_bit,quant_query_bit,"
    "auto_requant_thres,if_requant,auto_requant_incre,value_fetch_num,quant_value_bit,if_accumulate_importance,"
    "if_rescale_previous_importance,if_topk,topk\n"
    "0,0,0,64.0,20,18,6,16,0.05,False,4,5,6,True,False,False,-1\n"
    "0,0,1,64.0,20,18,6,16,0.05,True,4,5,6,True,False,True,9\n"
)
STREAM = "0x40 R 1\n64 W\n0x20000 READ 100\n# end\n"
RUN = ("run", "--level", "analytic", "--no-cache", "--no-advice", "--reference", "none", "--quiet", "--out", "made")
FLAGS = {
    "--set": ("topk.lanes=8", "dram.channels=4", "clock.mhz=1000", "dram.controller=bank-queues"),
    "--workload": ("minilm", "bert-base-cola"),
    "--arch": ("spatten", "sieve"),
    "--seed": ("1", "7"),
    "--scores": ("uniform", "softmax"),
    "--reference": ("dense", "none"),
    "--level": ("analytic",),
}


@dataclass(frozen=True)
class Input:
    """One command line, and the file that it reads."""

    arguments: tuple[str, ...]
    name: str = ""
    content: bytes = b""

    def written(self, folder: Path) -> tuple[str, ...]:
        """Write the file into `folder` and return the arguments."""
        if self.name:
            (folder / self.name).write_bytes(self.content)
        return self.arguments


@st.composite
def _changed(draw: Callable, text: str) -> bytes:
    """A text some places of which were replaced, cut or doubled."""
    for _ in range(draw(st.integers(0, 3))):
        a = draw(st.integers(0, len(text)))
        b = min(len(text), a + draw(st.integers(0, 12)))
        piece = draw(st.sampled_from((*ODD, text[:a], text[a : a + 40])))
        text = text[:a] + piece + text[b:]
    return text.encode("utf-8", "surrogatepass")


def _trace() -> dict[str, bytes]:
    with zipfile.ZipFile(local_trace()) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@st.composite
def _arrays(draw: Callable) -> bytes:
    """The shipped trace with an array missing, cut, of other bytes, or with another field of its meta data."""
    members = _trace()
    name = draw(st.sampled_from(sorted(members)))
    kind = draw(st.sampled_from(("missing", "cut", "byte", "field", "file")))
    data = members[name]
    if kind == "missing":
        del members[name]
    elif kind == "cut":
        members[name] = data[: draw(st.integers(0, len(data)))]
    elif kind == "byte":
        place = draw(st.integers(0, len(data) - 1))
        members[name] = data[:place] + bytes([draw(st.integers(0, 255))]) + data[place + 1 :]
    elif kind == "field":
        _, brace, told = members["meta.npy"].partition(b'{"')
        meta = json.loads(brace + told)
        meta[draw(st.sampled_from(sorted(meta)))] = draw(st.sampled_from((None, -1, 1e300, "x", [], {}, 10**300)))
        text = json.dumps(meta).encode()
        members["meta.npy"] = _npy(text)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    whole = file.getvalue()
    return whole[: draw(st.integers(0, len(whole)))] if kind == "file" else whole


def _npy(text: bytes) -> bytes:
    head = f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({len(text)},), }}"
    head += " " * (117 - len(head)) + "\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode() + text


@st.composite
def _flags(draw: Callable) -> Input:
    arguments = list(RUN)
    for option in draw(st.lists(st.sampled_from(sorted(FLAGS)), min_size=1, max_size=3)):
        value = draw(st.sampled_from((*FLAGS[option], *(one for one in ODD if "\0" not in one))))
        head, equals, _ = draw(st.sampled_from(FLAGS[option])).partition("=")
        arguments += [option, f"{head}={value}" if equals and "=" not in value else value]
    return Input(tuple(arguments))


KINDS = {
    "workload": _changed(WORKLOAD).map(lambda data: Input((*RUN, "--workload", "in.yaml"), "in.yaml", data)),
    "arch": _changed(ARCH).map(
        lambda data: Input((*RUN, "--arch", "in.yaml", "--workload", "bert-base-cola"), "in.yaml", data)
    ),
    "csv": _changed(CSV).map(lambda data: Input((*RUN, "--trace", "in.csv"), "in.csv", data)),
    "npz": _arrays().map(lambda data: Input((*RUN, "--trace", "in.npz"), "in.npz", data)),
    "stream": _changed(STREAM).map(
        lambda data: Input(("dram", "--config", "ddr4-3200", "--trace", "in.txt", "--json"), "in.txt", data)
    ),
    "flags": _flags(),
}
"""Kinds of inputs, each with what draws them."""
