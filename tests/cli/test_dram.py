import json
import sys
import types
from types import SimpleNamespace

import numpy as np
import pytest

import tokensieve.sim
from tokensieve.cli.app import call
from tokensieve.cli.dram import FIGURES

STATS = dict.fromkeys(FIGURES, 12_345) | {"bytes_per_cycle": np.float64(2 / 3), "row_hits": np.int64(7)}


@pytest.fixture
def model(monkeypatch):
    """Puts a DRAM model in place that counts nothing, and gives what it was asked for."""
    asked = SimpleNamespace(dram=None, stream=None)

    def pattern(*stream):
        asked.stream = stream
        return np.zeros(1, np.int64)

    def replay(dram, addresses, writes=None):
        asked.dram = dram
        return SimpleNamespace(**STATS)

    module = types.ModuleType("tokensieve.sim.dramrun")
    module.pattern, module.replay = pattern, replay
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(tokensieve.sim, "dramrun", module, raising=False)
    return asked


def test_the_stream_and_the_stack_are_those_that_were_asked_for(model):
    stream = ["--pattern", "stride", "--requests", "4096", "--bytes", "64", "--param", "1024", "--seed", "3"]

    assert call(["dram", *stream, "--channel", "one", "--set", "dram.nFAW=0", "--set", "dram.channels=4"]) == 0
    assert model.stream == ("stride", 4096, 64, 1024, 3)
    assert (model.dram.channels, model.dram.nFAW) == (1, 0)


def test_all_channels_are_there_unless_one_is_asked_for(model):
    assert call(["dram"]) == 0
    assert (model.dram.channels, model.stream) == (16, ("seq", 1024, 32, 0, 1))


def test_json_holds_every_figure_as_a_plain_number(model, capsys):
    assert call(["dram", "--json"]) == 0

    told = json.loads(capsys.readouterr().out)
    assert list(told) == list(FIGURES)
    assert (told["cycles"], told["row_hits"], told["bytes_per_cycle"]) == (12_345, 7, 0.6667)


def test_text_holds_one_line_per_figure(model, capsys):
    assert call(["dram"]) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == list(FIGURES)
    assert lines[:2] == [["cycles", "12,345"], ["bytes_per_cycle", "0.6667"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pattern", "zigzag"], "'--pattern'"),
        (["--requests", "0"], "'--requests'"),
        (["--bytes", "48"], "--bytes must be a multiple of dram.granule_bytes = 32, got 48"),
        (["--pattern", "gather"], "--param must be in 1..100 (percent kept) for gather, got 0"),
        (["--pattern", "randchunk", "--param", "16"], "--param must be in --bytes..2^29"),
        (["--channel", "two"], "'--channel'"),
        (["--set", "dram.nrcd=3"], "dram.nrcd is not a known field; did you mean 'nRCD'?"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(arguments, message, model, capsys):
    assert call(["dram", *arguments]) == 2

    out, err = capsys.readouterr()
    assert (out, model.dram) == ("", None)
    assert message in err
