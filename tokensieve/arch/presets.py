"""Presets and files: where an `Arch` comes from, and how single fields are overridden."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tokensieve.arch.base import bounds, build, field_names, shown, submodel
from tokensieve.arch.docstrings import field_docs
from tokensieve.arch.errors import ArchError, nearest
from tokensieve.arch.library import Library, merge
from tokensieve.arch.machine import ALONE, Arch
from tokensieve.arch.memory import Dram
from tokensieve.arch.technology import pin_technology
from tokensieve.arch.yamlio import flag_value, yaml_scalar

DRAMS = Library("drams", Dram, "DRAM configuration", "dram")
_HERE = Path("--set")
PRESETS = Library("presets", Arch, "preset", "arch", {"dram": DRAMS}, {"technology": pin_technology}, "an architecture")


def preset_names() -> list[str]:
    """Return the names of the presets that ship with the package."""
    return PRESETS.names()


def about_preset(name: str) -> str:
    """Return in a sentence what the preset called `name` is."""
    return PRESETS.about(name)


def dram_names() -> list[str]:
    """Return the names of the DRAM configurations that ship with the package."""
    return DRAMS.names()


def load_arch(name: str = "spatten", sets: Iterable[str] = ()) -> Arch:
    """Return the preset or YAML file called `name`, with overrides such as ``topk.lanes=8`` applied in order.

    Raises `ArchError` naming field, rule and value, and for a file its line.
    """
    return build(Arch, apply_sets(PRESETS.fields(name), sets), ArchError)


def load_dram(name: str, sets: Iterable[str] = ()) -> Dram:
    """Return the DRAM configuration or YAML file called `name`, with overrides such as ``nFAW=16`` applied in order.

    A leading ``dram.`` of an override may be left out. Raises `ArchError` as `load_arch` does.
    """
    sets = list(sets)
    for item in sets:
        _require_dram(item.partition("=")[0].strip())
    inside = [item if item.lstrip().startswith("dram.") else f"dram.{item.lstrip()}" for item in sets]
    machine = build(Arch, apply_sets({"dram": DRAMS.fields(name)}, inside), ArchError)
    return machine.dram


def _require_dram(name: str) -> None:
    """Refuse a field of another part of the machine."""
    group, dot, _ = name.partition(".")
    if group != "dram" and submodel(Arch, (group,)) and (dot or group not in Dram.model_fields):
        raise ArchError(f"--set must name a field of the DRAM configuration, such as nFAW, got {name}")


def apply_sets(data: Mapping[str, Any], sets: Iterable[str]) -> dict[str, Any]:
    """Return `data` with each ``dotted.name=value`` of `sets` put in; values are read as YAML scalars.

    ``dram.extend=NAME`` puts the DRAM configuration of that name in the place of all DRAM fields; a file that
    ``technology`` names is taken from the working folder.
    """
    result = merge({}, data)
    for item in sets:
        name, equals, text = item.partition("=")
        path = tuple(name.strip().split("."))
        if not equals or not all(path):
            raise ArchError(f"--set {item}: expected NAME=VALUE, for example topk.lanes=8")
        if path == ("dram", "extend"):
            result["dram"] = DRAMS.fields(str(flag_value(name.strip(), text, ArchError)))
            continue
        _require_known(path)
        value = flag_value(name.strip(), text, ArchError)
        if path == ("dram",) and isinstance(value, dict) and "extend" in value:
            raise ArchError(f"--set dram: extend must be given as dram.extend={value['extend']}, got {shown(text)}")
        if path == ("technology",) and isinstance(value, str):
            value = pin_technology(_HERE, value, "technology")
        result = merge(result, _nested(path, value))
    return result


def _nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return `value` inside a group for each name of `path`.

    >>> _nested(("topk", "lanes"), 8)
    {'topk': {'lanes': 8}}
    """
    return {path[0]: _nested(path[1:], value) if path[1:] else value}


def _require_known(path: tuple[str, ...]) -> None:
    for depth, part in enumerate(path):
        known = field_names(Arch, path[:depth])
        if part not in known:
            everything = [n for n, _, _ in all_fields()]
            near = nearest(".".join((*path[:depth], part)), [".".join((*path[:depth], one)) for one in known])
            leaf = depth == len(path) - 1
            hint = (near if leaf and nearest(part, known) else "") or nearest(".".join(path), everything) or near
            raise ArchError(f"{'.'.join(path)} is not a known field{hint}")


def all_fields(model: type[BaseModel] = Arch, prefix: str = "") -> list[tuple[str, str, str]]:
    """Return (dotted name, range in words, description) of every leaf field, in order."""
    rows: list[tuple[str, str, str]] = []
    for name in model.model_fields:
        below = submodel(model, (name,))
        if below:
            rows += all_fields(below, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", bounds(model, (name,)), meaning(model, name)))
    return rows


def priced_fields() -> list[tuple[str, str, str]]:
    """Return those of `all_fields` that a machine may be priced by: not those of units that stand alone."""
    return [row for row in all_fields() if row[0].partition(".")[0] not in ALONE]


def show_yaml(arch: Arch) -> str:
    """Return `arch` as YAML that loads back to an equal `Arch`, with what each field means as a comment."""
    lines = _show(arch, "")
    return "\n".join(lines) + "\n"


def _show(model: BaseModel, indent: str) -> list[str]:
    lines = []
    for name in type(model).model_fields:
        value, note = getattr(model, name), meaning(type(model), name)
        if isinstance(value, BaseModel):
            lines += [f"{indent}{name}:  # {note}", *_show(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {yaml_scalar(value)}  # {note}")
    return lines


def meaning(model: type[BaseModel], name: str) -> str:
    """Return what the field `name` of `model` means, on one line; fields written in a block share the text below it."""
    names, docs = list(model.model_fields), field_docs(model)
    below = (docs.get(n) for n in names[names.index(name) :])
    return " ".join(next((text for text in below if text), "").split())


def arch_schema() -> dict[str, Any]:
    """Return the JSON Schema of an architecture file."""
    schema = Arch.model_json_schema()
    schema["properties"]["extend"] = {"type": "string", "description": "Preset or file that this one starts from."}
    schema["properties"]["technology"].pop("pattern")
    schema["$defs"]["Dram"]["properties"]["extend"] = {
        "type": "string",
        "description": "DRAM configuration or file that these fields start from.",
    }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
