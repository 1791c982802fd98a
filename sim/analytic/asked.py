"""Answers of a function for every design of a batch, asked for once for all designs that agree on what it reads."""

from collections.abc import Callable, Iterable
from functools import partial
from heapq import heappop, heappush
from types import FunctionType, MethodType
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.sim.analytic.reads import noted

I64 = npt.NDArray[np.int64]
Call = Callable[[Arch], Any]


class Asked(NamedTuple):
    """Answers and which of them each design has."""

    answers: npt.NDArray[Any]
    """Shape (..., answers)."""

    which: I64
    """Shape (designs,)."""


class Machines(Protocol):
    """What is asked of a batch."""

    def __len__(self) -> int: ...

    def column(self, path: str) -> npt.NDArray[Any]:
        """Return the field at a dotted path of every design."""

    def laid_on(self, index: int) -> tuple[Arch, dict[str, Any]]:
        """Return a machine, and the fields whose values of one design differ from it."""

    def kinds(self, path: str) -> I64 | None:
        """Return a number for each design, equal where the field at `path` is; None where it is equal in all."""

    def split(self, designs: I64, path: str) -> list[I64]:
        """Return `designs` in parts that agree on the field at `path`."""


def ask(batch: Machines, call: Call, arrays: tuple[str, ...]) -> Asked:
    """Return the answers of `call`, which depends on nothing but the machine that it is given.

    It is called for the first design, and the fields that it reads are noted: the answer is that of all designs that
    agree on these. Field by field, in the order in which they are read, the designs that differ are put aside, and
    `call` is called for the first of them. So there is one call for each combination of values that are read. Where
    some of these are among `arrays`, one more call gets arrays of their values, of all designs that agree on the rest.
    """
    answers: list[npt.NDArray[Any]] = []
    which, count = np.empty(len(batch), np.int64), 0
    waiting = [(0, np.arange(len(batch)), frozenset[str]())]  # the first of some designs, all, fields they agree on
    while waiting:
        first, designs, agreed = heappop(waiting)
        base, own = batch.laid_on(first)
        answer, reads = noted(call, base, own)
        further = [path for path in reads if path not in agreed and path not in arrays]
        for i, path in enumerate(further, 1):
            parts = batch.split(designs, path)
            if len(parts) == 1:
                continue
            designs = next(part for part in parts if part[0] == first)
            for other in (part for part in parts if part[0] != first):
                heappush(waiting, (int(other[0]), other, agreed.union(further[:i])))
        if together := [path for path in reads if path in arrays]:
            some, number = _distinct(batch, together, designs)
            answer = noted(call, base, own | {path: batch.column(path)[some] for path in together})[0]
            answers.append(_of_each(answer, len(some)))
            which[designs] = count + number
        else:
            answers.append(np.asarray(answer)[..., None])
            which[designs] = count
        count += answers[-1].shape[-1]
    return Asked(np.concatenate(answers, axis=-1), which)


def _distinct(batch: Machines, paths: list[str], designs: I64) -> tuple[I64, I64]:
    """Return some of `designs`, one for each value of the only field at `paths` (or all), and which stands for which.

    Designs that differ in several fields are taken to be distinct.
    """
    if len(paths) > 1:
        return designs, np.arange(len(designs))
    kinds = batch.kinds(paths[0])
    own = np.zeros(len(designs), np.int64) if kinds is None else kinds[designs]
    last = np.full(own.max() + 1, -1)
    last[own] = designs
    return last[last >= 0], (np.cumsum(last >= 0) - 1)[own]


def distinct(columns: Iterable[I64]) -> tuple[I64, I64]:
    """Return one place for each combination of values that columns of equal length hold, and which place has which."""
    number, kinds = np.zeros(1, np.int64), 1
    for column in columns:
        low, high = int(column.min()), int(column.max())
        if kinds * (high - low + 1) >= 1 << 62:
            number = np.unique(number, return_inverse=True)[1]
            kinds = int(number.max()) + 1
            column = np.unique(column, return_inverse=True)[1]
            low, high = 0, int(column.max())
        number, kinds = number * (high - low + 1) + (column - low), kinds * (high - low + 1)
    _, first, which = np.unique(number, return_index=True, return_inverse=True)
    return first, which


def _of_each(answer: Any, designs: int) -> npt.NDArray[Any]:
    """Return an answer, or a list of answers, each of one design or an array over `designs`, as (..., designs)."""
    if isinstance(answer, list):
        return np.stack([np.broadcast_to(one, designs) for one in answer])
    return np.broadcast_to(answer, designs)


def identity(call: Call) -> object:
    """Return what two functions share that answer alike: their code and all that it closes over."""
    if isinstance(call, partial):
        assert not call.keywords, f"{call.func} is asked with keywords"
        return identity(call.func), _Held(call.args)
    if isinstance(call, MethodType):
        return identity(call.__func__), _Held((call.__self__,))
    assert isinstance(call, FunctionType), f"{call!r} is no function"
    return call.__module__, call.__code__, _Held([cell.cell_contents for cell in call.__closure__ or ()])


class _Held:
    """Values that a function holds: equal where they are the same objects, or equal words or whole numbers."""

    def __init__(self, values: Iterable[object]) -> None:
        self._values = tuple(values)
        self._names = tuple(_name(one) for one in self._values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self._names == other._names

    def __hash__(self) -> int:
        return hash(self._names)


def _name(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(_name(one) for one in value)
    return value if isinstance(value, str | int) else id(value)
