"""Fixtures and rules of all tests."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("tokensieve", derandomize=True, deadline=None)
settings.load_profile("tokensieve")


@pytest.fixture(scope="session")
def root() -> Path:
    """Folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the authors' traces and other large data, which stands beside the repository and not in it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no ../shared/data beside the repository")
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
