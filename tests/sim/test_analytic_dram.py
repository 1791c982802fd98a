"""DRAM at level `analytic`: what a window sees of pseudo-channels and bank groups, and what that costs."""

import numpy as np
import pytest

from tokensieve.arch import Arch, load_arch
from tokensieve.sim.analytic.batch import Designs
from tokensieve.sim.analytic.beside import beside
from tokensieve.sim.analytic.memory import memory
from tokensieve.sim.analytic.summary import Summary
from tokensieve.sim.analytic.traffic import address, planes
from tokensieve.validate.levels import bert_layer
from tokensieve.workloads.benchmarks import load_workload


@pytest.fixture(scope="module")
def summary():
    return Summary(load_workload("bert-base-cola", Arch()))


def sent(arch, summary):
    """Return the granules of the first row, request by request: queries and K in turn with V, then the outputs."""
    work, planes_of = summary.row_work(arch), planes(arch, summary.row_work(arch))

    def lines(name):
        plane = planes_of[name]
        _, low, granules = plane.spans(work.ids, arch.dram.granule_bytes, np.array([0]))
        start = low + plane.base[0] // arch.dram.granule_bytes
        rows = [list(range(first, first + n)) for first, n in zip(start, granules, strict=True)]
        per = plane.per_line
        return [[one for row in rows[i : i + per] for one in row] for i in range(0, len(rows), per)]

    front, value = lines("query") + lines("key") + lines("output"), lines("value")
    turns = [one for i, line in enumerate(front) for one in line + (value[i] if i < len(value) else [])]
    return np.array(turns + [one for line in value[len(front) :] for one in line])


@pytest.mark.parametrize("window", [4, 33, 1024])
@pytest.mark.parametrize("mapping", ["ro-ba-bg-co-pc-ch", "RoBaRaCoCh", "ro-ba-co-bg-pc-ch"])
@pytest.mark.parametrize("channels", [1, 4])
def test_windows_see_the_pseudo_channels_and_bank_groups_of_the_requests_in_turn(window, mapping, channels, summary):
    sets = [f"dram.window={window}", f"dram.mapping={mapping}", f"dram.channels={channels}"]
    arch = load_arch("spatten", sets)
    part = address(arch.dram, sent(arch, summary))
    most = np.zeros(2)
    for ch in range(channels):
        pairs = [(int(p), int(g)) for c, p, g in zip(part["ch"], part["pc"], part["bg"], strict=True) if c == ch]
        chunks = [pairs[i : i + 2 * window] for i in range(0, len(pairs), 2 * window)]
        pseudo = sum(len(chunk) / len({p for p, _ in chunk}) for chunk in chunks)
        most = np.maximum(most, [pseudo, sum(len(chunk) / len(set(chunk)) for chunk in chunks)])
    work = summary.row_work(arch)

    assert beside(arch.dram, planes(arch, work), work.ids, np.array([0]))[:, 0] == pytest.approx(most)


def test_a_row_takes_longer_where_a_small_window_sees_few_bank_groups():
    sets = [f"dram.{one}" for one in ("channels=2", "pseudo_channels=1", "row_bytes=2048", "nCCD_L=4")]
    machines = [load_arch("spatten", [*sets, f"dram.window={window}"]) for window in (32, 1024)]
    small, large = memory(Summary(bert_layer(Arch())), Designs(machines)).crowding[0]

    assert small > 1.2
    assert large == 1


def test_the_way_back_from_dram_includes_the_controllers_clocks(summary):
    machines = [load_arch("spatten", [f"dram.return_clocks={clocks}", "clock.mhz=2000"]) for clocks in (0, 5)]
    near, far = memory(summary, Designs(machines)).latency

    assert far - near == 5 * 2
