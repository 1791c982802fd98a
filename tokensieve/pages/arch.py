"""The reference page of an architecture's fields: ``python -m tokensieve.pages.arch > docs/reference/arch.md``."""

from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from tokensieve.arch import Arch, ArchError, load_arch, preset_names
from tokensieve.arch.base import bounds, build, submodel
from tokensieve.arch.presets import all_fields, meaning
from tokensieve.report.markdown import table

_INTRO = """\
# Architecture files

<!-- Generated: python -m tokensieve.pages.arch > docs/reference/arch.md -->

An architecture is a YAML file, or a preset, in which any of the fields below may stand. What is left out has its
default, that of the SpAtten paper's full design. `extend:` names a preset to start from, or another file, whose name is
relative to this one:

```yaml
extend: spatten
name: sixteen-channels-slow-topk
topk: {lanes: 4}
dram: {window: 16}
```

`--set NAME=VALUE` overrides a field of whatever `--arch` names. `tokensieve presets show NAME` prints every field of an
architecture, and `tokensieve schema arch` the JSON Schema of the file. Numbers are read as in YAML 1.2 (`1e9` is a
number, `on` a string). Unknown names, wrong types and impossible combinations are refused.
"""


def page() -> str:
    """Return the whole page."""
    arch = Arch()
    groups = [name for name in Arch.model_fields if submodel(Arch, (name,))]
    parts = [_INTRO, _section("The machine", Arch, arch, ())]
    parts += [_section(f"`{name}`", type(getattr(arch, name)), getattr(arch, name), (name,)) for name in groups]
    return "\n".join([*parts, _presets()])


def _section(title: str, model: type[BaseModel], default: BaseModel, path: tuple[str, ...]) -> str:
    about = meaning(Arch, path[0]) + " " if path else ""
    text = " ".join((about + (model.__doc__ or "")).split())
    rows = [
        _row(model, name, getattr(default, name), path) for name in model.model_fields if not submodel(model, (name,))
    ]
    return "\n".join([f"## {title}", "", text, "", table(["field", "value", "default", "meaning"], rows), ""])


def _row(model: type[BaseModel], name: str, default: object, path: tuple[str, ...]) -> list[str]:
    return [f"`{'.'.join((*path, name))}`", values(model, name), f"`{shown(default)}`", meaning(model, name)]


def values(model: type[BaseModel], name: str) -> str:
    """Return which values a field may have, in words."""
    kind = model.model_fields[name].annotation
    if get_origin(kind) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(kind))
    if kind is int:
        word = "power of two" if _only_powers_of_two(model, name) else "whole number"
        return f"{word} {bounds(model, (name,))}".rstrip()
    if kind == int | None:
        word = "power of two" if _only_powers_of_two(model, name) else "whole number"
        return f"{word} {bounds(model, (name,))} or `null`"
    words: dict[Any, str] = {bool: "`true` or `false`", str: "string", float: "number"}
    return f"{words[kind]} {bounds(model, (name,))}".rstrip()


def _only_powers_of_two(model: type[BaseModel], name: str) -> bool:
    """Return whether the model itself says so when it is offered another number."""
    low = next((int(m.ge) for m in model.model_fields[name].metadata if hasattr(m, "ge")), 0)
    other = next(n for n in range(max(low, 3), low + 8) if n & (n - 1))
    try:
        build(model, {name: other}, ArchError)
    except ArchError as problem:
        return f"{name} must be a power of two" in str(problem)
    return False


def shown(value: object) -> str:
    """Return `value` as it stands in a YAML file."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _presets() -> str:
    names = preset_names()
    loaded = [load_arch(name) for name in names]
    rows = []
    for field, _, _ in all_fields():
        found = [shown(_get(arch, field)) for arch in loaded]
        if len(set(found)) > 1:
            rows.append([f"`{field}`", *(f"`{value}`" for value in found)])
    text = "Fields in which the presets differ; all others are the same in each."
    return "\n".join(["## Presets", "", text, "", table(["field", *(f"`{n}`" for n in names)], rows)])


def _get(arch: Arch, field: str) -> object:
    value: object = arch
    for part in field.split("."):
        value = getattr(value, part)
    return value


if __name__ == "__main__":
    print(page())
