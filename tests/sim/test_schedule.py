"""The schedules that `docs/explanation/schedule.md` works out by hand are what the simulator does, event by event."""

import re
from functools import partial

import numpy as np
import pytest

from tokensieve.arch import load_arch
from tokensieve.sim.cycle import run as cycle
from tokensieve.sim.kernels import dram_idle, dram_state, tables
from tokensieve.sim.work import row_work
from tokensieve.workloads.builder import DecisionsBuilder
from tokensieve.workloads.decisions import Decisions, WorkRecords
from tokensieve.workloads.layout import ARRAYS
from tokensieve.workloads.meta import make_meta
from tokensieve.workloads.ragged import Ragged

ROUND_TABLE = ["query", "head", "values kept", "sizes of the rounds", "lines of values", "search"]
PIPELINE_TABLE = ["query", "Q x K", "why", "exp", "why", "division", "why", "load", "drain", "why"]
PIPELINE_TABLE += ["Prob x V", "why", "output"]
WORDS = ["compute", "DRAM wait", "top-k wait", "softmax wait", "fill, drain"]
WALK = ["from", "back to", "cause", "cycles", "what"]


@pytest.fixture(scope="module")
def page(root):
    """The sections of the page, by the first word of their heading."""
    text = (root / "docs" / "explanation" / "schedule.md").read_text()
    parts = re.split(r"^## ", text, flags=re.MULTILINE)
    return {part.split(maxsplit=1)[0].strip(":"): part for part in parts}


@pytest.fixture(scope="module")
def arch(page, tmp_path_factory):
    path = tmp_path_factory.mktemp("arch") / "hand.yaml"
    path.write_text(re.search(r"```yaml\n(.*?)```", page["The"], re.DOTALL).group(1))
    return load_arch(str(path))


def table(section, heading):
    """Return the rows of the table under `heading` (the names of its columns), cells as text."""
    lines = section.splitlines()
    begin = lines.index(f"| {' | '.join(heading)} |") + 2
    rows = []
    for line in lines[begin:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    assert rows
    return rows


def causes(section):
    """Return the sum of the steps of a walk back by cause."""
    steps = table(section, WALK)
    return {word: sum(int(step[3]) for step in steps if step[2] == word) for word in WORDS}


def prefill(section, arch):
    """Return the decisions of the first schedule, too few queries for a file and so never validated."""
    rounds = [(int(kept), sizes) for _, _, kept, sizes, *_ in table(section, ROUND_TABLE)]
    quick = Ragged.of(np.array(sizes.replace("-", "").split(), np.int32) for _, sizes in rounds)
    records = WorkRecords(local=quick, token=Ragged.of([[16, 6]]), head=Ragged.of([[2]]))
    bits = {"query": 12, "key": 8, "value": 8, "lsb": 0}
    arrays = {name: np.zeros(0, kind) for name, (kind, _) in ARRAYS.items()}
    return Decisions(
        meta=make_meta(phase="prefill", model="hand", D=8, heads=2, layers=1, steps=1, topk=arch.topk, bits=bits),
        records={"quick": records},
        **arrays
        | {
            "row_index": np.array([[0, 0, 0], [0, 0, 1]], np.int32),
            "context": np.full(2, 16, np.int32),
            "keys_kept": np.full(2, 16, np.int32),
            "queries": np.full(2, 3, np.int32),
            "query_ptr": np.array([0, 3, 6]),
            "values_kept": np.array([kept for kept, _ in rounds], np.int32),
            "lsb_refetch": np.zeros(6, np.uint8),
            "value_ptr": np.zeros(7, np.int64),
            "token_ids": np.arange(16, dtype=np.int32),
            "token_ptr": np.array([0, 16]),
            "heads_alive": np.ones((1, 1, 2), np.uint8),
            "topk_token_count": np.array([[16, 8]], np.int32),
            "topk_head_count": np.array([[2, 1]], np.int32),
        },
    )


def decode(section, arch):
    bits = {"query": 12, "key": 8, "value": 8, "lsb": 4}
    meta = {"phase": "decode", "model": "hand", "D": 8, "heads": 1, "layers": 1, "steps": 1, "threshold": 0.1}
    builder = DecisionsBuilder(make_meta(**meta, topk=arch.topk, bits=bits))
    builder.set_tokens(0, 0, range(16))
    builder.add_row(
        0,
        0,
        0,
        context=16,
        values_kept=[6],
        lsb_refetch=1,
        value_ids=[[0, 3, 5, 6, 9, 12]],
        records={"radix": [[3]], "quick": [[16, 9, 4]]},
    )
    return builder.build()


@pytest.fixture(scope="module", params=[("Prefill", prefill), ("Decode", decode)], ids=["prefill", "decode"])
def worked(request, page, arch):
    """The section of the page, and the run of what it describes with all commands of DRAM logged."""
    name, decisions = request.param
    section = page[name]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dram_idle, "new_state", partial(dram_idle.new_state, log=200))
        return section, cycle.run_cycles(arch, row_work(arch, decisions(section, arch)), max_events=200)


def test_every_event_has_the_times_of_the_page(worked):
    section, run = worked
    events = [[tables.EVENT_UNITS[unit], *map(str, rest)] for unit, *rest in run.events.tolist()]
    events = [[*event[:4], event[4].replace("-1", "-")] for event in events]

    assert sorted(events) == sorted(table(section, ["unit", "start", "end", "head", "query"]))


def test_every_dram_command_has_the_clock_bank_and_row_of_the_page(worked):
    section, run = worked
    log = [
        [str(t), dram_state.COMMANDS[c], str(b), str(r).replace("-1", "-")]
        for t, _, c, b, r in dram_state.command_log(run.dram)
    ]

    assert log == [row[:4] for row in table(section, ["clock", "command", "bank", "row", "for", "why then"])]


def test_the_total_is_that_of_the_page(worked):
    section, run = worked

    assert run.total == int(re.search(r"\*\*(\d+) cycles\*\*", section).group(1))


def test_every_stage_of_the_prefill_starts_when_the_page_says(page, arch):
    run = cycle.run_cycles(arch, row_work(arch, prefill(page["Prefill"], arch)))
    passes, query = run.plan.passes, run.plan.query
    columns = [query[:, c] for c in (tables.Q_LOAD_AT, tables.Q_DRAIN_AT, tables.Q_PV_AT, tables.Q_OUT)]
    columns = [passes[:, c] for c in (tables.P_QK_AT, tables.P_EXP_AT, tables.P_DIV_AT)] + columns
    worked = [[int(row[i]) for i in (1, 3, 5, 7, 8, 10, 12)] for row in table(page["Prefill"], PIPELINE_TABLE)]

    assert np.stack(columns, axis=1).tolist() == worked


def test_the_searches_of_the_page_are_those_of_the_law(page, arch):
    run = cycle.run_cycles(arch, row_work(arch, prefill(page["Prefill"], arch)))
    rows = table(page["Prefill"], ROUND_TABLE)

    assert run.plan.query[:, tables.Q_SEARCH].tolist() == [int(row[5].split()[-1]) for row in rows]
    assert run.plan.query[:, tables.Q_VALUE_LINES].tolist() == [int(row[4]) for row in rows]


@pytest.mark.parametrize(
    ("name", "decisions"),
    [("Prefill", prefill), ("Decode", decode)],
)
def test_the_causes_are_those_of_the_walk_back(page, arch, name, decisions):
    run = cycle.run_cycles(arch, row_work(arch, decisions(page[name], arch)))

    assert run.causes.sum(axis=0).tolist() == list(causes(page[name]).values())


@pytest.mark.parametrize("name", ["Prefill", "Decode"])
def test_the_causes_of_the_page_add_up(page, name):
    (told,) = table(page[name], [*WORDS, "total"])
    steps = table(page[name], WALK)
    spans = {(int(step[0]), int(step[1])) for step in steps}

    assert [*causes(page[name]).values(), sum(causes(page[name]).values())] == [int(cell) for cell in told]
    assert all(sum(int(s[3]) for s in steps if (int(s[0]), int(s[1])) == span) == span[0] - span[1] for span in spans)
