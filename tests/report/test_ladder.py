"""The page of a ladder: its tables, and a sentence that says what the figures say."""

import pytest

from tokensieve.report.ladder import climb_table, factors, ladder_page, lesson
from tokensieve.sim.result_ladder import Climb, Ladder, Rung


def rung(pruned, arch, cycles, first):
    return Rung(
        pruned=pruned,
        arch=arch,
        arch_digest="",
        workload_digest="",
        cycles=cycles,
        seconds=cycles * 1e-9,
        energy_j=cycles * 1e-9,
        dram_bytes=cycles * 10,
        speedup=first / cycles,
    )


def climb(phase, dense, whole, *local):
    """A text with the cycles of its rungs; `local` are those of the machines with local values pruned."""
    machines = zip(("spatten", "sieve"), local, strict=False)
    values = [rung("tokens, heads and values", arch, cycles, dense) for arch, cycles in machines]
    return Climb(
        text="a text",
        model="m",
        phase=phase,
        layers=6,
        heads=12,
        tokens=512,
        steps=1 if phase == "prefill" else 8,
        decisions="captured",
        assumed=(),
        rungs=(rung("nothing", "spatten", dense, dense), rung("tokens and heads", "spatten", whole, dense), *values),
    )


def ladder(*climbs):
    return Ladder(climbs=climbs, sets=(), seed=0)


PAYS_IN_DECODE = ladder(climb("prefill", 2_000, 1_000, 3_000, 1_500), climb("decode", 4_000, 2_000, 1_600, 1_000))


def test_each_column_has_one_unit_and_a_loss_is_called_one():
    table = climb_table(PAYS_IN_DECODE.climbs[0])

    assert [c.title.replace("\n", " ") for c in table.columns] == [
        "pruned", "machine", "cycles", "times as fast", "energy uJ", "DRAM kB", "",
    ]  # fmt: skip
    assert table.rows == (
        ("nothing (dense)", "spatten", "2,000", "1.00", "2.000", "20.000", ""),
        ("tokens, heads", "spatten", "1,000", "2.00", "1.000", "10.000", ""),
        ("  + local values", "spatten", "3,000", "0.67", "3.000", "30.000", "a loss"),
        ("  + local values", "sieve", "1,500", "1.33", "1.500", "15.000", ""),
    )


def test_the_lesson_is_one_sentence_made_of_the_figures():
    assert lesson(PAYS_IN_DECODE) == (
        "Pruning tokens and heads pays in prefill (2.00x) and in decode (2.00x); "
        "local value pruning on top pays only in decode; "
        "it is 1.60x to 2.00x as fast with an engine that finds its threshold in time (sieve)."
    )


def test_where_one_machine_alone_gains_the_lesson_names_it_and_its_engine():
    told = ladder(climb("prefill", 2_000, 1_000, 3_000, 1_500), climb("decode", 4_000, 2_000, 2_100, 1_800))

    assert lesson(told).endswith(
        "; local value pruning on top pays only in decode on sieve, with an engine that finds its threshold in time."
    )


def test_the_factors_of_local_values_name_the_machine_that_they_are_against():
    assert factors(PAYS_IN_DECODE) == [
        "Local values, against spatten without them: prefill 0.33x on spatten, 0.67x on sieve; "
        "decode 1.25x on spatten, 2.00x on sieve."
    ]
    assert factors(ladder(climb("prefill", 2_000, 1_000))) == []


@pytest.mark.parametrize(
    ("climbs", "said", "unsaid"),
    [
        ([climb("prefill", 1_000, 2_000)], "pruning tokens and heads is a loss in prefill (0.50x)", "pays"),
        ([climb("prefill", 1_000, 1_000)], "pruning tokens and heads changes nothing in prefill (1.00x)", "pays"),
        ([climb("prefill", 2_000, 1_000)], "nothing is said of local value pruning", "on top"),
        (
            [climb("prefill", 2_000, 1_000, 800, 800)],
            "on top pays in prefill; it is 1.00x as fast with the engine of sieve",
            "loss",
        ),
        ([climb("decode", 2_000, 1_000, 1_200, 1_100)], "on top is a loss in decode; ", "pays only"),
        ([climb("decode", 2_000, 1_000, 800, 800)], "it is 1.00x as fast with the engine of sieve", "threshold"),
        ([climb("decode", 2_000, 1_000, 800, 1_600)], "it is 0.50x as fast with the engine of sieve", "threshold"),
        ([climb("decode", 2_000, 1_000, 1_001, 1_200)], "on top does not pay; ", "is a loss"),
        ([climb("decode", 2_000, 1_000, 1_001, 999)], "on top changes nothing in decode; ", "loss"),
    ],
)
def test_where_the_figures_say_otherwise_so_does_the_lesson(climbs, said, unsaid):
    told = lesson(ladder(*climbs)).lower()

    assert said in told
    assert unsaid not in told


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_page_has_at_most_25_lines_of_80_columns(width):
    lines = ladder_page(PAYS_IN_DECODE, width).splitlines()

    assert len(lines) <= 25
    assert max(map(len, lines)) <= 80
    assert lines[0] == "Prefill, a text: 512 tokens, 6 layers x 12 heads, captured"
    assert "Decode, a text: 8 steps, 6 layers x 12 heads, captured" in lines
