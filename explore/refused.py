"""Which designs are no machine: every combination of swept fields that a rule reads is checked once.

A field's own rule and those within a group are checked for the combinations of the group's swept fields, rules across
groups for the combinations of the fields that they read.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from tokensieve.arch.base import build
from tokensieve.arch.errors import ArchError
from tokensieve.arch.library import merge
from tokensieve.arch.machine import RULES, RUN_RULES, Arch, Rule
from tokensieve.sim.analytic.batch import Sweep, each
from tokensieve.sim.analytic.reads import noted

Column = npt.NDArray[Any]
I64 = npt.NDArray[np.int64]

VALID = -1


class Refusals:
    """Finds refused designs, and keeps each rule's words once."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        """Why designs are refused, each once."""

        self._number: dict[str, int] = {}

    def number(self, message: str) -> int:
        """Return the number of a message."""
        if message not in self._number:
            self._number[message] = len(self.messages)
            self.messages.append(message)
        return self._number[message]

    def of(self, base: Arch, fields: Mapping[str, Column], count: int) -> I64:
        """Return for each of `count` designs the number of the message that refuses it, `VALID` where it is a machine.

        A design is `base` with its values of `fields`.
        """
        which = np.full(count, VALID, np.int64)
        for group in dict.fromkeys(path.partition(".")[0] for path in fields):
            self._check(base, _within(fields, [group]), which)
        for rule in (*RULES, *RUN_RULES):
            self._check_rule(base, fields, which, rule)
        return which

    def _check_rule(self, base: Arch, fields: Mapping[str, Column], which: I64, rule: Rule) -> None:
        """Check a rule that ties groups together, of designs whose groups are valid."""
        read = noted(rule.holds, base, {})[1]
        left = np.flatnonzero(which == VALID)
        own = {path: _typed(column[left]) for path, column in fields.items() if path in read}
        if not own or not len(left):
            return
        sweep = Sweep.unchecked(base, own, len(left))
        wrong = np.flatnonzero(~each(sweep, rule.holds, tuple(own)))
        for some in combinations([column[wrong] for column in own.values()], len(wrong)):
            which[left[wrong[some]]] = self.number(rule.words(sweep.arch(int(wrong[some[0]]))))

    def _check(self, base: Arch, fields: Mapping[str, Column], which: I64) -> None:
        """Check each combination of `fields` that a design not yet refused has."""
        if not fields:
            return
        left = np.flatnonzero(which == VALID)
        for some in combinations([column[left] for column in fields.values()], len(left)):
            designs = left[some]
            own = {path: column.item(int(designs[0])) for path, column in fields.items()}
            if not _group_fits(base, own):
                which[designs] = self.number(_message(base, own))


def combinations(columns: Sequence[Column], count: int) -> list[I64]:
    """Return the numbers of `count` rows in parts that agree on every column, in order of their first rows."""
    if not count:
        return []
    code = np.zeros(count, np.int64)
    for column in columns:
        values, kinds = np.unique(column.astype(str) if column.dtype == object else column, return_inverse=True)
        _, code = np.unique(code * len(values) + kinds, return_inverse=True)
    order = np.argsort(code, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(code[order])) + 1)


def _within(fields: Mapping[str, Column], groups: Iterable[str]) -> dict[str, Column]:
    return {path: column for path, column in fields.items() if path.partition(".")[0] in groups}


def laid_on(base: Arch, own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `base` with those of `own`, by dotted path, laid on top."""
    data: dict[str, Any] = base.model_dump()
    for path, value in own.items():
        group, _, name = path.partition(".")
        data = merge(data, {group: {name: value}} if name else {group: value})
    return data


def _group_fits(base: Arch, own: Mapping[str, Any]) -> bool:
    """Return whether one group of a machine is valid by itself."""
    group, _, name = next(iter(own)).partition(".")
    try:
        if name:
            model = getattr(base, group)
            type(model).model_validate(model.model_dump() | {path.partition(".")[2]: v for path, v in own.items()})
        else:
            Arch.model_validate(base.model_dump() | dict(own))
    except ValidationError as problem:
        return not name and all(item["loc"] != (group,) for item in problem.errors())
    return True


def _typed(column: Column) -> Column:
    """Return a column of objects that are all of one type as an array of that type."""
    return np.array(column.tolist()) if column.dtype == object else column


def _message(base: Arch, own: Mapping[str, Any]) -> str:
    """Return the words in which `Arch` refuses a combination."""
    try:
        build(Arch, laid_on(base, own), ArchError)
    except ArchError as problem:
        return str(problem).partition("\n")[0]
    raise AssertionError(f"{dict(own)} is refused by a part of the machine and not by the whole")
