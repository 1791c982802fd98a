"""DRAM configurations beside the two public simulators that they mirror, on the streams of the oracle."""

import csv
from statistics import fmean

import numpy as np
import pytest

from tokensieve.arch import load_dram
from tokensieve.sim.dram.run import pattern, replay

MIRRORS = {"1ch": "dramsim3", "artefact": "ramulator-release", "v21timings_chw128": "ramulator-v21"}
BOUNDS = {"sat": 0.03, "axi16": 0.05}


def rows(shared_data, name):
    """Return the rows of the oracle that are a target: a 64-byte request is one access there, two of 32 bytes here."""
    with (shared_data / "dram-oracle" / "dram_oracle.csv").open(newline="") as file:
        found = [r for r in csv.DictReader(file) if MIRRORS[r["config"]] == name]
    return [r for r in found if name == "dramsim3" or r["request_bytes"] == "32"]


def replayed(name, row, **more):
    size = int(row["request_bytes"])
    addresses = pattern(row["pattern"], int(row["n_requests"]), size, int(row["param"]), int(row["seed"]))
    return replay(load_dram(name), addresses, size, issue=row["issue_mode"], mhz=None, **more)


@pytest.mark.parametrize("name", MIRRORS.values())
def test_cycles_are_within_the_bounds_of_every_row_and_two_percent_on_average(name, shared_data):
    off = {}
    for row in rows(shared_data, name):
        cycles = replayed(name, row).cycles
        off[tuple(row.values())[2:8]] = abs(cycles / int(row["total_cycles"]) - 1)

    assert {key: share for key, share in off.items() if share > BOUNDS[key[-1]]} == {}
    assert fmean(off.values()) <= 0.02
    assert len(off) >= 22


@pytest.mark.parametrize("name", MIRRORS.values())
def test_every_row_has_its_cycles_and_mean_latency_exactly(name, shared_data):
    """Closer than must be: the mechanism is the same, clock by clock."""
    for row in rows(shared_data, name):
        stats = replayed(name, row, times=True)

        assert stats.cycles == int(row["total_cycles"])
        assert stats.mean_latency == pytest.approx(float(row["mean_latency_cycles"]), abs=0.01)  # theirs are rounded
        if name == "dramsim3":
            assert (stats.activates, stats.refreshes) == (int(row["act_cmds"]), int(row["refresh_cmds"]))
        assert stats.row_hits == int(row["row_hits"])
        if name != "dramsim3":  # whose file holds no misses, and under conflicts the precharges that were decided on
            assert (stats.row_misses, stats.row_conflicts) == (int(row["row_misses"]), int(row["row_conflicts"]))


@pytest.mark.parametrize(("stream", "param"), [("seq", 0), ("randchunk", 32)])
@pytest.mark.parametrize(("file", "name"), [("dramsim3", "dramsim3"), ("ramulator2_artefact", "ramulator-release")])
def test_every_request_is_taken_and_answered_in_the_cycle_of_the_trace(file, name, stream, param, shared_data):
    with (shared_data / "dram-oracle" / f"{file}_{stream}_1024_32_{param}_1_sat.csv").open(newline="") as lines:
        theirs = np.array([[int(x) for x in row.values()] for row in csv.DictReader(lines)])
    stats = replay(load_dram(name), theirs[:, 1], 32, mhz=None, times=True)

    assert stats.issued.tolist() == theirs[:, 2].tolist()
    assert stats.completed.tolist() == theirs[:, 3].tolist()


@pytest.mark.parametrize("name", ["dramsim3", "ramulator-release", "ramulator-v21", "ddr4-3200", "lpddr4-3200", "hbm2"])
@pytest.mark.parametrize("stream", [("seq", 4096, 64, 0), ("randchunk", 4096, 64, 64), ("twostream", 4096, 64, 65536)])
def test_more_channels_never_cost_cycles(name, stream):
    addresses = pattern(*stream)
    cycles = [replay(load_dram(name, [f"channels={n}"]), addresses, 64, mhz=None).cycles for n in (1, 2, 4, 8)]

    assert cycles == sorted(cycles, reverse=True)


@pytest.mark.parametrize("name", MIRRORS.values())
@pytest.mark.parametrize("stream", [("seq", 4096, 64, 0), ("randchunk", 4096, 64, 1024)])
def test_a_shorter_burst_never_costs_cycles(name, stream):
    addresses = pattern(*stream)
    cycles = [replay(load_dram(name, [f"nBL={n}"]), addresses, 64, mhz=None).cycles for n in (16, 8, 4, 2)]

    assert cycles == sorted(cycles, reverse=True)


@pytest.mark.parametrize("name", ["dramsim3", "ramulator-release"])
@pytest.mark.parametrize("seed", [2, 7, 99])
def test_a_port_with_few_requests_outstanding_is_never_faster_than_full_queues(name, seed):
    addresses = pattern("randchunk", 2048, 32, 128, seed)
    sat, port = (replay(load_dram(name), addresses, 32, issue=issue, times=True) for issue in ("sat", "axi16"))

    assert port.cycles >= 0.99 * sat.cycles
    assert (port.completed - port.issued).min() >= load_dram(name).nCL + load_dram(name).nBL
    assert (np.diff(port.issued) >= 1).all()
    open_ = [((port.issued <= t) & (port.completed > t)).sum() for t in port.issued]
    assert max(open_) <= 16
