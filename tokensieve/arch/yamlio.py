"""The one YAML loader: YAML 1.2 scalars, duplicate keys refused, line numbers kept for errors."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from tokensieve.arch.errors import TokensieveError

Lines = dict[tuple[str, ...], int]


class _Loader(yaml.SafeLoader):
    """A safe loader with the core schema of YAML 1.2: `1e9` is a number, `on` and `no` are strings."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (PyYAML's own protocol)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+.0123456789"),
):
    for _c in _first:
        _Loader.yaml_implicit_resolvers.setdefault("" if _c == "\0" else _c, []).append(
            (f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"))
        )


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node)
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


def _float(loader: _Loader, node: yaml.ScalarNode) -> float:
    return float(loader.construct_scalar(node).replace(".inf", "inf").replace(".nan", "nan").lower())


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


def parse_yaml(text: str, source: str, error: type[TokensieveError]) -> tuple[dict[str, Any], Lines]:
    """Return the mapping that `text` holds and the line of each of its keys; `source` names it in errors."""
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return {}, {}
        if not isinstance(root, yaml.MappingNode):
            raise error(f"{source}, line {root.start_mark.line + 1}: a mapping of fields is expected at the top")
        lines: Lines = {}
        _check(root, (), lines, source, error, set())
        return loader.construct_document(root), lines
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        place = f"{source}, line {mark.line + 1}" if mark else source
        raise error(f"{place}: not valid YAML: {getattr(problem, 'problem', None) or problem}") from None
    except (RecursionError, ValueError) as problem:
        raise error(f"{source}: not valid YAML: {problem}") from None
    finally:
        loader.dispose()


def _check(
    node: yaml.Node, path: tuple[str, ...], lines: Lines, source: str, error: type[TokensieveError], above: set[int]
) -> None:
    """Record the line of every key below `node`; refuse duplicate keys, keys that are no strings, and cycles."""
    if id(node) in above:
        raise error(f"{source}, line {node.start_mark.line + 1}: an alias that contains itself")
    above = above | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            lines[(*path, str(i))] = item.start_mark.line + 1
            _check(item, (*path, str(i)), lines, source, error, above)
    if isinstance(node, yaml.MappingNode):
        seen: dict[Hashable, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                shown = getattr(key, "value", "?")
                raise error(f"{source}, line {line}: a key must be a plain string, got {shown!r}")
            if key.value in seen:
                where = ".".join((*path, key.value))
                raise error(f"{source}, line {line}: {where} is given twice (first on line {seen[key.value]})")
            seen[key.value] = line
            lines[(*path, key.value)] = line
            _check(value, (*path, key.value), lines, source, error, above)


def load_yaml(path: Path, error: type[TokensieveError]) -> tuple[dict[str, Any], Lines]:
    """Return the mapping in the file at `path` and the line of each of its keys."""
    return parse_yaml(read_text(path, error), str(path), error)


def read_text(path: Path, error: type[TokensieveError]) -> str:
    """Return the UTF-8 text of the file at `path`, or raise `error` in a user's words."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise error(f"{path}: no such file") from None
    except IsADirectoryError:
        raise error(f"{path}: is a directory, a file is expected") from None
    except UnicodeDecodeError as problem:
        raise error(f"{path}: not UTF-8 text (byte {problem.start})") from None
    except (OSError, ValueError) as problem:
        raise error(f"{path}: cannot be read: {getattr(problem, 'strerror', None) or problem}") from None
