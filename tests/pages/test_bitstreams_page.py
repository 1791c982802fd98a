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


def test_a_device_is_as_full_as_its_scarcest_resource_and_what_was_built_for_it_counts_first():
    def row(device, **used):
        return {"device": device, "parameters": {"max_tokens": 64, "keep": 32, "engines": 1}, **used}

    told = bitstreams.fits(
        [
            row("ice40-hx8k", lut=6000, ff=3000, bram=31, dsp=0),
            row("ice40-up5k", lut=5100, ff=3000, bram=9, dsp=0),
            row("gw2a-18c", lut=2000, ff=2000, bram=1, dsp=49),
        ]
    )
    apart = bitstreams.fits([row("ice40-hx8k", lut=6000, ff=3000, bram=16, dsp=0)])

    assert told.splitlines()[-1] == "| 64 | 32 | 1 | 97% of BRAM | 97% of LUT | no |"
    assert apart.splitlines()[-1] == "| 64 | 32 | 1 | 78% of LUT | no |"
