"""The page of a bitstream says what was measured, what was missed and what is not to be trusted."""

import pytest

from tokensieve.report.bitstream import page

TOLD = {
    "unit": "fixed-length-pruner", "parameters": {"max_tokens": 64, "keep": 32, "id_bits": 16},
    "device": "ice40-hx8k", "part": "iCE40HX8K", "board": "ice40-hx8k-b-evn", "link": "UART, 1,000,000 baud",
    "lut": 4262, "ff": 3192, "bram": 15, "dsp": 0,
    "available": {"lut": 7680, "ff": 7680, "bram": 32, "dsp": 0}, "estimate": {"lut": 2720, "ff": 2176},
    "fmax_mhz": 89.22, "fmax_trusted": True, "fmax_note": "", "fmax_mhz_per_seed": {"1": 88.1, "2": 91.9}, "seed": 2,
    "asked_mhz": None, "seeds_asked_mhz": 99.0, "clock_mhz": 83.25, "margin": 0.95,
    "slack_ns": 0.81, "timing_met": True,
    "throughput": {"compute": 1_242_537.3, "port": 380.2, "at_fmax": 1_331_641.8},
    "paths": [{"from": "core.left", "to": "core.alive", "ns": 11.208}],
    "checks": [{"what": "memories", "expected": 3, "found": 3, "holds": True}],
    "pins": [{"wire": "rx", "pin": "B10", "where": "USB serial, from the host", "kind": "asynchronous input"}],
    "seconds": 61.2, "stage_seconds": {"synthesis": 20.1, "place": 41.0}, "tools": {"yosys": "0.70"},
    "program": "iceprog -S fixed-length-pruner.bin", "udev": 'TAG+="uaccess"',
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, " LUT  4,262      7,680    55%  2,720 or more"),
        ({}, "  FF  3,192      7,680    42%  2,176 or more"),
        ({}, "  Fmax             89.2 MHz, seed 2, the run that wrote the bitstream"),
        ({}, "  by seed          88.1, 91.9 MHz, asked for 99.0"),
        ({}, "  PLL, constraint  83.250 MHz, 0.95 x the worst seed or less: met, slack 0.81 ns"),
        (
            {"asked_mhz": 84.4, "margin": None},
            "  PLL, constraint  83.250 MHz, its fastest up to the 84.4 MHz asked for: met, slack 0.81 ns",
        ),
        ({}, "11.21  core.left          core.alive"),
        ({}, "  memories: 3 of 3"),
        ({}, "program with: iceprog -S fixed-length-pruner.bin"),
        ({"fmax_trusted": False, "fmax_note": "not to be trusted: x"}, "89.2 MHz (not to be trusted: x), seed 2"),
        ({"timing_met": False}, "MISSED: no bitstream is handed out"),
        ({"checks": [{"what": "memories", "expected": 3, "found": 2, "holds": False}]}, "2 of 3: NOT EQUAL"),
        ({"throughput": {}}, "slack 0.81 ns\n\nSlowest paths"),
    ],
)
def test_the_page_says(changes, line):
    assert line in page({**TOLD, **changes}, 100)
