"""Coverage as a gate: every unit is in every one of its situations, and each catches a fault of its own."""

import json
from types import SimpleNamespace

import pytest
from bench.suites import VECTORS, every_situation, suite, usual_engine

from tokensieve.pages import mutants, situations
from tokensieve.pages.mutants import found, outcome, planted
from tokensieve.rtl.flow.mutants.base import find_mutant, mutants_of
from tokensieve.verify.situations import counted, situations_of
from tokensieve.verify.units import UNITS, find_unit

CYCLES = 600
"""Cycles that a fault is shown to do nothing in, without the cases that show it; all of them in the long run."""

ALL = 10**9

LATE = {"radix-packet-goes-on"}
"""Faults that only the last ones of many cases find: played in the long run, as they take minutes."""

DIFFERS = SimpleNamespace(
    mismatches=1, cycle_differences=0, work_differences=0, stall_differences=0, reset_differences=0
)


SAMPLE = {"slot-overwritten", "place-of-lane-0", "embedding-valid-waits"}
"""Faults of a part that not every machine has, which are looked for in every run."""


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
    """Return every unit that has a table, with its usual engine; with the others, and wrappers, in the long run.

    And with the fields without which it lacks a part that has rows of its own; in the long run if they are several.
    """
    for name in VECTORS:
        for fields in dict.fromkeys(one.fields for one in situations_of(name) if one.fields):
            told, marks = " ".join([name, *(field for field, _ in fields)]), pytest.mark.long if fields[1:] else ()
            yield pytest.param(name, usual_engine(name), fields, id=told, marks=marks)
        for engine in find_unit(name).engines():
            often = engine == usual_engine(name) and not name.startswith("axi-")
            marks = () if often else pytest.mark.long
            yield pytest.param(name, engine, (), id=f"{name} {engine}".strip(), marks=marks)


def faulty_units():
    """Return the units with faults of their own."""
    return [name for name in UNITS if mutants_of(name)]


def test_every_unit_with_faults_has_a_table_whose_rows_name_a_fault_each():
    assert VECTORS.keys() == {*faulty_units()}
    for name in faulty_units():
        situations = situations_of(name)
        known = {mutant.name for mutant in mutants_of(name)}

        assert situations
        assert len({one.name for one in situations}) == len(situations)
        assert {one.mutant for one in situations} <= known


@pytest.mark.parametrize(("name", "engine", "fields"), [*engines()])
def test_a_run_is_in_every_situation_and_differs_in_none(name, engine, fields):
    played = suite(name, engine, fields)
    counts = counted([*played.seen()])

    assert [one for one, count in counts.items() if not count] == []
    assert [number for number, record in enumerate(played.records) if played.differs(number, record)] == []


def rows():
    """Return all rows of all tables: one of each unit against a few cases, and all against all in the long run."""
    begun = set()
    for row in every_situation():
        name, engine, situation = row
        told = f"{name} {engine}: {situation.name}"
        if name not in begun:
            yield pytest.param(*row, CYCLES, id=told)
        yield pytest.param(*row, ALL, id=f"{told}, all cases", marks=pytest.mark.long)
        begun.add(name)


@pytest.mark.parametrize(("name", "engine", "situation", "most"), [*rows()])
def test_without_the_cases_of_a_situation_its_fault_is_not_found(name, engine, situation, most):
    played, mutant = suite(name, engine, situation.fields), find_mutant(name, situation.mutant)
    inside = played.showing(situation)
    outside = cheap(set(range(len(played.cases))) - set(inside), played, most)

    assert outside
    assert played.first_difference(mutant, inside) is not None
    assert played.first_difference(mutant, outside) is None


def small_faults():
    """Return all faults that are faults at the small size, with their units.

    Faults of a part that not every machine has are played in the long run; a sample of them in every run.
    """
    for name in UNITS:
        for mutant in mutants_of(name):
            if not mutant.only.startswith("spatten"):
                later = mutant.name in LATE or (mutant.fields and mutant.name not in SAMPLE)
                marks = pytest.mark.long if later else ()
                yield pytest.param(name, mutant, id=f"{name} {mutant.name}", marks=marks)


@pytest.mark.parametrize(("name", "mutant"), [*small_faults()])
def test_every_fault_is_found_at_the_small_size(name, mutant):
    """In the cases of its situation, if it has one; else in any, with random bits where a reset leaves something."""
    played = suite(name, mutant.engine or usual_engine(name), mutant.fields)
    own = [one for one in situations_of(name) if one.mutant == mutant.name]

    numbers = played.showing(own[0]) if own else played.all()

    assert played.first_difference(mutant, numbers, fill=not own) is not None


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


def test_the_table_of_situations_names_their_faults_and_goes_on_where_it_was_stopped(tmp_path, monkeypatch):
    played = []

    def told(request):
        played.append(request.unit.name)
        counts = {one.name: len(played) for one in situations_of(request.unit.name)}
        return SimpleNamespace(unit=request.unit.name, engine="", situations=counts, missing=[], differences=0)

    monkeypatch.setattr(situations, "wanted", lambda: [("zero-eliminator", "", ()), ("requant-decision", "", ())])
    monkeypatch.setattr(situations, "cosim", told)
    file = tmp_path / "situations.json"
    situations.write(file)
    rows = json.loads(file.read_text())
    file.write_text(json.dumps([row for row in rows if row["unit"] == "zero-eliminator"]))
    situations.write(file)

    assert played == ["zero-eliminator", "requant-decision", "requant-decision"]
    assert [{**row, "cases": 0} for row in json.loads(file.read_text())] == [{**row, "cases": 0} for row in rows]
    assert "| zero-eliminator | a beat is exactly full | 1 | full-beat-lost |" in situations.show(rows)
