"""The reference page of `result.json`: ``python -m tokensieve.pages.result > docs/reference/result.md``."""

from collections.abc import Iterator

from tokensieve.report.markdown import table
from tokensieve.report.schema import Schema, result_schema
from tokensieve.sim.result import SCHEMA_VERSION

_INTRO = f"""\
# `result.json`, version {SCHEMA_VERSION}

<!-- Generated: python -m tokensieve.pages.result > docs/reference/result.md -->

`tokensieve run --json` prints exactly this object on stdout, and `--out DIR` writes it to `DIR/result.json`.
`tokensieve schema result` prints its JSON Schema. `<unit>` stands for a unit of the machine and `<action>` for what it
does; `[]` for each item of a list. The same architecture, workload and seed give the same bytes, the times
in `provenance` aside.
"""


def page() -> str:
    """Return the whole page."""
    rows = [[f"`{name}`", kind, text] for name, kind, text in fields(result_schema())]
    return "\n".join([_INTRO, table(["field", "value", "meaning"], rows)])


def fields(schema: Schema, prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield (dotted name, kind of value, description) of everything below `schema`, in order."""
    for name, below in schema.get("properties", {}).items():
        yield f"{prefix}{name}", _kind(below), below["description"]
        yield from fields(below, f"{prefix}{name}.")
    item = schema.get("additionalProperties")
    if isinstance(item, dict) and "description" in item:
        place = "<action>" if prefix.endswith(">.") else "<unit>"
        yield f"{prefix}{place}", _kind(item), item["description"]
        yield from fields(item, f"{prefix}{place}.")
    if isinstance(schema.get("items"), dict):
        yield from fields(schema["items"], f"{prefix.rstrip('.')}[].")


def _kind(schema: Schema) -> str:
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{choice}`" for choice in schema["enum"])
    kinds: list[str] = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = {"integer": "whole number", "object": "group", "array": "list"}
    return " or ".join(words.get(kind, kind) for kind in kinds)


if __name__ == "__main__":
    print(page())
