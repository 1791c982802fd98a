"""Formulas in a sweep file: arithmetic and comparisons of named figures, computed on whole columns.

Nothing is executed: the text is parsed, and only the nodes listed here are walked. Arithmetic is in double precision,
in which whole numbers up to 2^53 are exact.
"""

import ast
import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import SweepError

Column = npt.NDArray[Any]

MOST_CHARACTERS = 500
"""Longest formula: long enough for anybody, too short to exhaust the parser's stack."""

MOST_DEPTH = 100
"""Deepest nesting, a sum of so many terms for example: a few calls of Python each, of the 1000 that it allows."""

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: np.logical_not,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_OF_MANY: dict[str, Callable[[Any, Any], Any]] = {"min": np.minimum, "max": np.maximum}
_OF_ONE: dict[str, Callable[[Any], Any]] = {
    "abs": np.abs,
    "ceil": np.ceil,
    "floor": np.floor,
    "round": np.rint,
    "sqrt": np.sqrt,
    "log2": np.log2,
}


@dataclass(frozen=True)
class Formula:
    """One formula.

    >>> import numpy as np
    >>> Formula("topk.max_tokens / lanes").value({"topk.max_tokens": 1024, "lanes": np.array([8, 16])})
    array([128.,  64.])
    """

    text: str

    place: str = field(default="", compare=False)
    """Where it stands, ``objectives`` for example: what errors begin with."""

    def __post_init__(self) -> None:
        """Raise `SweepError` where the text is no formula."""
        self._check(self._tree, 0)

    @cached_property
    def _tree(self) -> ast.expr:
        if len(self.text) > MOST_CHARACTERS:
            raise SweepError(f"a formula has at most {MOST_CHARACTERS} characters, got {len(self.text)}")
        try:
            return ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise SweepError(f"{self.text!r} is no formula, for example topk.max_tokens / softmax.lanes") from None

    @property
    def _told(self) -> str:
        return f"{self.place}: {self.text!r}" if self.place else repr(self.text)

    @property
    def is_condition(self) -> bool:
        """Whether it holds or does not, as ``area_mm2.total < 5`` does."""
        return isinstance(self._tree, ast.Compare | ast.BoolOp) or (
            isinstance(self._tree, ast.UnaryOp) and isinstance(self._tree.op, ast.Not)
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Dotted names that it reads, in order of appearance."""
        return tuple(dict.fromkeys(self._names(self._tree)))

    def value(self, figures: Mapping[str, Any]) -> Column:
        """Return the formula of `figures`: numbers, strings or columns of them, by name.

        What has no value, such as a division by zero, is NaN or infinite. Raises `KeyError` for a name without figure,
        and `SweepError` where text is computed with, or compared with a number.
        """
        with np.errstate(all="ignore"):
            return np.asarray(self._value(self._tree, figures))

    def number(self, figures: Mapping[str, Any]) -> npt.NDArray[np.float64]:
        """Return what `value` does, in double precision. Raises `SweepError` where that is text, too."""
        with np.errstate(all="ignore"):
            return np.asarray(self._number(self._tree, figures), np.float64)

    def _check(self, node: ast.expr, depth: int) -> None:
        """Raise `SweepError` for the first node that is not part of a formula."""
        if depth > MOST_DEPTH:
            raise SweepError(f"a formula nests at most {MOST_DEPTH} deep, which {self.text[:40]!r}... does not")
        match node:
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                parts = [left, right]
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                parts = [operand]
            case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARE for op in ops):
                parts = [left, *others]
            case ast.BoolOp(values=values):
                parts = values
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _OF_MANY and arguments:
                parts = arguments
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _OF_ONE:
                if len(arguments) != 1:
                    raise SweepError(f"{self._told}: {name} takes one argument, got {len(arguments)}")
                parts = arguments
            case ast.Constant(value=bool() | int() | float() as value) if not np.isfinite(_double(value)):
                raise SweepError(f"{self._told}: a number must be below 1.8e308, got one that is not")
            case ast.Constant(value=bool() | int() | float() | str()):
                parts = []
            case _ if _dotted(node):
                parts = []
            case _:
                raise SweepError(f"{self._told}: {ast.unparse(node)!r} has no place in a formula")
        for part in parts:
            self._check(part, depth + 1)

    def _names(self, node: ast.expr) -> list[str]:
        name = _dotted(node)
        if name:
            return [name]
        below = node.args if isinstance(node, ast.Call) else ast.iter_child_nodes(node)
        return [name for child in below if isinstance(child, ast.expr) for name in self._names(child)]

    def _value(self, node: ast.expr, figures: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant(value=value):
                return value if isinstance(value, str) else _number(value)
            case ast.BinOp(left=left, op=op, right=right):
                return _BINARY[type(op)](self._number(left, figures), self._number(right, figures))
            case ast.UnaryOp(op=op, operand=operand):
                return _UNARY[type(op)](self._number(operand, figures))
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = self._alike([left, *others], figures)
                held = [_COMPARE[type(op)](a, b) for op, a, b in zip(ops, sides, sides[1:], strict=False)]
                return reduce(np.logical_and, held)
            case ast.BoolOp(op=op, values=values):
                join = np.logical_and if isinstance(op, ast.And) else np.logical_or
                return reduce(join, (self._number(part, figures) for part in values))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                numbers = [self._number(part, figures) for part in arguments]
                return reduce(_OF_MANY[name], numbers) if name in _OF_MANY else _OF_ONE[name](*numbers)
        return _number(figures[_dotted(node)])

    def _number(self, node: ast.expr, figures: Mapping[str, Any]) -> Any:
        """Return the value of a part that must be a number."""
        value = self._value(node, figures)
        if _is_text(value):
            raise SweepError(f"{self._told}: a number is expected, and {ast.unparse(node)} is text")
        return value

    def _alike(self, nodes: Sequence[ast.expr], figures: Mapping[str, Any]) -> list[Any]:
        """Return the values of parts that are compared, all of them text or none."""
        values = [self._value(node, figures) for node in nodes]
        texts = {_is_text(value): ast.unparse(node) for node, value in zip(nodes, values, strict=True)}
        if len(texts) > 1:
            raise SweepError(
                f"{self._told}: text is compared with text alone, and {texts[True]} is text, {texts[False]} a number"
            )
        return values


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or np.asarray(value).dtype.kind == "U"


def _double(value: float) -> float:
    """Return a number in double precision, infinite if it is beyond."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _dotted(node: ast.AST) -> str:
    """Return the dotted name that `node` is, or nothing."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute):
            stem = _dotted(value)
            return f"{stem}.{attribute}" if stem else ""
    return ""


def _number(value: Any) -> Any:
    """Return numbers in double precision, and anything else as a column of strings."""
    column = np.asarray(value)
    if column.dtype == object:
        kinds = {type(one) for one in column.ravel().tolist()}
        return column.astype(np.float64 if kinds <= {bool, int, float} else str)
    return column.astype(np.float64) if column.dtype.kind in "biuf" else column
