"""Formulas in a sweep file: arithmetic and comparisons of named figures, computed on whole columns.

Nothing is executed: the text is parsed, and only the nodes listed here are walked. Arithmetic is in double precision,
in which whole numbers up to 2^53 are exact.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import SweepError

Column = npt.NDArray[Any]

MOST_CHARACTERS = 500
"""Longest formula: deep enough for anybody, too short to exhaust the parser's stack."""

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
_CALLS: dict[str, Callable[..., Any]] = {
    "min": lambda *a: reduce(np.minimum, a),
    "max": lambda *a: reduce(np.maximum, a),
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

    def __post_init__(self) -> None:
        """Raise `SweepError` where the text is no formula."""
        self._check(self._tree)

    @cached_property
    def _tree(self) -> ast.expr:
        if len(self.text) > MOST_CHARACTERS:
            raise SweepError(f"a formula has at most {MOST_CHARACTERS} characters, got {len(self.text)}")
        try:
            return ast.parse(self.text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            raise SweepError(f"{self.text!r} is no formula, for example topk.max_tokens / softmax.lanes") from None

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

        What has no value, such as a division by zero, is NaN or infinite. Raises `KeyError` for a name without figure.
        """
        with np.errstate(all="ignore"):
            return np.asarray(self._value(self._tree, figures))

    def _check(self, node: ast.expr) -> None:
        """Raise `SweepError` for the first node that is not part of a formula."""
        match node:
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _BINARY:
                parts = [left, right]
            case ast.UnaryOp(op=op, operand=operand) if type(op) in _UNARY:
                parts = [operand]
            case ast.Compare(left=left, ops=ops, comparators=others) if all(type(op) in _COMPARE for op in ops):
                parts = [left, *others]
            case ast.BoolOp(values=values):
                parts = values
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _CALLS and arguments:
                parts = arguments
            case ast.Constant(value=bool() | int() | float() | str()):
                parts = []
            case _ if _dotted(node):
                parts = []
            case _:
                raise SweepError(f"{self.text!r}: {ast.unparse(node)!r} has no place in a formula")
        for part in parts:
            self._check(part)

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
                return _BINARY[type(op)](self._value(left, figures), self._value(right, figures))
            case ast.UnaryOp(op=op, operand=operand):
                return _UNARY[type(op)](self._value(operand, figures))
            case ast.Compare(left=left, ops=ops, comparators=others):
                sides = [self._value(side, figures) for side in (left, *others)]
                held = [_COMPARE[type(op)](a, b) for op, a, b in zip(ops, sides, sides[1:], strict=False)]
                return reduce(np.logical_and, held)
            case ast.BoolOp(op=op, values=values):
                join = np.logical_and if isinstance(op, ast.And) else np.logical_or
                return reduce(join, (self._value(part, figures) for part in values))
            case ast.Call(func=ast.Name(id=name), args=arguments):
                return _CALLS[name](*(self._value(part, figures) for part in arguments))
        return _number(figures[_dotted(node)])


def _dotted(node: ast.AST) -> str:
    """Return the dotted name that `node` is, or nothing."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attribute) if _dotted(value):
            return f"{_dotted(value)}.{attribute}"
    return ""


def _number(value: Any) -> Any:
    """Return numbers in double precision, and anything else as a column of strings."""
    column = np.asarray(value)
    if column.dtype == object:
        kinds = {type(one) for one in column.ravel().tolist()}
        return column.astype(np.float64 if kinds <= {bool, int, float} else str)
    return column.astype(np.float64) if column.dtype.kind in "biuf" else column
