import pytest
from report.sample import RESULT

from tokensieve.arch.presets import all_fields
from tokensieve.pages import arch, result
from tokensieve.report.schema import result_schema


@pytest.mark.parametrize(("page", "module"), [("arch", arch), ("result", result)])
def test_the_page_is_what_its_module_prints(page, module, root):
    text = (root / "docs" / "reference" / f"{page}.md").read_text()

    assert text == module.page() + "\n"


def test_every_field_of_an_architecture_has_one_row_with_value_default_and_meaning():
    fields = arch.page().partition("Fields in which the presets differ")[0]
    rows = [line.split(" | ") for line in fields.splitlines() if line.startswith("| `")]
    table = {row[0][3:-1]: row[1:] for row in rows if len(row) == 4}

    assert list(table) == [name for name, _, _ in all_fields()]
    assert all(value and default and len(meaning) > 5 for value, default, meaning in table.values())
    assert table["topk.lanes"][:2] == ["power of two in 1..64", "`16`"]
    assert table["dram.window"][0] == "whole number in 1..1024"
    assert table["softmax.kind"][0] == "`taylor5` or `lut`"


def test_every_key_of_a_result_is_on_its_page():
    documented = {name for name, _, _ in result.fields(result_schema())}

    assert keys(RESULT.to_dict(), documented) == set()


def keys(told, documented, prefix=""):
    """Return the dotted names in `told` that are not documented, by themselves or as `<unit>` or `<action>`."""
    missing = set()
    for key, value in told.items():
        names = {f"{prefix}{key}", f"{prefix}<unit>", f"{prefix}<action>"} & documented
        missing |= set() if names or prefix in ("labels.", "provenance.") else {f"{prefix}{key}"}
        here = min(names, default=f"{prefix}{key}")
        below = value[0] if isinstance(value, list | tuple) and value else value
        if isinstance(below, dict):
            missing |= keys(below, documented, f"{here}{'[]' if below is not value else ''}.")
    return missing
