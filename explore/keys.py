"""Digests of many machines at once: the machine written out, with the swept values put in."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy.typing as npt

from tokensieve.arch.machine import Arch

Column = npt.NDArray[Any]


def digests(base: Arch, own: Mapping[str, Column], count: int) -> Iterator[str]:
    """Yield `Arch.digest` of each of `count` designs, `base` with the fields of `own`, valid or not.

    The canonical JSON of the machine is written once, and cut where the swept values stand.
    """
    paths, texts = _cut(base, list(own))
    columns = [_written(path, own[path]) for path in paths]
    begin = hashlib.sha256(texts[0].encode())
    for row in zip(*columns, strict=True) if columns else iter([()] * count):
        whole = begin.copy()
        whole.update("".join(part for pair in zip(row, texts[1:], strict=True) for part in pair).encode())
        yield whole.hexdigest()


def _cut(base: Arch, paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return `paths` in the order in which they stand in the canonical JSON of `base`, and the texts around them."""
    data = json.loads(json.dumps(base.identity))
    marks = {path: f"\x00{i}\x00" for i, path in enumerate(paths)}
    for path, mark in marks.items():
        *groups, field = path.split(".")
        below = data
        for group in groups:
            below = below[group]
        below[field] = mark
    text = json.dumps(data, sort_keys=True, separators=(",", ":"))
    ordered = sorted(paths, key=lambda path: text.index(json.dumps(marks[path])))
    texts = []
    for path in ordered:
        before, _, text = text.partition(json.dumps(marks[path]))
        texts.append(before)
    return ordered, [*texts, text]


def _written(path: str, column: Column) -> list[str]:
    """Return the values of a column as JSON; of a technology file its digest alone, as `Arch.identity`."""
    values = column.tolist()
    if path == "technology":
        values = [str(value).rpartition("@")[2] for value in values]
    known = {(type(value), value): json.dumps(value) for value in set(values)}
    return [known[type(value), value] for value in values]
