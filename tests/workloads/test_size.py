"""How much work is asked for, told before it is laid out; and runs in slices, which end as whole ones do."""

import pytest

from tokensieve.arch import WorkloadError, load_arch
from tokensieve.workloads.benchmarks import load_workload
from tokensieve.workloads.csvtrace import read_csv
from tokensieve.workloads.size import MOST_QUERIES, MOST_VECTORS, Size, check_size
from tokensieve.workloads.workload import workload_from

MODEL = {"name": "m", "layers": 1024, "heads": 1024, "head_dim": 64, "hidden": 64, "ffn": 64}
SHORT = {**MODEL, "layers": 2, "heads": 3}


def test_sizes_are_those_of_the_work_where_nothing_is_pruned():
    prefill = workload_from({"model": SHORT, "phase": "prefill", "context": 5})
    decode = workload_from({"model": SHORT, "phase": "decode", "prompt": 5, "steps": 2})

    assert prefill.size == Size(6 * 5, 2 * 6 * 5)
    assert decode.size == Size(6 * 2, 2 * 6 * (6 + 7))
    assert decode.counts().keys.sum() * 2 == decode.size.vectors


@pytest.mark.parametrize("work", ["phase: prefill\ncontext: 1024\n", "phase: decode\nprompt: 9\nsteps: 1000\n"])
def test_a_workload_beyond_memory_is_refused_with_its_size_before_it_is_laid_out(work, tmp_path):
    fields = ", ".join(f"{name}: {value}" for name, value in MODEL.items())
    (tmp_path / "vast.yaml").write_text(f"model: {{{fields}}}\n{work}")

    with pytest.raises(
        WorkloadError, match=r"up to 1,\d\d\d,\d\d\d,\d\d\d queries and .* --force runs it all the same"
    ):
        load_workload(str(tmp_path / "vast.yaml"), load_arch("spatten", ["importance.max_heads=1024"]))


def test_the_bounds_themselves_run_and_force_takes_all():
    check_size(Size(MOST_QUERIES, MOST_VECTORS), "it asks for")
    check_size(Size(MOST_QUERIES + 1, 1 << 60), "it asks for", force=True)
    for beyond in (Size(MOST_QUERIES + 1, 1), Size(1, MOST_VECTORS + 1)):
        with pytest.raises(WorkloadError, match="which is above the 3,000,000 and 1,500,000,000 that run unasked"):
            check_size(beyond, "it asks for")


def test_a_trace_of_few_bytes_and_a_billion_queries_is_refused_with_its_size(tmp_path):
    head = (
        "layer_id,head_id,embedding_length_D,sentence_length_L,key_value_query_fetch_num,quant_key_bit,"
        "quant_value_bit,quant_query_bit,auto_requant_thres,if_requant,auto_requant_incre,auto_requant_num,"
        "if_accumulate_importance,if_topk,topk\n"
    )
    rows = "".join(f"0,{head},64,1048576,1048576,8,8,8,-1,False,-1,-1,True,False,-1\n" for head in range(1000))
    (tmp_path / "vast.csv").write_text(head + rows)

    with pytest.raises(WorkloadError, match=r"vast\.csv: it holds up to 1,048,576,000 queries"):
        read_csv(tmp_path / "vast.csv")
