"""The how-to of clusters: scheduler and workers are started as it says, and find what one process finds."""

import json
import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import ROOT, lacking

PAGE = (ROOT / "docs/how-to/cluster.md").read_text(encoding="utf-8")
FAILED = "the sweep failed"
TOOLS = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture
def folder(tmp_path):
    if find_spec("distributed") is None:
        lacking("dask is missing: pip install -e '.[explore]'")
    [text] = re.findall(r"<!-- file: grid.yaml -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "grid.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def started(line, folder, **options):
    """Start a shell command as the leader of its own processes, all of which `ended` ends."""
    return subprocess.Popen(
        ["bash", "-c", line],
        cwd=folder,
        env={**os.environ, "PATH": TOOLS},
        start_new_session=True,
        text=True,
        **options,
    )


def ended(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_scheduler_and_workers_are_started_by_hand_as_it_says(folder):
    [commands] = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    assert commands.count("tokensieve sweep ") == 1
    json_too = commands.rstrip() + f" --json || echo {FAILED}"

    process = started(json_too, folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        there = json.loads(_object(process.stdout))
    finally:
        ended(process)
    command = ["tokensieve", "sweep", "grid.yaml", "--workers", "1", "--json"]
    here = subprocess.run(command, cwd=folder, env={**os.environ, "PATH": TOOLS}, capture_output=True, check=True)

    alone = json.loads(here.stdout)
    for name in ("best", "knee"):  # a point has a number where there is a store
        assert there[name].pop("point") > 0
        assert alone[name].pop("point") is None
    assert there == alone
    assert (folder / "grid.store").is_file()


def _object(stream):
    """Return the lines of one JSON object among others; the processes that are left keep the stream open."""
    lines = []
    for line in stream:
        lines.append(line)
        assert line != f"{FAILED}\n", "".join(lines)
        if line == "}\n":
            break
    return "".join(lines[lines.index("{\n") :])


def test_the_script_for_slurm_names_what_is_there():
    [script] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    ours = [line for line in script.splitlines() if line.startswith("from tokensieve.")]

    assert len(ours) == 5
    for line in ours:
        exec(line.partition("#")[0])
    compile(script, "sweep.py", "exec")
