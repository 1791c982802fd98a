"""Presets and files: where an `Arch` comes from, and how single fields are overridden."""

import json
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tokensieve.arch.base import bounds, build, field_names, submodel
from tokensieve.arch.errors import ArchError, nearest
from tokensieve.arch.machine import Arch
from tokensieve.arch.yamlio import Lines, load_yaml, parse_yaml

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
    data, lines, source = _resolve(name, ())
    arch = build(Arch, data, ArchError, lines, source)
    sets = list(sets)
    return build(Arch, apply_sets(data, sets), ArchError) if sets else arch


def apply_sets(data: Mapping[str, Any], sets: Iterable[str]) -> dict[str, Any]:
    """Return `data` with each ``dotted.name=value`` of `sets` put in; values are read as YAML scalars."""
    result = _merge({}, data)
    for item in sets:
        name, equals, text = item.partition("=")
        path = tuple(name.strip().split("."))
        if not equals or not all(path):
            raise ArchError(f"--set {item}: expected NAME=VALUE, for example topk.lanes=8")
        _require_known(path)
        value, _ = parse_yaml(f"value: {text}", f"--set {name}", ArchError)
        here = result
        for part in path[:-1]:
            below = here.setdefault(part, {})
            if not isinstance(below, dict):
                raise ArchError(f"{part} must be a group of fields, got {below!r}")
            here = below
        here[path[-1]] = value["value"]
    return result


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
    for name, field in model.model_fields.items():
        below = submodel(model, (name,))
        if below:
            rows += all_fields(below, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", bounds(model, (name,)), " ".join((field.description or "").split())))
    return rows


def _merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with the groups and values of `over` laid on top; neither is changed."""
    result = {k: _merge({}, v) if isinstance(v, Mapping) else v for k, v in base.items()}
    for key, value in over.items():
        below = result.get(key)
        result[key] = _merge(below if isinstance(below, dict) else {}, value) if isinstance(value, Mapping) else value
    return result


def _resolve(name: str, seen: tuple[str, ...]) -> tuple[dict[str, Any], Lines, str]:
    """Return the merged fields of `name` and everything it extends, with the lines of the outermost file."""
    path = _find(name)
    key = str(path.resolve())
    if key in seen or len(seen) >= _MAX_EXTENDS:
        raise ArchError(f"{path}: extend runs in a circle ({' -> '.join(Path(s).stem for s in (*seen, key))})")
    data, lines = load_yaml(path, ArchError)
    parent = data.pop("extend", None)
    lines.pop(("extend",), None)
    if parent is None:
        return data, lines, str(path)
    if not isinstance(parent, str) or not parent:
        raise ArchError(f"{path}: extend must be the name of a preset or a file, got {parent!r}")
    if parent not in preset_names():
        if not (path.parent / parent).is_file():
            raise _unknown(f"{path}: extend", parent)
        parent = str(path.parent / parent)
    base, _, _ = _resolve(parent, (*seen, key))
    return _merge(base, data), lines, str(path)


def _find(name: str) -> Path:
    if name in preset_names():
        return Path(str(resources.files("tokensieve.arch") / "presets" / f"{name}.yaml"))
    if name.endswith(_SUFFIXES) or "/" in name or Path(name).is_file():
        return Path(name)
    raise _unknown("arch", name)


def _unknown(field: str, name: str) -> ArchError:
    known = preset_names()
    return ArchError(f"{field} must be a preset ({', '.join(known)}) or a YAML file, got {name!r}{nearest(name, known)}")


def show_yaml(arch: Arch) -> str:
    """Return `arch` as YAML, every field with its unit and meaning as a comment; the text loads back to an equal `Arch`."""
    lines = _show(arch, "")
    return "\n".join(lines) + "\n"


def _show(model: BaseModel, indent: str) -> list[str]:
    lines = []
    for name, field in type(model).model_fields.items():
        value, note = getattr(model, name), " ".join((field.description or "").split())
        if isinstance(value, BaseModel):
            lines += [f"{indent}{name}:  # {note}", *_show(value, indent + "  ")]
        else:
            lines.append(f"{indent}{name}: {_scalar(value)}  # {note}" if note else f"{indent}{name}: {_scalar(value)}")
    return lines


def _scalar(value: object) -> str:
    return json.dumps(value)


def arch_schema() -> dict[str, Any]:
    """Return the JSON Schema of an architecture file."""
    schema = Arch.model_json_schema()
    schema["properties"]["extend"] = {"type": "string", "description": "Preset or file that this one starts from."}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
