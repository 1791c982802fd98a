"""AXI4-Stream around units: the same beats in the same cycles, on buses that others can drive."""

from dataclasses import replace

import numpy as np
import pytest
from amaranth.hdl import Module, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator
from bench.units import Trial, alone, differences, small
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.cli.app import call
from tokensieve.rtl.axi import AxiStreamUnit, Piece, bus_of
from tokensieve.rtl.beats import command, event, gathered_vector, item, packed_beat, score_beat, sparse_beat
from tokensieve.rtl.flow import amsim, verilator
from tokensieve.rtl.flow.axiframe import Transfer, off_bus, on_bus, read, seen, whole_lanes, written
from tokensieve.rtl.flow.axitop import StreamsOfAxi
from tokensieve.rtl.flow.case import Stimulus, case
from tokensieve.rtl.flow.pack import codec
from tokensieve.verify.units import find_unit
from tokensieve.verify.units.token_gather import TokenGatherUnit

SMALL = small()
COUNT = 14
UNITS = ["axi-topk", "axi-zero-eliminator", "axi-token-gather", "axi-cascade-pruner"]


def wrapped(name):
    """Return a unit in its wrapper, its arch and vectors."""
    unit = find_unit(name)
    arch = unit.arch(SMALL, unit.engines()[0])
    return unit, arch, unit.vectors(arch, COUNT, 1, None)


def paused():
    """Return trials of some vectors back to back, with gaps and stalls everywhere."""
    stalls = {"o": [True, False, True, True, False, False, True] * 20}
    return [Trial(tuple(range(start, COUNT, 4)), {}, stalls) for start in range(3)]


@pytest.mark.parametrize("name", [*UNITS[:-1], pytest.param(UNITS[-1], marks=pytest.mark.long)])
def test_wrapped_unit_obeys_golden_law_and_twin_of_the_unit(name):
    unit, arch, vectors = wrapped(name)

    assert differences(unit, arch, vectors, alone(COUNT) + paused()) == []


def test_wrapper_adds_no_cycle():
    """Every cycle of every stream is the same with the wrapper, memory's answers included."""
    unit = TokenGatherUnit()
    vectors, harness = unit.vectors(SMALL, 5, 1, None), unit.harness()
    stimulus = harness.stimulus(SMALL, vectors, [1, 3, 0, 4])
    played = case(stimulus, gaps={"data": [0, 3, 1] * 20}, stalls={"o": [True, True, False] * 40}, limit=2000)
    (bare,) = amsim.run(harness.component(SMALL), [played])
    (axi,) = amsim.run(AxiStreamUnit(harness.component(SMALL)), [played])

    assert bare.complete
    assert bare.same_as(axi)


def test_lanes_lie_on_whole_bytes_and_count_is_keep():
    """11 bits of index and score on 1 and 2 bytes: three bytes a lane."""
    layout = packed_beat(2, StructLayout({"index": unsigned(3), "score": unsigned(10)}))
    items = [{"index": 5, "score": 0x2AB}, {"index": 7, "score": 0x3FF}]

    one = on_bus(bus_of(layout), codec(layout).pack({"items": items, "count": 1, "last": 1}))
    two = on_bus(bus_of(layout), codec(layout).pack({"items": items, "count": 2, "last": 0}))

    assert one == Transfer(data=0x03FF_07_02AB_05, keep=0b000111, last=1, user=0)
    assert two == Transfer(data=0x03FF_07_02AB_05, keep=0b111111, last=0, user=0)


def test_mask_is_keep_with_holes():
    layout = sparse_beat(3, StructLayout({"index": unsigned(4)}))
    payload = codec(layout).pack({"items": [{"index": 1}, {"index": 2}, {"index": 3}], "mask": 0b101, "last": 0})

    assert on_bus(bus_of(layout), payload) == Transfer(data=0x030201, keep=0b101, last=0, user=0)


def test_payload_without_lanes_is_its_fields_on_whole_bytes():
    topk = SMALL.topk  # 13 tokens: 4 bits
    bus = bus_of(command(topk))

    assert on_bus(bus, codec(command(topk)).pack({"n": 13, "k": 2, "seed": 0xBEEF})).data == 0xBEEF_02_0D
    assert (bus.keep, bus.last, bus.user_bits) == ("", None, 0)


def test_fields_beside_lanes_are_user_bits():
    layout = StructLayout({"probabilities": ArrayLayout(8, 2), "head": unsigned(4), "slot": unsigned(1)})
    bus = bus_of(layout)

    assert bus.user == (Piece(16, 4, 0), Piece(20, 1, 4))
    assert on_bus(bus, 0x15_2211) == Transfer(data=0x2211, keep=0b11, last=1, user=0x15)


@given(data=st.data())
def test_beat_comes_off_the_bus_as_it_went_on(data):
    topk, few = SMALL.topk, {"index": unsigned(3), "score": unsigned(10)}
    layout = data.draw(st.sampled_from([
        command(topk), score_beat(topk), packed_beat(4, item(topk)), sparse_beat(3, StructLayout(few)),
        gathered_vector(SMALL.gather),
        StructLayout({"five": ArrayLayout(5, 3), "head": unsigned(2), "last": unsigned(1)}),
    ]))  # fmt: skip
    payload, bus = data.draw(st.integers(0, (1 << layout.size) - 1)), bus_of(layout)
    if bus.keep == "count":  # no more than there are lanes
        field = bus.keep_field
        count = (payload >> field.lsb & (1 << field.width) - 1) % (bus.lanes + 1)
        payload = payload & ~((1 << field.width) - 1 << field.lsb) | count << field.lsb
    transfer = on_bus(bus, payload)

    assert off_bus(bus, transfer) == payload
    assert whole_lanes(bus, transfer)
    assert read(written({"i": bus})) == {"i": bus}


@pytest.mark.parametrize("keep", [0b000001, 0b111000])
def test_keep_that_no_beat_can_have_is_seen(keep):
    bus = bus_of(packed_beat(2, StructLayout({"score": unsigned(24)})))
    transfer = Transfer(data=0, keep=keep, last=0, user=0)

    assert not whole_lanes(bus, transfer)
    assert seen(bus, transfer) == off_bus(bus, transfer) ^ 0b11 << bus.keep_field.lsb


class Probed(wiring.Component):
    """A unit with a plain port each way and an event."""

    def __init__(self):
        beat = stream.Signature(StructLayout({"value": unsigned(9)}))
        seen = event(StructLayout({"low": unsigned(4), "high": unsigned(5)}))
        super().__init__({"offset": In(3), "busy": Out(1), "i": In(beat), "o": Out(beat), "seen": Out(seen)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready), self.busy.eq(self.i.valid)]
        m.d.comb += [self.o.p.value.eq(self.i.p.value + self.offset), self.seen.valid.eq(self.i.valid)]
        m.d.comb += self.seen.payload.eq(self.i.p.value)
        return m


def test_events_and_plain_ports_are_plain_ports():
    unit = AxiStreamUnit(Probed())
    ports = set(unit.signature.members)
    stimulus = Stimulus(beats={"i": [1, 0x123]}, expect={"o": 2}, constants={"offset": 2})
    (record,) = amsim.run(unit, [case(stimulus, limit=20)])

    assert {"aclk", "aresetn", "offset", "busy", "seen_valid", "seen_low", "seen_high"} <= ports
    assert record.payloads("o") == [3, 0x125]
    assert record.events["seen"] == ((0, 1), (1, 0x123))


def test_valid_does_not_wait_for_ready():
    """Nor does anything else on the bus: while a beat is on offer, nothing changes with `ready`."""
    axi = StreamsOfAxi(AxiStreamUnit(Probed()))
    told = []

    async def bench(ctx):
        ctx.set(axi.i.valid, 1)
        for ready in (0, 1, 0):
            ctx.set(axi.o.ready, ready)
            told.append((ctx.get(axi.o.valid), ctx.get(axi.i.ready)))

    simulator = Simulator(axi)
    simulator.add_testbench(bench)
    simulator.run()

    assert told == [(1, 0), (1, 1), (1, 0)]


def test_cocotbext_axi_drives_a_wrapped_unit_on_verilator():
    """Gaps and stalls are pauses by the clock there: other cycles than on Amaranth's simulator, the same beats."""
    unit, arch, vectors = wrapped("axi-zero-eliminator")
    harness, trials = unit.harness(), alone(COUNT) + paused()
    cases = [
        case(harness.stimulus(arch, vectors, t.which), stalls=t.stalls, limit=t.limit(unit, arch, vectors))
        for t in trials
    ]
    cases += [replace(cases[COUNT], gaps={"i": [0, 2, 0, 5]})]
    trials += [trials[COUNT]]
    records = verilator.run(verilator.build(harness.component(arch), "axi_zero_eliminator"), cases)

    for trial, record in zip(trials, records, strict=True):
        came = unit.twin(arch, vectors, trial.which, record.valid, record.ready)
        assert record.complete
        assert record.broken == ()
        assert came.transfers == {name: record.cycles_of(name) for name in record.transfers}
        assert came.offered == {name: record.offered_of(name) for name in came.offered}
        for index, items in zip(trial.which, harness.observed(arch, vectors, trial.which, record), strict=True):
            first, end = vectors.expected["index_ptr"][index : index + 2]
            assert np.array_equal(items["index"], vectors.expected["index"][first:end])
    assert [harness.cycles(arch, vectors, t.which, r)[0] for t, r in zip(trials[:COUNT], records, strict=False)] == [
        unit.law(arch, vectors, index) for index in range(COUNT)
    ]


def test_emit_gives_any_unit_the_buses(capsys):
    small_unit = ["--set", "topk.lanes=2", "--set", "topk.max_tokens=512", "--set", "gather.max_row_bytes=8"]

    assert call(["emit", "token-gather", "--axi", *small_unit]) == 0
    text = capsys.readouterr().out
    assert "module axi_token_gather (" in text
    assert {"aclk;", "aresetn;"} <= set(text.split())
    for port in ("input [63:0] s_axis_token_tdata;", "input [7:0] s_axis_token_tkeep;", "output [7:0] m_axis_o_tkeep;"):
        assert port in text  # a token and its score are 2 bytes each
