"""Fixtures and rules of all tests."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes to draw or to run is up to the machine and to what else runs there.
settings.register_profile("tokensieve", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tokensieve")

LARGE = (
    "rtl/test_situations.py", "sim/test_analytic.py", "test_packaging.py", "rtl/test_formal.py",
    "sim/test_analytic_fields.py", "rtl/test_handout.py", "validate/test_validate.py", "docs/test_commands.py",
    "test_main_run.py", "rtl/test_cascade_pruner.py", "docs/test_bisect_engine.py",
)  # fmt: skip
"""Files that take minutes. They begin first, so that no process runs one alone at the end."""


def pytest_collection_modifyitems(items):
    """Put the tests of large files first; all else stays in its order."""
    place = {ROOT / "tests" / name: rank for rank, name in enumerate(LARGE)}
    items.sort(key=lambda item: place.get(item.path, len(LARGE)))


@pytest.fixture(autouse=True)
def terminal():
    """The same terminal for every test, whichever one pytest was started from: pages and bars depend on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "100")
        patch.setenv("TERM", "xterm")
        for name in ("TTY_COMPATIBLE", "TTY_INTERACTIVE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the authors' traces and other large data, which stands beside the repository and not in it."""
    return beside("data")


@pytest.fixture(scope="session")
def shared_cases() -> Path:
    """Folder of small inputs that once failed, which stands there too."""
    return beside("cases")


def beside(name: str) -> Path:
    """Return a folder that stands beside the repository, or skip the running test."""
    folder = ROOT.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"no ../shared/{name} beside the repository")
    return folder


@pytest.fixture(scope="session")
def needs_tool():
    """A function that skips a test for want of a system tool, and fails it in continuous integration.

    `needs_tool("g++", "g++")` takes the tool's name and the Debian package that brings it.
    """

    def look(name: str, debian_package: str) -> str:
        place = shutil.which(name)
        if place is None:
            lacking(f"{name} is missing: apt-get install {debian_package}")
        return place

    return look


def lacking(reason: str) -> None:
    """Skip the running test, or fail it where `CI` is set."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
