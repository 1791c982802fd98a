import json

import pytest

from tokensieve.arch import load_arch, load_dram
from tokensieve.cli.app import call
from tokensieve.cli.dram import FIGURES
from tokensieve.sim.dram.run import pattern, replay

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
    assert all(figures[name] == round(getattr(expected, name), 4) for name in FIGURES[:10])
    assert figures["gb_per_s"] == pytest.approx(figures["bytes_per_cycle"] / 2, rel=1e-3)


@pytest.mark.parametrize("issue", ["sat", "axi16"])
def test_a_configuration_is_driven_by_its_own_clock(issue, capsys):
    expected = replay(
        load_dram("ddr4-3200", ["window=8"]), pattern("stride", 512, 64, 1024, 3), 64, mhz=None, issue=issue, times=True
    )
    stream = ["--pattern", "stride", "--requests", "512", "--bytes", "64", "--param", "1024", "--issue", issue]

    figures = told(capsys, "--config", "ddr4-3200", "--set", "window=8", *stream)

    assert (figures["cycles"], figures["row_conflicts"]) == (expected.cycles, expected.row_conflicts)
    assert figures["mean_latency_cycles"] == round(expected.mean_latency, 2)
    assert figures["gb_per_s"] == pytest.approx(512 * 64 / (expected.cycles * 0.625), abs=1e-4)
    assert figures["energy_j"] > 512 * 64 * 8 * 5e-12  # the least that a technology says of reading a bit


def test_energy_grows_with_the_rows_that_are_opened(capsys):
    stream = ["--config", "hbm2", "--requests", "4096", "--channel", "one"]
    ordered = told(capsys, *stream)
    scattered = told(capsys, *stream, "--pattern", "randchunk", "--param", "32")

    assert scattered["activates"] > 10 * ordered["activates"]
    assert scattered["energy_j"] > 2 * ordered["energy_j"] > 0


def test_requests_come_from_a_file_and_commands_go_to_one(capsys, tmp_path):
    stream, log = tmp_path / "requests.txt", tmp_path / "commands.csv"
    stream.write_text("0\n0x40 W\n0x20000 R 100\n")

    figures = told(capsys, "--config", "dramsim3", "--trace", str(stream), "--commands", str(log))

    assert (figures["reads"], figures["writes"], figures["cycles"]) == (2, 1, 146)
    lines = [line.split(",") for line in log.read_text().splitlines()]
    assert lines[0] == ["clock", "channel", "pseudo_channel", "command", "bank_group", "bank", "row"]
    assert [line[3] for line in lines[1:4]] == ["ACT", "RD", "WR"]
    assert lines[-1] == ["129", "0", "0", "RD", "0", "0", "4"]
    assert sorted(int(line[0]) for line in lines[1:]) == [int(line[0]) for line in lines[1:]]


def test_the_log_holds_every_command(capsys, tmp_path):
    log = tmp_path / "commands.csv"
    stream = ["--config", "ramulator-v21", "--pattern", "randchunk", "--param", "64", "--requests", "2000"]
    figures = told(capsys, *stream, "--commands", str(log))

    kinds = [line.split(",")[3] for line in log.read_text().splitlines()[1:]]
    assert (kinds.count("RD"), kinds.count("ACT")) == (2000, figures["activates"])


def test_all_channels_are_there_unless_one_is_asked_for(capsys):
    every = told(capsys, "--requests", "16384")
    one = told(capsys, "--requests", "16384", "--channel", "one")

    assert one["cycles"] > 10 * every["cycles"]


def test_text_holds_one_line_per_figure(capsys):
    assert call(["dram", "--requests", "4096"]) == 0

    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines] == list(FIGURES)
    assert dict(lines)["reads"] == "4,096"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pattern", "zigzag"], "--pattern"),
        (["--requests", "0"], "--requests"),
        (["--bytes", "0"], "--bytes"),
        (["--pattern", "seq", "--param", "5"], "--param has no meaning with --pattern seq, got 5"),
        (["--param", "5"], "--param has no meaning with --pattern seq, got 5"),
        (["--pattern", "gather"], "--param must be in 1..100 (percent kept) for gather, got 0"),
        (["--pattern", "randchunk", "--param", "16"], "--param must be in --bytes..2^29"),
        (["--channel", "two"], "--channel"),
        (["--issue", "axi8"], "--issue"),
        (["--config", "hbm3"], "must be a DRAM configuration"),
        (["--config", "hbm2", "--arch", "spatten"], "--config and --arch exclude each other"),
        (["--config", "hbm2", "--set", "nREFI=275"], "dram.nREFI must be at least 326 for a row to be opened, used"),
        (["--trace", "none.txt"], "none.txt: no such file"),
        (["--trace", "none.txt", "--pattern", "seq"], "--trace and --pattern exclude each other"),
        (["--trace", "none.txt", "--seed", "1"], "--trace and --seed exclude each other"),
        (["--commands", "none/log.csv"], "--commands none/log.csv: the directory none does not exist"),
        (["--commands", ""], "--commands must name a file"),
        (["--set", "dram.nrcd=3"], "dram.nrcd is not a known field; did you mean 'dram.nRCD'?"),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(arguments, message, capsys):
    assert call(["dram", *arguments]) == 2

    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


def test_where_commands_go_is_looked_at_before_anything_runs(monkeypatch, capsys):
    monkeypatch.setattr("tokensieve.sim.dram.run.replay", None)

    assert call(["dram", "--commands", "none/log.csv"]) == 2
    assert "the directory none does not exist" in capsys.readouterr().err
