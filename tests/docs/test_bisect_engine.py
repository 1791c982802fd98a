"""The fifth engine of docs/how-to/add-an-engine.md: its patch applies, and the engine that it adds works everywhere."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tokensieve.arch.datapath import ENGINES

PATCH = "docs/how-to/bisect-engine.patch"
SMALL = ["--set", "topk.max_tokens=21", "--set", "topk.lanes=4", "--simulator", "amaranth", "--vectors", "20"]
COMMAND = "import sys; from tokensieve.cli.app import call; sys.exit(call(sys.argv[1:]))"


@pytest.fixture(scope="module")
def patched(root, needs_tool, tmp_path_factory):
    """A copy of the sources with the patch applied, and the package out of links beside it."""
    needs_tool("git", "git")
    copy = tmp_path_factory.mktemp("patched")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, copy / name)
    subprocess.run(["git", "apply", copy / PATCH], cwd=copy, check=True)
    subprocess.run(["bash", "scripts/link.sh"], cwd=copy, check=True)
    return copy


def python(copy, *arguments):
    """Run Python on the patched package; -P, or the working folder would come before it."""
    env = os.environ | {"PYTHONPATH": str(copy / ".link"), "PYTEST_ADDOPTS": ""}
    return subprocess.run(
        [sys.executable, "-P", *map(str, arguments)], cwd=copy, env=env, capture_output=True, text=True, check=False
    )


def tokensieve(copy, *arguments):
    return python(copy, "-c", COMMAND, *arguments)


def test_the_patch_touches_at_most_twelve_files_outside_docs_and_tests(root):
    files = re.findall(r"^\+\+\+ b/(\S+)", (root / PATCH).read_text(encoding="utf-8"), re.MULTILINE)
    counted = [name for name in files if not name.startswith(("docs/", "tests/"))]

    assert 8 <= len(counted) <= 12
    assert "bisect" not in ENGINES


def test_the_engine_is_equal_to_golden_law_and_twin(patched):
    told = tokensieve(patched, "cosim", "topk", "--engine", "bisect", *SMALL)

    assert told.returncode == 0, told.stderr
    assert "topk bisect on amaranth: equal" in told.stdout


def test_its_own_tests_pass_and_its_planted_faults_are_caught(patched):
    told = python(patched, "-m", "pytest", "-q", "tests/rtl/test_bisect.py")

    assert told.returncode == 0, told.stdout
    assert re.search(r"^\d\d passed", told.stdout, re.MULTILINE)


def test_a_run_is_priced_by_its_records(patched):
    told = tokensieve(
        patched, "run", "--workload", "bert-base-cola", "--set", "topk.engine=bisect", "--level", "analytic"
    )

    assert told.returncode == 0, told.stderr
    assert "local top-k" in told.stdout


def test_a_trace_that_was_captured_before_is_refused(patched):
    told = tokensieve(patched, "run", "--set", "topk.engine=bisect")

    assert told.returncode == 2
    assert "no work records of kind 'bisect', which topk.engine bisect needs" in told.stderr
    assert "tokensieve capture" in told.stderr
