"""Laws of the fully connected layers: bytes and arithmetic conserved, timing by hand, more of anything never slower."""

from fractions import Fraction
from itertools import pairwise
from math import ceil

import numpy as np
import pytest
from bench.fc_cases import decisions, ratios, shapes
from hypothesis import given, settings
from hypothesis import strategies as st

from tokensieve.arch import ArchError, load_arch
from tokensieve.sim.dram.run import replay
from tokensieve.sim.fc.chain import chains
from tokensieve.sim.fc.cut import Matrix, array_latency, cut, room_bytes
from tokensieve.sim.fc.layers import fc_result
from tokensieve.sim.fc.run import run_chain
from tokensieve.sim.fc.stream import steady
from tokensieve.workloads.fc import fc_work
from tokensieve.workloads.models import ModelShape

ARCHES = {
    "spatten": load_arch("spatten"),
    "eighth": load_arch("spatten-eighth"),
    "small memories": load_arch("spatten", ["key_sram.kib=24", "value_sram.kib=12", "pv.multipliers=256"]),
}
SPATTEN = ARCHES["spatten"]
BERT = ModelShape(name="bert", layers=2, heads=12, head_dim=64, hidden=768, ffn=3072)

arches = st.sampled_from(sorted(ARCHES)).map(ARCHES.get)
phases = st.sampled_from(["prefill", "decode"])


def result(arch, shape, phase="decode", bits=8, **options):
    return fc_result(arch, fc_work(decisions(shape, phase, **options), shape), bits)


def matrix(tokens=1, inputs=1024, outputs=4096, **options):
    told = {"kind": "ffn_in", "weight_bits": 8, "read_bytes": 0, "write_bytes": 0} | options
    return Matrix(tokens=tokens, inputs=inputs, outputs=outputs, **told)


@settings(max_examples=40)
@given(arches, shapes, phases, ratios, ratios, st.sampled_from([8, 12]))
def test_bytes_and_arithmetic_are_conserved(arch, shape, phase, keep, heads, bits):
    work = fc_work(decisions(shape, phase, keep, heads), shape)
    found = fc_result(arch, work, bits)
    bytes_ = sum(times * m.weight_bytes for chain, times in chains(arch, work, bits).items() for m in chain)
    matrices = 4 * len(work.tokens)

    assert found.macs == work.macs == found.actions["qk"]["multiply"] + found.actions["pv"]["multiply"]
    assert found.weight_bytes == bytes_
    assert 0 <= bytes_ - int(work.weights.sum()) * bits / 8 < matrices
    assert found.dram_bytes["weights"] >= bytes_
    assert found.dram_bytes["total"] == sum(v for k, v in found.dram_bytes.items() if k != "total")
    granules = found.actions["dram"]["read_granule"] + found.actions["dram"]["write_granule"]
    assert granules * arch.dram.granule_bytes == found.dram_bytes["total"]
    assert found.energy_j["total"] == pytest.approx(sum(v for k, v in found.energy_j.items() if k != "total"))


@settings(max_examples=40)
@given(arches, shapes, phases, ratios, ratios)
def test_neither_dram_nor_arrays_do_more_than_they_can(arch, shape, phase, keep, heads):
    found = result(arch, shape, phase, keep=keep, heads=heads)
    per_cycle = arch.qk.multipliers + arch.pv.multipliers
    peak = arch.dram.peak_gb_per_s * 1e3 / arch.clock.mhz

    assert found.cycles["total"] == sum(v for k, v in found.cycles.items() if k != "total")
    assert found.cycles["total"] >= max(found.busy_cycles.values())
    assert found.cycles["total"] >= found.macs / per_cycle
    assert found.cycles["total"] >= found.dram_bytes["weights"] / peak - 1


@settings(max_examples=40)
@given(arches, shapes, phases, ratios, ratios, st.sampled_from([8, 12]))
def test_pruning_never_costs_cycles_or_bytes(arch, shape, phase, keep, heads, bits):
    pruned, dense = result(arch, shape, phase, bits, keep=keep, heads=heads), result(arch, shape, phase, bits)

    assert pruned.cycles["total"] <= dense.cycles["total"]
    assert pruned.dram_bytes["total"] <= dense.dram_bytes["total"]


@settings(max_examples=40)
@given(arches, shapes, phases)
def test_wider_weights_are_never_faster(arch, shape, phase):
    narrow, wide = (result(arch, shape, phase, bits) for bits in (8, 12))

    assert wide.weight_bytes >= narrow.weight_bytes
    assert wide.cycles["total"] >= narrow.cycles["total"]


@pytest.mark.parametrize("phase", ["prefill", "decode"])
@pytest.mark.parametrize("channels", [1, 2, 4, 8, 16])
def test_more_channels_are_never_slower(channels, phase):
    few, many = (load_arch("spatten", [f"dram.channels={n}"]) for n in (channels, 2 * channels))

    assert steady(many).bytes_per_cycle >= steady(few).bytes_per_cycle
    assert result(many, BERT, phase).cycles["total"] <= result(few, BERT, phase).cycles["total"]


def test_one_channel_streams_a_sixteenth_of_sixteen():
    one = load_arch("spatten", ["dram.channels=1"])

    assert 16 * steady(one).bytes_per_cycle == pytest.approx(steady(SPATTEN).bytes_per_cycle, rel=1e-3)


@pytest.mark.parametrize("name", sorted(ARCHES))
def test_the_steady_state_stands_for_a_stream_replayed_whole(name):
    """Half a layer of GPT-2-Medium, or a sixteenth on fewer channels: no burst of it is extrapolated in the replay."""
    dram = ARCHES[name].dram
    granules = dram.channels * 12_000
    whole = replay(dram, np.arange(granules) * 32)
    extended = steady(ARCHES[name]).cycles(granules * 32)

    assert whole.cycles == pytest.approx(extended, rel=0.01)


@pytest.mark.parametrize("kept", [1, 3, 9])
def test_a_stream_jumps_over_the_weights_of_pruned_heads_at_no_cost(kept):
    """Every so many heads one is missing: 64 inputs of 1,024 outputs, 64 KiB."""
    slab, granules = 64 * 1024 // 32, np.arange(300_000)
    head = granules // slab
    jumping = (head // kept * (kept + 1) + head % kept) * slab + granules % slab

    assert replay(SPATTEN.dram, jumping * 32).cycles == replay(SPATTEN.dram, granules * 32).cycles


def test_refresh_is_what_a_stream_loses():
    quiet = load_arch("spatten", ["dram.refresh=false"])

    assert steady(quiet).efficiency == 1
    assert 1 - 2 * 260 / 3900 < steady(SPATTEN).efficiency < 1 - 260 / 3900


def test_the_fetcher_can_be_what_limits_a_stream():
    narrow = load_arch("spatten", ["fetcher.ports=4"])

    assert steady(narrow).bytes_per_cycle == 4 * 32


def test_one_token_takes_what_its_weights_take_from_dram():
    """By hand: the bus, then the last line: registers of the fetcher, first data, the line itself, the array."""
    m = matrix()
    weights = 1024 * 4096 / steady(SPATTEN).bytes_per_cycle
    latency = 1 + 1 + 1 + 6 + 1  # read, broadcast, multiply, a tree over 64, accumulation

    assert array_latency(SPATTEN, 64) == latency
    assert run_chain(SPATTEN, (m,), 64).cycles == (ceil(weights + 30 + 3 + 5 + 1 + latency),)


def test_many_tokens_take_what_the_arrays_take():
    """By hand: the first tile's 64 lines, so late that none is missed; then a cycle for each line and token."""
    m = matrix(tokens=100)
    tile = 2 * 64 * 512 / steady(SPATTEN).bytes_per_cycle
    lines = 1024 * 4096 // 1024

    assert run_chain(SPATTEN, (m,), 64).cycles == (ceil(tile - 63 + 30 + 3 + 5 + 100 * lines + 10),)


def test_the_next_matrix_is_fetched_while_this_one_works():
    """Two matrices hold the bus twice as long; what comes before the first data and after the last comes once."""
    one, two = run_chain(SPATTEN, (matrix(),), 64), run_chain(SPATTEN, (matrix(), matrix()), 64)

    assert two.bus == pytest.approx(2 * one.bus)
    assert sum(two.cycles) - two.bus == pytest.approx(sum(one.cycles) - one.bus, abs=1)


def test_no_more_than_one_tile_is_fetched_ahead():
    """Behind a matrix that keeps the arrays busy, only the first of 64 tiles is there when the next one begins."""
    _, following = run_chain(SPATTEN, (matrix(tokens=100), matrix()), 64).cycles
    tile = 2 * 64 * 512 / steady(SPATTEN).bytes_per_cycle

    assert 63 * tile < following < 63 * tile + 60


def test_weights_are_streamed_again_where_inputs_do_not_fit():
    """Room for 65 vectors of 1,024 inputs: 130 tokens make two blocks, and one more a third."""
    small = load_arch("spatten", ["key_sram.kib=96", "value_sram.kib=99"])
    fitting = room_bytes(small) * 8 // (1024 * 12)

    assert fitting == 65
    assert [cut(small, matrix(tokens=n), 64).blocks for n in (65, 130, 131)] == [1, 2, 3]


def test_weights_that_are_streamed_again_are_counted_again():
    """By hand: room for 170 tokens of 768 inputs or 42 of 3,072, so that 400 tokens make 3 or 10 blocks."""
    found = result(SPATTEN, BERT, "prefill", length=400)
    square = 768 * 768

    assert room_bytes(SPATTEN) == 196_608
    assert found.weight_bytes == 2 * 12 * square
    assert found.dram_bytes["weights"] == 2 * (3 * 3 + 3 + 3 * 4 + 10 * 4) * square


def test_inputs_are_read_again_where_that_moves_less():
    """By hand, 8 bits on chip: two tiles of 8 lines an array, and 4,096 tokens of which 256 fit at once."""
    small = load_arch("spatten", ["key_sram.kib=16", "value_sram.kib=16", "number.onchip_bits=8"])
    m = matrix(tokens=4096, inputs=64, outputs=256, weight_bits=12, read_bytes=4096 * 64)
    c = cut(small, m, 64)

    assert (c.lines, c.tiles) == ((16, 16), 2)
    assert (4096 // 256 - 1) * m.weight_bytes > 4096 * 64
    assert (c.blocks, c.read_bytes) == (1, 2 * m.read_bytes)


def sized(kib):
    """Return `spatten` with two memories of so many KiB."""
    return load_arch("spatten", [f"{sram}_sram.{it}" for sram in ("key", "value") for it in (f"kib={kib}", "banks=2")])


@pytest.mark.parametrize("sram", ["key", "value"])
def test_a_memory_that_holds_no_two_tiles_and_as_much_again_is_refused(sram):
    small = load_arch("spatten", [f"{sram}_sram.kib=2", f"{sram}_sram.banks=2"])

    with pytest.raises(ArchError, match=rf"{sram}_sram.kib must hold at least 4 lines of 768 bytes .*, got 2 KiB"):
        result(small, BERT)


def test_memories_that_hold_no_token_in_their_halves_are_refused():
    """3,072 inputs of 12 bit are 4,608 bytes: half of 2 x 4 KiB is not enough, half of 2 x 5 KiB is."""
    message = r"must hold 4,608 bytes .* 3,072 x number.onchip_bits, got 4 \+ 4 KiB, half of them 4,096 bytes"

    with pytest.raises(ArchError, match=message):
        result(sized(4), BERT)
    assert result(sized(5), BERT).cycles["total"] > 0


@pytest.mark.parametrize("phase", ["prefill", "decode"])
def test_a_larger_memory_costs_no_more_than_a_longer_first_tile_of_each_chain(phase):
    """Nothing hides the first tile of a chain, and it grows with the memory until it is the whole matrix."""
    work = fc_work(decisions(BERT, phase, length=100), BERT)
    grown = [sized(kib) for kib in (48, 96, 192, 768, 3072)]
    spent = [fc_result(arch, work, 8).cycles["total"] for arch in grown]
    first = [sum(n * first_tile(arch, chain[0]) for chain, n in chains(arch, work, 8).items()) for arch in grown]
    rounding = sum(chains(SPATTEN, work, 8).values())

    assert all(b[0] - a[0] <= b[1] - a[1] + rounding for a, b in pairwise(zip(spent, first, strict=True)))
    assert (spent[-1] > spent[0]) is (phase == "prefill")


def first_tile(arch, m):
    """Return the cycles on the bus of the first tile of `m`: weights, a block's inputs, a share of outputs."""
    c = cut(arch, m, 64)
    reads, writes = (steady(arch, writes=writes) for writes in (False, True))
    return reads.cycles(m.weight_bytes / c.tiles + c.read_bytes / c.blocks) + writes.cycles(
        m.write_bytes / (c.tiles * c.blocks)
    )


@pytest.mark.parametrize(("kib", "length", "bound"), [(8, 40, "latency"), (192, 2, "dram"), (192, 200, "compute")])
def test_the_bound_is_latency_where_bus_and_arrays_both_wait_half_of_the_time(kib, length, bound):
    found = result(sized(kib), BERT, "prefill", length=length)
    busiest = max(found.busy_cycles.values()) / found.cycles["total"]

    assert (busiest < 0.5) is (bound == "latency")
    assert found.bound == bound


def test_activations_stay_on_chip_where_they_fit():
    few, many = (fc_work(decisions(BERT, "prefill", length=n), BERT) for n in (16, 400))
    (inside,), (outside,) = ([chain for chain in chains(SPATTEN, work, 8) if len(chain) == 4] for work in (few, many))

    assert [m.read_bytes for m in inside] == [16 * 768 * 12 // 8, 0, 0, 0]
    assert [m.write_bytes for m in inside] == [0, 0, 0, 16 * 768 * (12 + 8 + 4 + 8) // 8]
    assert all(m.read_bytes == 400 * m.inputs * 12 // 8 for m in outside)


def test_weights_have_8_or_12_bits():
    with pytest.raises(ArchError, match=r"fc_bits, .* must be 8 or 12, got 10"):
        result(SPATTEN, BERT, bits=10)


def test_a_chain_runs_from_one_attention_to_the_next():
    work = fc_work(decisions(BERT, heads=Fraction(1, 2)), BERT)
    found = [tuple(m.kind for m in chain) for chain in chains(SPATTEN, work, 8)]

    assert found == [("qkv",), ("output", "ffn_in", "ffn_out", "qkv"), ("output", "ffn_in", "ffn_out")]
    assert list(chains(SPATTEN, work, 8).values()) == [3, 3, 3]
