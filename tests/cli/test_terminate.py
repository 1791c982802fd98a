"""SIGTERM: what was started ends, what is half made goes."""

import signal
import subprocess
import sys
from pathlib import Path

BUILDS = """
import subprocess, sys
from pathlib import Path
import tokensieve.cli.app as app
from tokensieve.rtl.flow.tools import made_once

def make(draft):
    (draft / "half").touch()
    compiler = subprocess.Popen(["sh", "-c", "sleep 100 & echo $!; wait"])
    compiler.wait()

app._invoke = lambda arguments: made_once(Path("built").absolute(), make) and 0
app.main()
"""


def running(process: int) -> bool:
    """Return whether a process is there and has not ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_sigterm_ends_compilers_and_leaves_no_draft(tmp_path):
    command = [sys.executable, "-c", BUILDS]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as builds:
        compiler = int(builds.stdout.readline())
        drafts = [path.name for path in tmp_path.iterdir() if path.is_dir()]
        builds.send_signal(signal.SIGTERM)
        builds.wait()

    assert builds.returncode == 143
    assert len(drafts) == 1
    assert not running(compiler)
    assert [path.name for path in tmp_path.iterdir()] == ["built.lock"]
