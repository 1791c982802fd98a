"""Functions that only kernels may call are called by nobody else: there is no way into them from Python."""

import ast
from pathlib import Path
from types import ModuleType

import pytest

from tokensieve.sim import kernels

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("benchmarks", "explore", "golden", "sim", "tests", "tokensieve", "workloads")
CALLERS = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if path.parent.name != "kernels" and "sim.kernels" in path.read_text()
)


def is_part(function):
    return getattr(function, "targetoptions", {}).get("no_cpython_wrapper", False)


def used(tree):
    """Yield what a module takes from the kernels: names that it imports, and attributes of modules that it imports."""
    modules = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tokensieve.sim.kernels"):
            holder = kernels
            for name in node.module.split(".")[3:]:
                holder = getattr(holder, name, None)
            for alias in node.names:
                found = getattr(holder, alias.name, None)
                if isinstance(found, ModuleType):
                    modules[alias.asname or alias.name] = found
                yield alias.name, found
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield node.attr, getattr(modules[node.value.id], node.attr, None)


@pytest.mark.parametrize("path", CALLERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_python_calls_no_part_of_a_kernel(path):
    called = [name for name, found in used(ast.parse(path.read_text())) if is_part(found)]

    assert not called


def test_parts_are_told_from_kernels():
    assert is_part(kernels.request.send)
    assert not is_part(kernels.fetch.run_on)
