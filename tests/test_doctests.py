"""The examples in docstrings are true."""

import doctest
import importlib
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def modules_with_examples():
    """Return the import names of all modules that have a doctest in them."""
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    for package in setuptools["packages"]:
        folder = ROOT / package_folder(package, setuptools["package-dir"])
        for file in sorted(folder.glob("*.py")):
            if ">>> " in file.read_text(encoding="utf-8"):
                yield package if file.stem == "__init__" else f"{package}.{file.stem}"


def package_folder(package, mapped):
    """Return the folder of a package: of the nearest parent that is mapped, with what is left of the name."""
    for name, folder in mapped.items():
        if f"{package}.".startswith(f"{name}."):
            return (folder + package.removeprefix(name)).replace(".", "/")
    return package.replace(".", "/")


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_examples_in_docstrings_are_true(name):
    result = doctest.testmod(importlib.import_module(name))

    assert result.attempted > 0
    assert result.failed == 0
