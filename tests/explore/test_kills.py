"""A sweep at level `cycle` whose worker and whose parent are killed, also within a commit, ends as a quiet one."""

import importlib.util
import re

from conftest import ROOT


def test_what_is_left_of_a_sweep_that_was_killed_three_times_is_what_a_quiet_one_leaves(capsys):
    found = importlib.util.spec_from_file_location("kills", ROOT / "benchmarks" / "kills.py")
    kills = importlib.util.module_from_spec(found)
    found.loader.exec_module(kills)

    assert kills.main(points=40, kills=3, seed=1) == 0

    told = capsys.readouterr().out
    assert re.search(r"^40 rows without kills, 40 with; 0 differ, 0 were given up$", told, re.MULTILINE)
    assert "kill_worker after" in told
    assert "kill_parent after" in told
