"""What all pages of recorded figures share."""

import os
import subprocess
import sys


def test_a_reader_of_a_table_that_leaves_early_is_met_in_silence(root):
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-P", "-m", "tokensieve.pages.bitstreams", "docs/reference/fpga.json", "--show"]

    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True, check=False, cwd=root)

    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
