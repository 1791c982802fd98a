"""Coverage as a gate: every unit is in every one of its situations, and each catches a fault of its own."""

import json
from types import SimpleNamespace

import pytest
from bench.suites import VECTORS, every_situation, machine, suite

from tokensieve.pages import mutants
from tokensieve.pages.mutants import found, outcome, planted
from tokensieve.rtl.flow.mutants.base import find_mutant, mutants_of
from tokensieve.verify.situations import counted, situations_of
from tokensieve.verify.units import UNITS, find_engine, find_unit

CYCLES = 600
"""Cycles that a fault is shown to do nothing in, without the cases that show it; all of them in the long run."""

ALL = 10**9

DIFFERS = SimpleNamespace(
    mismatches=1, cycle_differences=0, work_differences=0, stall_differences=0, reset_differences=0
)


def cheap(numbers, cases, most):
    """Return as many of the cases, the shortest first, as have no more than `most` cycles together."""
    chosen, total = [], 0
    for number in sorted(numbers, key=cases.cycles):
        total += cases.cycles(number)
        if total > most:
            break
        chosen.append(number)
    return chosen


def engines():
    """Return every unit that has a table, with every engine."""
    for name in VECTORS:
        yield from (pytest.param(name, engine, id=f"{name} {engine}".strip()) for engine in find_unit(name).engines())


def faulty_units():
    """Return the units with faults of their own: all but wrappers that show no others than those of `axi-topk`."""
    return [name for name in UNITS if mutants_of(name)]


def test_every_unit_with_faults_has_a_table_whose_rows_name_a_fault_each():
    assert VECTORS.keys() == {*faulty_units()}
    for name in faulty_units():
        situations = situations_of(name)
        known = {mutant.name for mutant in mutants_of(name)}

        assert situations
        assert len({one.name for one in situations}) == len(situations)
        assert {one.mutant for one in situations} <= known


@pytest.mark.parametrize(("name", "engine"), [*engines()])
def test_a_run_is_in_every_situation_and_differs_in_none(name, engine):
    played = suite(name, engine)
    runs = [(which, record) for (which, _), record in zip(played.cases, played.records, strict=True)]
    counts = counted(played.unit, played.arch, played.vectors, runs)

    assert [one for one, count in counts.items() if not count] == []
    assert [number for number, record in enumerate(played.records) if played.differs(number, record)] == []


@pytest.mark.parametrize("most", [CYCLES, pytest.param(ALL, marks=pytest.mark.long)], ids=["some", "all"])
@pytest.mark.parametrize(
    ("name", "engine", "situation"),
    [pytest.param(*one, id=f"{one[0]} {one[1]}: {one[2].name}") for one in every_situation()],
)
def test_its_fault_shows_in_a_situation_and_nowhere_else(name, engine, situation, most):
    played, mutant = suite(name, engine), find_mutant(name, situation.mutant)
    inside = played.showing(situation)
    outside = cheap(set(range(len(played.cases))) - set(inside), played, most)

    assert outside
    assert played.first_difference(mutant, inside) is not None
    assert played.first_difference(mutant, outside) is None


def others():
    """Return the faults that no situation names, with their units."""
    for name in UNITS:
        named = {one.mutant for one in situations_of(name)}
        for mutant in mutants_of(name):
            if mutant.name not in named and not mutant.only.startswith("spatten"):
                yield pytest.param(name, mutant, id=f"{name} {mutant.name}")


@pytest.mark.parametrize(("name", "mutant"), [*others()])
def test_every_other_fault_is_found_at_the_small_size(name, mutant):
    unit = find_unit(name)
    played = suite(name, find_engine(unit, mutant.engine or None, machine()))
    several = sorted(range(played.alone, len(played.cases)), key=played.cycles)
    alone = sorted(range(played.alone), key=played.cycles)

    assert played.first_difference(mutant, [*several, *alone]) is not None


@pytest.mark.long
@pytest.mark.parametrize(("name", "mutant"), [pytest.param(*one, id=f"{one[0]} {one[1].name}") for one in planted()])
def test_every_fault_is_found_at_real_size(name, mutant):
    assert found(outcome(name, mutant))


def test_no_more_than_six_faults_are_faults_at_one_size_only():
    sizes = [mutant.only.partition(":")[0] for name in UNITS for mutant in mutants_of(name) if mutant.only]

    assert set(sizes) <= {"spatten", "small"}
    assert len(sizes) <= 6


def test_the_campaign_goes_on_where_it_was_stopped(tmp_path, monkeypatch, capsys):
    one, two = list(planted())[:2]
    played = []
    monkeypatch.setattr(mutants, "planted", lambda: [one, two])
    monkeypatch.setattr(mutants, "cosim", lambda request: played.append(request.fault.name) or DIFFERS)
    file = tmp_path / "mutants.json"
    mutants.write(file)
    rows = json.loads(file.read_text())
    file.write_text(json.dumps(rows[1:]))
    mutants.write(file)

    assert played == [one[1].name, two[1].name, one[1].name]
    assert json.loads(file.read_text()) == rows
    assert "2 of 2 faults were found." in mutants.show(rows)
    assert f"1 of 2: {one[0]} {one[1].name} found" in capsys.readouterr().err
