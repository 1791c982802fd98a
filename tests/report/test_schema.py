import copy
import json

import jsonschema
import pytest
from report.sample import ALONE, RESULT

from tokensieve.report.schema import result_schema

JUDGE = jsonschema.Draft202012Validator(result_schema())


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(result_schema())


@pytest.mark.parametrize("result", [RESULT, ALONE])
def test_a_result_meets_the_schema(result):
    JUDGE.validate(json.loads(result.to_json()))


def test_the_schema_has_exactly_the_fields_of_a_result_in_their_order():
    assert list(result_schema()["properties"]) == list(RESULT.to_dict())


@pytest.mark.parametrize(
    ("path", "value"),
    [
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
        (("energy_j_interval",), [1.0]),
        (("energy_j_interval",), [1.0, 2.0, 3.0]),
        (("labels", "cycles"), "guessed"),
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
