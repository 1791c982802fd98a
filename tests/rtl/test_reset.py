"""What a reset leaves as it is: every such register and memory with its reason, and that nothing rests on any of it."""

from fnmatch import fnmatchcase

import pytest
from amaranth.hdl import Fragment
from bench.units import small

from tokensieve.rtl.flow.amsim import run
from tokensieve.rtl.flow.case import case
from tokensieve.rtl.flow.state import state_of
from tokensieve.verify.differences import wrong_after_reset, wrong_answers
from tokensieve.verify.situations import situations_of
from tokensieve.verify.units import UNITS, find_unit
from tokensieve.verify.units.base import with_fields

REASONS = {
    # registers of pipelines: a `valid` beside each, which is reset, says whether anything stands in it
    "*.payload": "counts while the stage holds a beat",
    "*stage#": "counts while the beat in it is valid",
    "*align#": "counts while the granule in it is valid",
    "*.tree#": "counts while the row in it is valid",
    "*held_#": "counts up to the number of items held, which is 0",
    "*side.word": "counts while a beat of the side buffer is valid",
    "*side.out": "counts while a beat of the side buffer is valid",
    "*burst.out#": "counts while the beat in it is valid",
    "*sum_#": "is taken for a sum only behind an addition that is valid",
    # memories: only what was written since is read
    "*.beats": "a queue reads what was written, as its level is 0",
    "*.beats.read__data": "counts while the queue offers a beat",
    "*side.memory": "a command's beats are loaded before they are drained",
    "store.words.memory": "an embedding is written before it is read; padding reads as zeros",
    "store.words.word": "counts while the beat read with it is valid",
    "store.words.out": "counts while the beat read with it is valid",
    "store.out#": "counts while the beat in it is valid",
    "norms.square#.factor_a": "counts while the marks that go along are valid",
    "norms.square#.factor_b": "counts while the marks that go along are valid",
    "norms.square#.product": "counts while the marks that go along are valid",
    "norms.sum#_#": "counts while the marks that go along are valid",
    "norms.way#": "counts while the marks in it are valid",
    "norms.total": "a token's first beat sets it",
    "norms.score#": "written before the beat that it is of leaves",
    "attention.sums.memory": "a sum is written by a row before it is read; else it is not looked at",
    "attention.sums.word": "counts while the beat read with it is valid",
    "attention.sums.out": "counts while the beat read with it is valid",
    "attention.way#": "counts while the beat in it is valid",
    "*.bank#": "a set is written before it is read",
    "*.bank#.memory": "a set is written before it is read",
    "*.bank#.word": "what a bank was asked for a cycle before, which is written by then",
    "*.bank#.out": "what a bank was asked for two cycles before",
    "*sums": "CLEAR and GROW set what is added to and read",
    "*sums._read_port__data": "a sum that was set; see the memory",
    "*numbers": "holds what was written since the list was begun; before, a place is its own number",
    "*numbers.read__data": "a number that was written; see the memory",
    # what a command, a set or a round sets before it is looked at
    "*._now": "set when a command is taken",
    "*._left": "set when a command is taken",
    "*._some": "set when a command is taken",
    "*._last": "set when a command is taken",
    "*._mask": "set when a command is taken",
    "*.verdict": "set when the core has found",
    "*drain._command": "set when the drain takes a command",
    "*drain.now": "set when the drain of a pruner takes a sequence",
    "*drain.left": "set when the drain of a pruner takes a sequence",
    "*engine#.told": "set when a sequence has come, and when its search is done",
    "*burst.told_#": "set when a slot is taken",
    "*core.threshold": "as many bits as a score has are shifted in before the search is done",
    "*core._threshold": "set by the layers that bring the k-th score to place 0",
    "*core.left": "set as the packet is loaded",
    "*core.plane#_#": "set as the packet is loaded",
    "*core.ones#": "set as the packet is loaded",
    "*core.zeros#": "set as the packet is loaded",
    "*core.bit": "set when the search starts",
    "*core.count.total": "looked at only when the token that goes along, which is reset, comes out",
    "*core.count.held#_#": "counted only when the token that goes along, which is reset, comes out",
    "*core.score_#": "shifted in by the load, zeros behind the packet",
    "*core._begun": "set with the last beat; nothing moves before",
    "*core.turn": "set as the packet is loaded",
    "*core.target": "set as the packet is loaded",
    "*core.above": "as many bits as the search has layers are shifted in before it is done",
    "*core.put": "a beat that is written; whether there is one is reset",
    "*core.row": "a beat that is written; whether there is one is reset",
    "*core.last": "goes with the beat that is written",
    "*core.size": "the size of a round, in the cycle before its probe tells it; the probe's `valid` is reset",
    "*core.draw.state": "seeded as the packet is loaded",
    "*core.budget.to_keep": "set as the packet is loaded",
    "*core.budget.to_drop": "set as the packet is loaded",
    "*core.budget.keep": "computed in a round before it is looked at",
    "*core.budget.drop": "computed in a round before it is looked at",
    "*core.budget.above": "counted from the beginning of a round on",
    "*core.budget.below": "counted from the beginning of a round on",
    "*core.partition.scores": "goes with a row; whether there is one is reset",
    "*core.partition.above": "goes with a row; whether there is one is reset",
    "*core.partition.below": "goes with a row; whether there is one is reset",
    "*core.reader.upper": "set when the reading of a set begins",
    "*core.reader.lane": "set when the reading of a set begins",
    "*core.reader.left": "set when the reading of a set begins",
    "*core.digits.row": "a beat; whether there is one is reset",
    "*core.digits.digit_#": "goes with a beat; whether a lane counts is reset",
    "*core.counters.row#": "counts that are added up only after the total was set to 0",
    "*core.counters.total#": "set to 0 when a set begins",
    "*core.decision.chosen": "set when the bin is chosen",
    "*core.decision.above": "read behind the choice, before the set is split",
    "*core.decision.here": "read behind the choice, before the set is split",
}
"""What a reset leaves -> why that does not matter. Names as in `State`, numbers as ``#``."""

ONES = [
    (name, engine, fields)
    for name in UNITS
    for engine in find_unit(name).engines()
    for fields in dict.fromkeys([(), *(one.fields for one in situations_of(name))])
    if not name.startswith("axi-")
]
"""Every unit with every engine, and with fields with which it has a part besides. A wrapper adds no register."""


WHICH = [7, 6, 2]


def machine(unit, engine, fields):
    """Return an arch with small units, of which one has other `fields`."""
    arch = with_fields(with_fields(small(), "gather", max_row_bytes=20, outstanding=8), "dram", granule_bytes=8)
    return unit.arch(with_fields(arch, unit.groups[0], **dict(fields)), engine)


def kept(name, engine, fields):
    """Return the names of what a reset leaves of a unit."""
    unit = find_unit(name)
    state = state_of(Fragment.get(unit.harness().component(machine(unit, engine, fields)), None))
    return {"".join("#" if one.isdigit() else one for one in told).replace("##", "#") for told in state.kept}


def reasons(name):
    """Return the patterns that fit a name, the most precise ones if there are several kinds."""
    found = [pattern for pattern in REASONS if fnmatchcase(name, pattern)]
    return [one for one in found if len(one) == max(map(len, found))]


@pytest.fixture(scope="module")
def everything():
    return {one: kept(*one) for one in ONES}


@pytest.mark.parametrize(("name", "engine", "fields"), ONES)
def test_what_a_reset_leaves_is_listed_with_its_reason(name, engine, fields, everything):
    unlisted = sorted(one for one in everything[name, engine, fields] if len(reasons(one)) != 1)

    assert unlisted == []


def test_every_reason_is_one_of_something(everything):
    used = {pattern for names in everything.values() for name in names for pattern in reasons(name)}

    assert set(REASONS) == used


@pytest.mark.parametrize(
    ("name", "engine", "fields"), [pytest.param(*one, marks=pytest.mark.long if one[2] else ()) for one in ONES]
)
def test_nothing_rests_on_what_a_reset_leaves(name, engine, fields):
    """Each time the simulator puts other bits there, and the case before leaves the unit at work."""
    unit = find_unit(name)
    arch = machine(unit, engine, fields)
    vectors, harness = unit.vectors(arch, 8, 3, None), unit.harness()
    stimulus = harness.stimulus(arch, vectors, WHICH)
    stalls = {sink: [False, True, True] * 9 for sink in stimulus.expect}
    played = [case(stimulus, stalls=stalls, resets=resets, limit=4000) for resets in ((), (23,), (40, 3), (1, 1))]
    plain, *again = run(harness.component(arch), played)

    assert wrong_answers(harness, arch, vectors, WHICH, plain) == 0
    assert [wrong_after_reset(harness, arch, vectors, WHICH, plain, one) for one in again] == [0, 0, 0]
