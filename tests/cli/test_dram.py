import json

import pytest

from tokensieve.arch import load_arch
from tokensieve.cli.app import call
from tokensieve.cli.dram import FIGURES
from tokensieve.sim.dramrun import pattern, replay

STRIDE = ["--pattern", "stride", "--requests", "4096", "--bytes", "64", "--param", "1024"]


def told(capsys, *arguments):
    assert call(["dram", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_figures_are_those_of_the_model_for_the_stream_and_the_stack_asked_for(capsys):
    machine = load_arch("spatten", ["dram.channels=1", "dram.nFAW=0", "clock.mhz=500"])
    expected = replay(machine.dram, pattern("stride", 4096, 64, 1024, 3), 64, mhz=500)

    figures = told(capsys, *STRIDE, "--seed", "3", "--channel", "one", "--set", "dram.nFAW=0", "--set", "clock.mhz=500")

    assert list(figures) == list(FIGURES)
    assert figures["reads"] == 2 * 4096
    assert all(figures[name] == round(getattr(expected, name), 4) for name in FIGURES)


def test_all_channels_are_there_unless_one_is_asked_for(capsys):
    every = told(capsys, "--requests", "16384")
    one = told(capsys, "--requests", "16384", "--channel", "one")

    assert one["cycles"] > 10 * every["cycles"]


def test_text_holds_one_line_per_figure(capsys):
    assert call(["dram", "--requests", "4096"]) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == list(FIGURES)
    assert dict(lines)["reads"] == "4,096"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pattern", "zigzag"], "'--pattern'"),
        (["--requests", "0"], "'--requests'"),
        (["--bytes", "0"], "'--bytes'"),
        (["--pattern", "gather"], "--param must be in 1..100 (percent kept) for gather, got 0"),
        (["--pattern", "randchunk", "--param", "16"], "--param must be in --bytes..2^29"),
        (["--channel", "two"], "'--channel'"),
        (["--set", "dram.nrcd=3"], "dram.nrcd is not a known field; did you mean 'nRCD'?"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(arguments, message, capsys):
    assert call(["dram", *arguments]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
