"""Presets and files: where an `Arch` comes from, and how single fields are overridden."""

import os
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tokensieve.arch.base import bounds, build, field_names, shown, submodel
from tokensieve.arch.errors import ArchError, nearest
from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import technology_names
from tokensieve.arch.yamlio import load_yaml, parse_yaml, yaml_scalar

_SUFFIXES = (".yaml", ".yml")
_MAX_EXTENDS = 16


def preset_names() -> list[str]:
    """Return the names of the presets that ship with the package."""
    folder = resources.files("tokensieve.arch") / "presets"
    return sorted(p.name.removesuffix(".yaml") for p in folder.iterdir() if p.name.endswith(".yaml"))


def load_arch(name: str = "spatten", sets: Iterable[str] = ()) -> Arch:
    """Return the preset or YAML file called `name`, with overrides such as ``topk.lanes=8`` applied in order.

    Raises `ArchError` naming field, rule and value, and for a file its line.
    """
    arch = build(Arch, apply_sets(_resolve(name, ()), sets), ArchError)
    known = technology_names()
    if arch.technology not in known:
        hint = nearest(arch.technology, known)
        raise ArchError(f"technology must be one of {', '.join(known)}, got {arch.technology!r}{hint}")
    return arch


def apply_sets(data: Mapping[str, Any], sets: Iterable[str]) -> dict[str, Any]:
    """Return `data` with each ``dotted.name=value`` of `sets` put in; values are read as YAML scalars."""
    result = _merge({}, data)
    for item in sets:
        name, equals, text = item.partition("=")
        path = tuple(name.strip().split("."))
        if not equals or not all(path):
            raise ArchError(f"--set {item}: expected NAME=VALUE, for example topk.lanes=8")
        _require_known(path)
        result = _merge(result, _nested(path, _value(name.strip(), text)))
    return result


def _value(name: str, text: str) -> Any:
    try:
        value, _ = parse_yaml(f"value: {text}", "", _NotYamlError)
    except _NotYamlError:
        value = {}
    if set(value) != {"value"}:
        raise ArchError(f"--set {name}: {shown(text)} is not one YAML value")
    return value["value"]


class _NotYamlError(ArchError):
    """The text of a value is not YAML; its line says nothing to somebody who typed a flag."""


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
            hint = nearest(part, known) or nearest(".".join(path), everything)
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


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the groups and values of `over` laid on top; neither is changed."""
    result = {k: _merge({}, v) if isinstance(v, Mapping) else v for k, v in base.items()}
    for key, value in over.items():
        below = result.get(key)
        result[key] = _merge(below if isinstance(below, dict) else {}, value) if isinstance(value, Mapping) else value
    return result


def _resolve(name: str, seen: tuple[str, ...]) -> dict[str, Any]:
    """Return the merged fields of `name` and of everything it extends.

    Each file has to be a whole machine together with what it extends, so that an error names the file it stands in.
    """
    path = _find(name)
    key = os.path.realpath(path)
    if key in seen or len(seen) >= _MAX_EXTENDS:
        chain = " -> ".join(Path(s).stem for s in (*seen, key))
        raise ArchError(f"{path}: extend runs in a circle or too far ({chain})")
    data, lines = load_yaml(path, ArchError)
    if "extend" in data:
        place = f"{path}, line {lines.pop(('extend',))}: extend"
        data = _merge(_resolve(_parent(path, data.pop("extend"), place), (*seen, key)), data)
    build(Arch, data, ArchError, lines, str(path))
    return data


def _parent(path: Path, parent: object, place: str) -> str:
    """Return the preset or file that the file at `path` extends; a file's name is relative to it."""
    if not isinstance(parent, str) or not parent:
        raise ArchError(f"{place} must be the name of a preset or a file, got {shown(parent)}")
    if parent in preset_names():
        return parent
    beside = os.path.join(path.parent, parent)
    if not os.path.isfile(beside):
        raise _unknown(place, parent)
    return beside


def _find(name: str) -> Path:
    if name in preset_names():
        return Path(str(resources.files("tokensieve.arch") / "presets" / f"{name}.yaml"))
    if name.endswith(_SUFFIXES) or "/" in name or os.path.isfile(name):
        return Path(name)
    raise _unknown("arch", name)


def _unknown(field: str, name: str) -> ArchError:
    known = preset_names()
    return ArchError(
        f"{field} must be a preset ({', '.join(known)}) or a YAML file, got {shown(name)}{nearest(name, known)}"
    )


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
    names = list(model.model_fields)
    below = (model.model_fields[n].description for n in names[names.index(name) :])
    return " ".join(next((text for text in below if text), "").split())


def arch_schema() -> dict[str, Any]:
    """Return the JSON Schema of an architecture file."""
    schema = Arch.model_json_schema()
    schema["properties"]["extend"] = {"type": "string", "description": "Preset or file that this one starts from."}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
