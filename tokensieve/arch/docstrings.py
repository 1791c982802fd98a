"""Docstrings below fields, read from the source when they are asked for: most commands never ask."""

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from itertools import pairwise


@cache
def field_docs(model: type) -> Mapping[str, str]:
    """Return the docstring of every field of a class that has one, those of the classes it is made from too."""
    told: dict[str, str] = {}
    for one in reversed(model.__mro__):
        body = class_bodies(one.__module__).get(one.__name__, ()) if one.__module__.startswith("tokensieve") else ()
        for node, below in pairwise(body):
            text = written(below)
            if text and isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                told[node.target.id] = inspect.cleandoc(text)
    return told


@cache
def class_bodies(module: str) -> dict[str, list[ast.stmt]]:
    """Return the statements of every class of a loaded module."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node.body for node in tree.body if isinstance(node, ast.ClassDef)}


def written(node: ast.stmt | None) -> str | None:
    """Return the text of a statement that is nothing but a string."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
        return node.value.value
    return None
