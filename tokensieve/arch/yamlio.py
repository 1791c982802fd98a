"""The one YAML loader: YAML 1.2 scalars, duplicate keys refused, line numbers kept for errors."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml
from yaml.reader import ReaderError

from tokensieve.arch.base import shown
from tokensieve.arch.errors import TokensieveError
from tokensieve.arch.reading import MOST_YAML, read_text

Lines = dict[tuple[str, ...], int]

_CORE = "tag:yaml.org,2002:"
_TAGS = {"str", "int", "float", "bool", "null", "map", "seq"}
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_MAX_NODES = 50_000
_MAX_DIGITS = 300
"""Most characters of a number: any longer one is beyond a float's range."""


class _Loader(yaml.SafeLoader):
    """A safe loader with the core schema of YAML 1.2: `1e9` is a number, `on` and `no` are strings."""

    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node; refuse a file of too many before they fill the memory."""
        self.nodes += 1
        if self.nodes > _MAX_NODES:
            mark = parent.start_mark if parent else None
            raise yaml.MarkedYAMLError(problem=f"more than {_MAX_NODES:,} values", problem_mark=mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        return node

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (PyYAML's own protocol)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
):
    for _c in _first:
        _Loader.yaml_implicit_resolvers.setdefault("" if _c == "\0" else _c, []).append(
            (f"{_CORE}{_tag}", re.compile(rf"^(?:{_pattern})$"))
        )


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    text = loader.construct_scalar(node)
    if len(text) > _MAX_DIGITS:
        raise ValueError
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


def _float(loader: _Loader, node: yaml.ScalarNode) -> float:
    return float(loader.construct_scalar(node).replace(".inf", "inf").replace(".nan", "nan").lower())


_Loader.add_constructor(f"{_CORE}int", _integer)
_Loader.add_constructor(f"{_CORE}float", _float)


def parse_yaml(text: str, source: str, error: type[TokensieveError]) -> tuple[dict[str, Any], Lines]:
    """Return the mapping that `text` holds and the line of each of its keys; `source` names it in errors."""
    try:
        return _parse(text, source, error)
    except ReaderError as problem:
        place = f"{source}, line {text.count(chr(10), 0, problem.position) + 1}"
        raise error(f"{place}: not valid YAML: character {problem.character:#x} is not allowed") from None
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        place = f"{source}, line {mark.line + 1}" if mark else source
        why = getattr(problem, "problem", None) or problem
        if "document" in str(why):
            raise error(f"{place}: a second YAML document begins, a file holds one") from None
        tab = "\\t" in str(why) and "cannot start any token" in str(why)
        raise error(f"{place}: not valid YAML: {'a tab where spaces are expected' if tab else why}") from None
    except RecursionError:
        raise error(f"{source}: not valid YAML: nested too deeply") from None


def flag_value(name: str, text: str, error: type[TokensieveError]) -> Any:
    """Return the YAML value that the flag ``--set name=text`` gives, or raise `error`."""
    try:
        data, _ = parse_yaml(f"value: {text}", "", _NotYamlError)
    except _NotYamlError:
        data = {}
    if set(data) != {"value"}:
        digits = len(text.strip())
        if text.strip().lstrip("+-").isdecimal() and digits > _MAX_DIGITS:
            raise error(f"--set {name} must be a number of at most {_MAX_DIGITS} digits, got one of {digits:,}")
        raise error(f"--set {name}: {shown(text)} is not one YAML value")
    return data["value"]


class _NotYamlError(TokensieveError):
    """The text of a value is not YAML; its line says nothing to somebody who typed a flag."""


def _parse(text: str, source: str, error: type[TokensieveError]) -> tuple[dict[str, Any], Lines]:
    if text.lstrip().startswith("{"):  # JSON, whose lines may begin with tabs
        text = _INDENT.sub(lambda found: found[0].replace("\t", "  "), text)
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return {}, {}
        if not isinstance(root, yaml.MappingNode):
            raise error(f"{source}, line {root.start_mark.line + 1}: a mapping of fields is expected at the top")
        check = _Check(loader, source, error)
        check.visit(root, (), frozenset())
        return loader.construct_document(root), check.lines
    finally:
        loader.dispose()


class _Check:
    """Records the line of every key; refuses duplicate keys, keys and values that are not plain, and cycles."""

    def __init__(self, loader: _Loader, source: str, error: type[TokensieveError]) -> None:
        self.lines: Lines = {}
        self._loader, self._source, self._error, self._visits = loader, source, error, 0

    def visit(self, node: yaml.Node, path: tuple[str, ...], above: frozenset[int]) -> None:
        """Check `node`, which stands at `path` below the nodes `above`, and all that is below it."""
        self._visits += 1
        if self._visits > _MAX_NODES:
            raise self._refusal(node, f"more than {_MAX_NODES:,} values (aliases counted each time)")
        if id(node) in above:
            raise self._refusal(node, "an alias that contains itself")
        if node.tag.removeprefix(_CORE) not in _TAGS:
            raise self._refusal(node, f"the tag {node.tag.replace(_CORE, '!!')} is not supported")
        if isinstance(node, yaml.ScalarNode):
            self._scalar(node, path)
        elif isinstance(node, yaml.SequenceNode):
            for i, item in enumerate(node.value):
                self.lines[(*path, str(i))] = item.start_mark.line + 1
                self.visit(item, (*path, str(i)), above | {id(node)})
        elif isinstance(node, yaml.MappingNode):
            self._keys(node, path)
            for key, value in node.value:
                self.visit(value, (*path, key.value), above | {id(node)})

    def _keys(self, node: yaml.MappingNode, path: tuple[str, ...]) -> None:
        seen: dict[str, int] = {}
        for key, _ in node.value:
            if key.value == "<<":
                raise self._refusal(key, "merge keys (<<) are not supported: write out the fields that they bring")
            if not isinstance(key, yaml.ScalarNode) or key.tag != f"{_CORE}str":
                shown = repr(key.value) if isinstance(key, yaml.ScalarNode) else f"a {key.id}"
                raise self._refusal(key, f"a key must be a plain string, got {shown}")
            if key.value in seen:
                where = ".".join((*path, key.value))
                raise self._refusal(key, f"{where} is given twice (first on line {seen[key.value]})")
            seen[key.value] = self.lines[(*path, key.value)] = key.start_mark.line + 1

    def _scalar(self, node: yaml.ScalarNode, path: tuple[str, ...]) -> None:
        """Refuse, while its line is known, a value that its own tag does not fit: `!!int x`, 5,000 digits."""
        try:
            self._loader.construct_object(node)
        except (KeyError, ValueError):
            kind = node.tag.removeprefix(_CORE)
            shown = node.value if len(node.value) <= 40 else f"{node.value[:37]}..."
            raise self._refusal(node, f"{'.'.join(path)} cannot be read as {kind}, got {shown!r}") from None

    def _refusal(self, node: yaml.Node, why: str) -> TokensieveError:
        return self._error(f"{self._source}, line {node.start_mark.line + 1}: {why}")


def yaml_scalar(value: object) -> str:
    """Return `value`, a number, a truth value or a string, as YAML on one line that reads back equal."""
    if not isinstance(value, str):
        return json.dumps(value)
    return yaml.dump(value, default_style='"', width=sys.maxsize).rstrip("\n")


def load_yaml(path: Path, error: type[TokensieveError]) -> tuple[dict[str, Any], Lines]:
    """Return the mapping in the file at `path`, of at least one field, and the line of each of its keys."""
    data, lines = parse_yaml(read_text(path, error, MOST_YAML), str(path), error)
    if not data:
        raise error(f"{path}: is empty, it must have at least one field")
    return data, lines
