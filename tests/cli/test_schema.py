import json
import os

import jsonschema
import pytest
from report.sample import RESULT

from tokensieve.arch.presets import arch_schema
from tokensieve.cli.app import call
from tokensieve.explore.spec import sweep_schema
from tokensieve.report.schema import result_schema
from tokensieve.workloads.workload import workload_schema


@pytest.mark.parametrize(
    ("kind", "schema"),
    [("arch", arch_schema), ("workload", workload_schema), ("sweep", sweep_schema), ("result", result_schema)],
)
def test_a_schema_is_printed_as_json_of_draft_2020_12(kind, schema, capsys):
    assert call(["schema", kind]) == 0

    told = json.loads(capsys.readouterr().out)
    assert told == schema()
    jsonschema.Draft202012Validator.check_schema(told)
    assert told["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_a_result_meets_the_schema_that_is_printed(capsys):
    assert call(["schema", "result"]) == 0

    jsonschema.validate(RESULT.to_dict(), json.loads(capsys.readouterr().out), jsonschema.Draft202012Validator)


def test_out_writes_the_same_text_to_a_file(capsys, tmp_path):
    assert call(["schema", "arch"]) == call(["schema", "arch", "--out", str(tmp_path / "arch.json")]) == 0

    assert (tmp_path / "arch.json").read_text() == capsys.readouterr().out
    assert os.listdir(tmp_path) == ["arch.json"]


@pytest.mark.parametrize("arguments", [[], ["archh"], ["arch", "result"]])
def test_a_mistake_is_one_message_and_exit_code_2(arguments, capsys):
    assert call(["schema", *arguments]) == 2

    out, err = capsys.readouterr()
    assert (out, err.count("error: ")) == ("", 1)


def test_a_folder_is_no_file_to_write(capsys, tmp_path):
    assert call(["schema", "arch", "--out", str(tmp_path)]) == 2

    assert capsys.readouterr().err.startswith(f"error: --out {tmp_path}: is not a file")
    assert os.listdir(tmp_path) == []
