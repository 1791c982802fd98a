"""Planted faults of the token gather."""

from tokensieve.rtl.flow.mutants.base import Mutant
from tokensieve.rtl.flow.mutants.parts import PLACE_STICKS, impatient, impatient_output

_REQUESTS = "tokensieve.rtl.vector_requests"
_PACKER = "tokensieve.rtl.vector_packer"
_ENGINE = "tokensieve.rtl.token_gather"

MUTANTS = (
    Mutant(
        name="lane-without-reset",
        module="tokensieve.rtl.vector_requests",
        old="lane = Signal(lane_count_bits(self._topk.lanes))",
        new="lane = Signal(lane_count_bits(self._topk.lanes), reset_less=True)",
        why="a reset within a beat of tokens leaves the number of the next one as it is",
    ),
    Mutant(
        name="straddling-vector",
        module=_REQUESTS,
        old="last_step.eq((offset + vector.count - 1) >> bits)",
        new="last_step.eq((vector.count - 1) >> bits)",
        why="The last granule of a vector that does not begin with a granule is not asked for.",
    ),
    Mutant(
        name="no-room",
        module=_REQUESTS,
        old="goes.eq(self.i.valid & free & room)",
        new="goes.eq(self.i.valid & free)",
        why="Granules are asked for although there is no place for them.",
    ),
    Mutant(
        name="overwritten-request",
        module=_REQUESTS,
        old="free = ~self.request.valid | self.request.ready",
        new="free = ~self.request.valid | 1",
        why="A request that memory has not taken yet is overwritten.",
    ),
    Mutant(
        name="command-per-beat",
        module=_REQUESTS,
        old="commands.ready.eq(ends & tokens.p.last)",
        new="commands.ready.eq(ends)",
        why="Every beat of tokens takes a command, not every packet.",
    ),
    Mutant(
        name="lost-term",
        module=_REQUESTS,
        old="([terms[-1]] if len(terms) % 2 else [])",
        new="[]",
        why="The product lacks the term that has no partner in a layer of the sum.",
    ),
    Mutant(
        name="next-channel",
        module=_REQUESTS,
        old="(number >> self._dram.channel_shift)",
        new="(number >> self._dram.channel_shift + 1)",
        why="Two granules one after the other go to the same channel.",
    ),
    Mutant(
        name="foreign-byte",
        module=_PACKER,
        old="with m.If(byte >= place.count):",
        new="with m.If(byte > place.count):",
        why="The first byte behind a vector, which belongs to another vector, is not dropped.",
    ),
    Mutant(
        name="wrapped-byte",
        module=_PACKER,
        old="byte + place.offset < width for byte",
        new="byte + place.offset <= width for byte",
        why="The first byte that the rotation takes around the end is put into the wrong granule of its vector.",
    ),
    Mutant(
        name="waits-for-ready",
        module=_PACKER,
        old="free.eq(~self.o.valid | self.o.ready)",
        new="free.eq(self.o.ready)",
        why="A vector is offered only after the sink is ready.",
    ),
    Mutant(
        name="lost-vector",
        module=_PACKER,
        old="aligned.ready.eq(free | ~place.final)",
        new="aligned.ready.eq(1)",
        why="A vector that ends while the one before it is still there is dropped.",
    ),
    Mutant(
        name="valid-waits",
        module="tokensieve.rtl.token_gather",
        old="wiring.connect(m, packer.o, wiring.flipped(self.o))",
        new="wiring.connect(m, packer.o, wiring.flipped(self.o));"
        " m.d.comb += self.o.valid.eq(packer.o.valid & self.o.ready)",
        why="a beat is offered only after its sink is ready, though it leaves in the cycle in which it should",
    ),
    Mutant(
        name="granule-eaten",
        module=_ENGINE,
        old="granules.o.ready.eq(both & packer.i.ready & ~none)",
        new="granules.o.ready.eq(both & packer.i.ready)",
        why="A packet without tokens takes the granule of the next packet with it, if that is there already.",
    ),
    Mutant(
        name="illegal-fetched",
        module=_REQUESTS,
        old="final.eq(illegal | (lane + 1 >= tokens.p.count))",
        new="final.eq(lane + 1 >= tokens.p.count)",
        why="Each token of an illegal command's last beat gives an empty vector.",
    ),
    Mutant(
        name="step-without-reset",
        module=_REQUESTS,
        old="step = Signal(range(most_granules(self._gather, self._dram)))",
        new="step = Signal(range(most_granules(self._gather, self._dram)), reset_less=True)",
        why="A reset within a vector leaves the number of the next granule as it is.",
    ),
    Mutant(
        name="no-command",
        module=_REQUESTS,
        old="there = tokens.valid & commands.valid",
        new="there = tokens.valid",
        why="Tokens do not wait for the command that says where their vectors are.",
    ),
    Mutant(
        name="no-tokens",
        module=_REQUESTS,
        old="there = tokens.valid & commands.valid",
        new="there = commands.valid",
        why="A command does not wait for its tokens.",
    ),
    Mutant(
        name="lane-goes-on",
        module=_REQUESTS,
        old="with m.If(ends):",
        new="with m.If(ends & tokens.p.last):",
        why="A packet's second beat is begun at the lane at which the first one ended.",
    ),
    Mutant(
        name="lane-stays",
        module=_REQUESTS,
        old="with m.If(ends):",
        new="with m.If(ends & ~tokens.p.last):",
        why="A packet is begun at the lane at which the packet before ended.",
    ),
    Mutant(
        name="two-granules",
        module=_REQUESTS,
        old="step = Signal(range(most_granules(self._gather, self._dram)))",
        new="step = Signal(1)",
        why="The number of a granule in its vector begins again after two.",
    ),
    Mutant(
        name="half-the-memory",
        module=_REQUESTS,
        old="number = Signal(self._gather.address_bits - offset_bits(self._dram))",
        new="number = Signal(self._gather.address_bits - offset_bits(self._dram) - 1)",
        why="The top bit of an address is lost.",
    ),
    Mutant(
        name="carry-of-the-base",
        module=_REQUESTS,
        old="after.address.eq(before.base + before.terms[0])",
        new="after.address.eq((before.base & ~0xFFFFFF) | ((before.base + before.terms[0]) & 0xFFFFFF))",
        why="A vector behind a 16 MiB boundary that lies behind the base is fetched 16 MiB too low.",
    ),
    PLACE_STICKS,
    impatient_output(_PACKER, "self._gather.outstanding + 32"),
    impatient(
        "impatient-request",
        _REQUESTS,
        "free = ~self.request.valid | self.request.ready",
        "free = ~self.request.valid | self.request.ready | late",
        "self.request.valid & ~self.request.ready",
        "self._gather.outstanding + 32",
    ),
)
