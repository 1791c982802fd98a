"""What does not fit the machine, or itself, is refused by `run` with field, rule and value, and exit code 2."""

import re
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from tokensieve.arch import WorkloadError, load_arch
from tokensieve.cli.app import call
from tokensieve.workloads.columns import GPT2
from tokensieve.workloads.complete import complete
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fit import check_fit
from tokensieve.workloads.traces import default_trace
from tokensieve.workloads.workload import workload_from

MODEL = {"name": "m", "layers": 2, "heads": 4, "head_dim": 64, "hidden": 256, "ffn": 512}
SHAPE = "model: {name: m, layers: 2, heads: 4, head_dim: 64, hidden: 256, ffn: 512}\n"
PREFILL = f"{SHAPE}phase: prefill\ncontext: 16\n"
DECODE = f"{SHAPE}phase: decode\nprompt: 15\nsteps: 2\n"
LOW_BITS = f"{DECODE}lsb_fraction: 0.5\n"


def refused(tmp_path, capsys, content, *options):
    """Run a workload file, and return what is said of it."""
    (tmp_path / "mine.yaml").write_text(content)
    code = call(["run", "--level", "analytic", "--workload", str(tmp_path / "mine.yaml"), "-q", *options])
    out, err = capsys.readouterr()

    assert (code, out) == (2, ""), err
    return err


CONTRADICTIONS = {
    "LSBs without a threshold": (LOW_BITS, "schedule.threshold is required with an lsb_fraction above 0"),
    "token ratios that grow": (
        f"{PREFILL}schedule: {{token: [0.5, 1]}}\n",
        "schedule.token must not grow from layer to layer, as pruned tokens do not come back, got 0.5, then 1",
    ),
    "head ratios that grow": (
        f"{DECODE}schedule: {{interpolation: list, head: [0.25, 0.5]}}\n",
        "schedule.head must not grow from layer to layer, as pruned heads do not come back, got 0.25, then 0.5",
    ),
    "a first step of a prefill": (
        f"{PREFILL}schedule: {{start_step: 1}}\n",
        "schedule.start_step must be 0 with phase prefill, which is one step, got 1",
    ),
    "a first step behind the last": (
        f"{DECODE}schedule: {{start_step: 9}}\n",
        "schedule.start_step must be below steps = 2, or no step prunes a token, got 9",
    ),
}


@pytest.mark.parametrize("kind", CONTRADICTIONS)
def test_a_workload_that_contradicts_itself_is_refused(kind, tmp_path, capsys):
    content, message = CONTRADICTIONS[kind]

    assert message in refused(tmp_path, capsys, content)


def test_shares_of_what_is_alive_may_grow(tmp_path):
    (tmp_path / "mine.yaml").write_text(
        f"{DECODE}schedule: {{interpolation: list, base: current, token: [0.5, 1], head: [0.5, 1]}}\n"
    )

    assert call(["run", "--level", "analytic", "--workload", str(tmp_path / "mine.yaml"), "-q"]) == 0


TOO_SMALL = {
    "heads": (DECODE, "importance.max_heads=3", "importance.max_heads must be at least the 4 heads of a layer, got 3"),
    "vectors": (
        f"{DECODE}schedule: {{bits: {{query: 4, key: 10, value: 8, lsb: 0}}}}\n",
        "gather.max_row_bytes=95",
        "gather.max_row_bytes must be at least the 96 bytes of a vector of Q (64 elements of 12 bits), got 95",
    ),
    "fused vectors": (
        f"{DECODE}schedule: {{bits: {{query: 8, key: 6, value: 6, lsb: 0}}}}\n",
        "gather.max_row_bytes=64",
        "gather.max_row_bytes must be at least the 96 bytes of a vector of K (64 elements of 12 bits), got 64",
    ),
    "LSBs": (
        f"{LOW_BITS}schedule: {{threshold: 0.1}}\n",
        "number.lsb_bits=3",
        "number.lsb_bits must be at least the 4 bits of K's LSB plane, got 3",
    ),
    "both planes": (
        f"{LOW_BITS}schedule: {{threshold: 0.1, bits: {{query: 10}}}}\n",
        "number.onchip_bits=10",
        "number.onchip_bits must be at least the 12 bits of K with its LSB plane, got 10",
    ),
    "queries": (
        f"{DECODE}schedule: {{bits: {{query: 16}}}}\n",
        "number.onchip_bits=12",
        "number.onchip_bits must be at least the 16 bits of Q, got 12",
    ),
    "values": (
        f"{DECODE}schedule: {{bits: {{query: 8, value: 12}}}}\n",
        "number.onchip_bits=10",
        "number.onchip_bits must be at least the 12 bits of V, got 10",
    ),
}


@pytest.mark.parametrize("kind", TOO_SMALL)
def test_a_workload_that_a_machine_is_too_small_for_is_refused(kind, tmp_path, capsys):
    content, machine, message = TOO_SMALL[kind]
    sets = ["--set", "softmax.fifo_lines=128", "--set", machine]
    extra = ["--set", "number.lsb_bits=4"] if kind == "both planes" else []

    assert message in refused(tmp_path, capsys, content, *sets, *extra)


def test_the_message_on_a_wide_head_gives_the_option_that_helps(tmp_path, capsys):
    wide = PREFILL.replace("head_dim: 64", "head_dim: 128")
    message = refused(tmp_path, capsys, wide)

    assert "192 bytes of a vector of Q (128 elements of 12 bits), got 96; --set gather.max_row_bytes=192" in message
    helps = re.search(r"--set (\S+)", message).group(1)
    assert call(["run", "--level", "analytic", "--workload", str(tmp_path / "mine.yaml"), "-q", "--set", helps]) == 0


def test_a_head_too_wide_for_any_machine_gets_no_option(tmp_path, capsys):
    message = refused(tmp_path, capsys, PREFILL.replace("head_dim: 64", "head_dim: 1024"))

    assert "at least the 1536 bytes" in message
    assert "--set" not in message


@pytest.mark.parametrize(
    ("bits", "longest", "tensor"),
    [
        ({"key": 4, "value": 8, "lsb": 0}, 64, "V (64 elements of 8 bits)"),
        ({"key": 4, "value": 4, "lsb": 8}, 64, "K's LSB plane (64 elements of 8 bits)"),
        ({"key": 10, "value": 8, "lsb": 0}, 80, "K (64 elements of 10 bits)"),
    ],
)
def test_without_queries_in_dram_the_longest_vector_of_k_or_v_has_to_fit_the_gather(bits, longest, tensor):
    fetched = {"lsb_fraction": 0.5} if bits["lsb"] else {}
    data = {"model": MODEL, "phase": "decode", "prompt": 15, "steps": 1} | fetched
    data["schedule"] = {"bits": {"query": 12, **bits}} | ({"threshold": 0.1} if bits["lsb"] else {})
    decisions = complete(replace(workload_from(data).counts(), charge_io=False), load_arch().topk, 0)
    sets = ["number.lsb_bits=8", f"gather.max_row_bytes={longest}"]
    check_fit(decisions, load_arch("spatten", sets), "it")

    with pytest.raises(WorkloadError, match=re.escape(f"at least the {longest} bytes of a vector of {tensor}")):
        check_fit(decisions, load_arch("spatten", [*sets, f"gather.max_row_bytes={longest - 1}"]), "it")


def test_a_format_that_forces_two_planes_needs_room_for_both():
    counts = workload_from({"model": MODEL, "phase": "decode", "prompt": 15, "steps": 1}).counts()
    forced = replace(counts, lsb_refetch=np.full_like(counts.lsb_refetch, 2), bits=counts.bits | {"lsb": 5})

    with pytest.raises(WorkloadError, match="lsb_bits must be at least the 5 bits of K's LSB plane, got 4"):
        check_fit(complete(forced, load_arch().topk, 0), load_arch(), "it")


def test_low_bits_that_nobody_fetches_need_no_room(tmp_path):
    (tmp_path / "mine.yaml").write_text(f"{DECODE}schedule: {{bits: {{key: 12, lsb: 8}}}}\n")

    assert call(["run", "--level", "analytic", "--workload", str(tmp_path / "mine.yaml"), "-q"]) == 0


def test_a_captured_trace_wider_than_the_datapath_is_refused(capsys):
    bits = Decisions.load(default_trace()).meta["bits"]

    assert call(["run", "--level", "analytic", "-q", "--set", "number.onchip_bits=8"]) == 2
    assert f"number.onchip_bits must be at least the {bits['query']} bits of Q, got 8" in capsys.readouterr().err


ROW = {
    "embedding_length_D": "64.0", "key_fetch_num": 18, "quant_key_bit": 8, "quant_query_bit": 16,
    "auto_requant_thres": 0.05, "if_requant": False, "auto_requant_incre": 4, "value_fetch_num": 5,
    "quant_value_bit": 8, "if_accumulate_importance": True, "if_rescale_previous_importance": False,
    "if_topk": False, "topk": -1,
}  # fmt: skip


def trace(rows, lengths=(20, 21, 22)):
    """Return a CSV trace of the first `rows` rows of three iterations, two layers and three heads."""
    places = list(product(range(3), range(2), range(3)))[:rows]
    own = [ROW | dict(zip(GPT2, place, strict=False)) | {"sentence_length_L": lengths[place[0]]} for place in places]
    return "\n".join([",".join(GPT2), *(",".join(str(row[name]) for name in GPT2) for row in own)]) + "\n"


CUT = {
    "in the middle of a layer": (
        trace(17),
        "line 18: the last iteration ends with head 1 of its last layer, which has 3",
    ),
    "in the middle of an iteration": (
        trace(15),
        "line 16: the last iteration ends with layer 0, the first one has 2 layers",
    ),
    "a context that jumps": (
        trace(18, (20, 21, 23)),
        "line 14: sentence_length_L must be that of the iteration before and one more token, 22, got 23",
    ),
    "a context that stays": (
        trace(18, (20, 20, 21)),
        "line 8: sentence_length_L must be that of the iteration before and one more token, 21, got 20",
    ),
}


@pytest.mark.parametrize("kind", CUT)
def test_a_trace_with_a_part_missing_is_refused_by_its_line(kind, tmp_path, capsys):
    content, message = CUT[kind]
    (tmp_path / "t.csv").write_text(content)

    assert call(["run", "--level", "analytic", "-q", "--trace", str(tmp_path / "t.csv")]) == 2
    assert message in capsys.readouterr().err


def test_a_whole_trace_is_run(tmp_path):
    (tmp_path / "t.csv").write_text(trace(18))

    assert call(["run", "--level", "analytic", "-q", "--trace", str(tmp_path / "t.csv")]) == 0


PLAIN = trace(18)
QUOTED = "\n".join(",".join(f'"{field}"' for field in line.split(",")) for line in PLAIN.splitlines()) + "\n"
SPELLINGS = {
    "quoted fields": (QUOTED, None),
    "counts with a decimal point": (PLAIN.replace(",18,8,", ",18.0,8.0,"), None),
    "semicolons": (PLAIN.replace(",", ";"), "line 1: the columns are separated by semicolons, commas are expected"),
    "tabs": (PLAIN.replace(",", "\t"), "line 1: the columns are separated by tabs, commas are expected"),
    "decimal commas": (PLAIN.replace("0.05", "0,05"), "17 fields are expected, got 18; decimal numbers have a point"),
    "a workbook": (b"PK\x03\x04\x14\x06", "line 1: is an archive, such as a workbook of Excel"),
    "grouped digits": (PLAIN.replace(",20,", ',"1,020",'), "line 2: sentence_length_L has grouped digits, '1,020'"),
    "UTF-16": (PLAIN.encode("utf-16"), "is UTF-16 text, UTF-8 is expected"),
}


@pytest.mark.parametrize("kind", SPELLINGS)
def test_a_trace_as_other_programs_write_it_is_read_or_said_what_it_is(kind, tmp_path, capsys):
    content, message = SPELLINGS[kind]
    (tmp_path / "t.csv").write_bytes(content if isinstance(content, bytes) else content.encode())

    code = call(["run", "--level", "analytic", "--json", "-q", "--trace", str(tmp_path / "t.csv")])

    out, err = capsys.readouterr()
    assert (code, bool(out)) == ((2, False) if message else (0, True))
    assert (message or "") in err


@pytest.mark.parametrize("level", ["analytic", "cycle"])
def test_a_dram_that_cannot_hold_the_planes_is_refused_with_both_sizes(level, capsys):
    sets = ["--set", "dram.rows=1", "--set", "dram.channels=1"]

    assert call(["run", "--level", level, "-q", "--workload", "bert-base-cola", *sets]) == 2

    need, have = re.search(r"hold the ([\d,]+) bytes .* got ([\d,]+) bytes", capsys.readouterr().err).groups()
    assert int(need.replace(",", "")) > 144 * 11 * 64 * 2  # K and V of 144 heads of 11 tokens
    assert have == "32,768"  # 1 x 2 x 16 x 1 x 1,024


def test_the_reference_has_to_fit_as_well(tmp_path, capsys):
    """Of 1,000 tokens K and V of 32 bits are four times as large as those of 8."""
    path = tmp_path / "long.yaml"
    path.write_text(f"{SHAPE}phase: decode\nprompt: 1000\nsteps: 1\nschedule: {{bits: {{lsb: 0}}}}\n")
    run = ["run", "--level", "analytic", "-q", "--workload", str(path), "--set", "dram.channels=1"]
    fits = (call([*run, "--reference=none", f"--set=dram.rows={1 << n}"]) == 0 for n in range(16))
    rows = 1 << next(n for n, fit in enumerate(fits) if fit)
    capsys.readouterr()

    assert rows > 1
    assert call([*run, f"--set=dram.rows={rows}", "--reference=fp32"]) == 2
    assert f"got {rows * 32768:,} bytes" in capsys.readouterr().err
