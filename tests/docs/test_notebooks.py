"""The notebooks of the docs run, and print what is stored in them."""

import sys
from importlib.util import find_spec

import pytest
from conftest import ROOT, lacking

NOTEBOOKS = sorted((ROOT / "docs").rglob("*.ipynb"))


@pytest.fixture
def scripts(monkeypatch):
    """The module that stores what notebooks print."""
    missing = [name for name in ("nbformat", "nbclient", "ipykernel", "pandas") if find_spec(name) is None]
    if missing:
        lacking(f"{', '.join(missing)} missing: pip install -e '.[explore,dev]'")
    monkeypatch.setattr(sys, "path", [str(ROOT / "scripts"), *sys.path])
    import notebook

    return notebook


def test_there_is_a_notebook():
    assert [path.name for path in NOTEBOOKS] == ["explore.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_prints_what_is_stored(path, scripts):
    stored = scripts.nbformat.read(path, as_version=4)

    fresh = scripts.executed(path)

    for cell, wanted, told in zip(
        (one for one in stored.cells if one.cell_type == "code"),
        scripts.printed(stored), scripts.printed(fresh), strict=True,
    ):  # fmt: skip
        assert told == wanted, cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_names_no_path_and_no_time(path):
    text = path.read_text(encoding="utf-8")

    assert str(ROOT) not in text
    assert "/tmp/" not in text
    assert "iopub" not in text  # times of execution
