"""The table of recorded bitstreams in the docs is that of the recorded file."""

import json

from tokensieve.pages import bitstreams

FOLDER = "docs/reference"


def test_the_table_shows_what_is_recorded(root):
    rows = json.loads((root / FOLDER / "fpga.json").read_text())

    assert bitstreams.show(rows) in (root / FOLDER / "fpga.md").read_text()


def test_what_is_recorded_was_met_and_is_whole(root):
    for row in json.loads((root / FOLDER / "fpga.json").read_text()):
        assert row["timing_met"]
        assert row["fmax_mhz"] >= row["clock_mhz"]
        assert all(check["holds"] for check in row["checks"])
        assert row["fmax_trusted"] == (row["device"] != "gw2a-18c")
