import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import jsonschema
import pytest
from report.sample import ALONE, RESULT

from tokensieve.pages.result import fields
from tokensieve.report.schema import result_schema, schema_of
from tokensieve.sim.result_part import Figure, Hidden, Name, Part, Signed, figures

JUDGE = jsonschema.Draft202012Validator(result_schema())
CONFIRMED = replace(RESULT, level_cycles={"analytic": 900, "cycle": 1_000})


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(result_schema())


@pytest.mark.parametrize("result", [RESULT, ALONE, CONFIRMED])
def test_a_result_meets_the_schema(result):
    JUDGE.validate(json.loads(result.to_json()))


def test_the_schema_has_exactly_the_fields_of_a_result_in_their_order():
    assert list(result_schema()["properties"]) == list(RESULT.to_dict())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("seconds",), -1.0),
        (("cycles", "total"), -1),
        (("cycles", "total"), 1.5),
        (("cycles", "more"), 1),
        (("layers", 0, "more"), 1),
        (("layers", 0, "cycles", "more"), 1),
        (("traffic", "more"), 1),
        (("traffic", "vectors", "query"), 1),
        (("traffic", "dram_bytes", "key"), 1),
        (("throughput_gops", "more"), 1),
        (("reference", "kind"), "none"),
        (("reference", "more"), 1),
        (("busy_cycles", "Q x K"), 1),
        (("actions", "qk", "multiply"), "many"),
        (("utilization", "dram"), -0.5),
        (("bottleneck",), 1),
        (("energy_j",), {"dram": 1.0}),
        (("energy_j_interval",), [1.0]),
        (("energy_j_interval",), [1.0, 2.0, 3.0]),
        (("labels", "cycles"), "guessed"),
        (("levels",), {"analytic": 900, "cycle": 1_000}),
        (("levels",), {"cycle": 1_000, "deviation": -0.1}),
        (("levels",), {"analytic": 900, "cycle": 1_000, "more": 1, "deviation": -0.1}),
        (("schema_version",), 2),
        (("level",), "guess"),
        (("provenance", "assumed"), "one"),
        (("more",), 1),
    ],
)
def test_the_schema_refuses_what_no_result_holds(path, value):
    told = copy.deepcopy(RESULT.to_dict())
    here = told
    for part in path[:-1]:
        here = here[part]
    here[path[-1]] = value

    assert not JUDGE.is_valid(told)


@pytest.mark.parametrize("field", list(RESULT.to_dict()))
def test_the_schema_misses_any_field_that_is_left_out(field):
    told = RESULT.to_dict()
    del told[field]

    assert not JUDGE.is_valid(told)


def test_other_keys_may_stand_in_provenance_beside_those_with_a_fixed_form():
    assert JUDGE.is_valid(replace(RESULT, provenance={"seed": 7}).to_dict())


def test_every_key_and_every_unit_and_action_has_a_meaning():
    told = list(fields(result_schema()))

    assert len(told) > 100
    assert all(meaning.endswith(".") for _, _, meaning in told)


@dataclass(frozen=True, kw_only=True)
class Cache(Part):
    """A unit with caches."""

    size: Hidden[int]

    hits: Figure[Mapping[Name, Annotated[int, "Reads that hit."]]]
    """Reads of each cache
    that hit."""

    @property
    def hits_per_byte(self) -> Figure[float | None]:
        """Hits over size."""
        return sum(self.hits.values()) / self.size if self.size else None

    drift: Signed = 0.0
    """Change since the last run."""


def test_a_key_is_added_to_object_schema_labels_and_page_by_its_line_in_the_class():
    cache = Cache(size=8, hits={"tags": 2, "data": 4})
    schema = schema_of(Cache)

    assert list(cache.to_dict().items()) == [("hits", {"tags": 2, "data": 4}), ("hits_per_byte", 0.75), ("drift", 0.0)]
    assert figures(Cache) == ["hits", "hits_per_byte"]
    assert list(fields(schema)) == [
        ("hits", "group", "Reads of each cache that hit."),
        ("hits.<unit>", "whole number", "Reads that hit."),
        ("hits_per_byte", "number or null", "Hits over size."),
        ("drift", "number", "Change since the last run."),
    ]
    assert schema["required"] == ["hits", "hits_per_byte", "drift"]


@pytest.mark.parametrize(
    ("change", "valid"),
    [
        ({}, True),
        ({"hits_per_byte": None}, True),
        ({"drift": -1.5}, True),
        ({"hits": {"data": -1}}, False),
        ({"hits": {"a cache": 1}}, False),
        ({"hits_per_byte": -1.0}, False),
        ({"size": 8}, False),
    ],
)
def test_the_schema_of_a_class_takes_what_its_types_say(change, valid):
    told = Cache(size=8, hits={"data": 4}).to_dict() | change

    assert jsonschema.Draft202012Validator(schema_of(Cache)).is_valid(told) is valid
