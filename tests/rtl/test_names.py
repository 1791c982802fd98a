"""Signals and memory ports have names: every Python writes the same Verilog, and no reader of it meets ``$signal``."""

import ast

import pytest


def makes_a_signal(node):
    """Return whether an expression is a call of `Signal` or `Signal.like` without a name, or of a memory for a port."""
    if not isinstance(node, ast.Call) or any(given.arg == "name" for given in node.keywords):
        return False
    if isinstance(node.func, ast.Attribute) and node.func.attr in {"read_port", "write_port"}:
        return True
    called = node.func.value if isinstance(node.func, ast.Attribute) and node.func.attr == "like" else node.func
    return isinstance(called, ast.Name) and called.id == "Signal"


def unnamed(source):
    """Return the lines of signals that are made where Amaranth finds no name: not alone behind their own ``=``."""
    tree = ast.parse(source)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Assign | ast.AnnAssign)}
    return [node.lineno for node in ast.walk(tree) if makes_a_signal(node) and id(node) not in alone]


def test_every_signal_is_assigned_alone_or_has_a_name(root):
    files = [file for file in sorted((root / "rtl").rglob("*.py")) if "flow" not in file.parts]
    found = {file.name: unnamed(file.read_text(encoding="utf-8")) for file in files}

    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("a, b = Signal(), Signal.like(c)", [1, 1]),
        ("a = [Signal() for _ in c]", [1]),
        ("a, b = c.write_port(), c.read_port()", [1, 1]),
        ("a = Signal()\nb = [Signal(name=n) for n in c]", []),
    ],
)
def test_what_has_no_name_is_found(source, lines):
    assert unnamed(source) == lines
