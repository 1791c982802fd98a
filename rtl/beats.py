"""Layouts of what travels between units. Both ends of a stream build theirs here."""

from amaranth.hdl import unsigned
from amaranth.lib import enum, wiring
from amaranth.lib.data import ArrayLayout, Layout, StructLayout
from amaranth.lib.wiring import Out

from tokensieve.arch.datapath import Topk
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.machine import Arch
from tokensieve.arch.memory import Dram
from tokensieve.arch.status import Status
from tokensieve.arch.token_gather import TokenGather


def event(layout: Layout) -> wiring.Signature:
    """Return the signature of a probe: `payload` is meant in the cycles in which `valid` is high. It cannot wait."""
    return wiring.Signature({"payload": Out(layout), "valid": Out(1)})


def status() -> StructLayout:
    """Return the layout of what is said of a command that is not obeyed: a code of `arch.status.Status`."""
    return StructLayout({"code": unsigned(max(Status).bit_length())})


def index_bits(topk: Topk) -> int:
    """Return the width of a score's index in its packet."""
    return (topk.max_tokens - 1).bit_length()


def length_bits(topk: Topk) -> int:
    """Return the width of a number of scores, 0..max_tokens."""
    return topk.max_tokens.bit_length()


def lane_count_bits(lanes: int) -> int:
    """Return the width of a number of lanes, 0..lanes."""
    return lanes.bit_length()


def command(topk: Topk) -> StructLayout:
    """Return the layout of a selection's command: scores offered, scores to keep, seed of the pivots."""
    return StructLayout({"n": unsigned(length_bits(topk)), "k": unsigned(length_bits(topk)), "seed": unsigned(16)})


def score_beat(topk: Topk) -> StructLayout:
    """Return the layout of a beat of scores; those beyond the command's n are ignored."""
    return StructLayout({"scores": ArrayLayout(unsigned(topk.score_bits), topk.lanes)})


def item(topk: Topk) -> StructLayout:
    """Return the layout of a score and its index in the packet it came in."""
    return StructLayout({"index": unsigned(index_bits(topk)), "score": unsigned(topk.score_bits)})


def sparse_beat(lanes: int, data: Layout) -> StructLayout:
    """Return the layout of a beat of which only the lanes in `mask` count; `last` ends a packet."""
    return StructLayout({"items": ArrayLayout(data, lanes), "mask": unsigned(lanes), "last": unsigned(1)})


def routed_beat(lanes: int, data: Layout) -> StructLayout:
    """Return the layout of a compacted beat: its `count` items stand from lane `offset` on, around the end.

    `completes` says that they are more than what was free in the beat that the packet's items before them have begun.
    """
    return StructLayout(
        {
            "items": ArrayLayout(data, lanes),
            "mask": unsigned(lanes),
            "offset": unsigned(max(1, (lanes - 1).bit_length())),
            "count": unsigned(lane_count_bits(lanes)),
            "completes": unsigned(1),
            "last": unsigned(1),
        }
    )


def packed_beat(lanes: int, data: Layout) -> StructLayout:
    """Return the layout of a beat whose first `count` lanes count; `last` ends a packet."""
    return StructLayout(
        {"items": ArrayLayout(data, lanes), "count": unsigned(lane_count_bits(lanes)), "last": unsigned(1)}
    )


def found(topk: Topk) -> StructLayout:
    """Return the layout of a selection: kept are the scores above `threshold` and the first `ties` equal to it."""
    return StructLayout({"threshold": unsigned(topk.score_bits), "ties": unsigned(length_bits(topk))})


def round_size(topk: Topk) -> StructLayout:
    """Return the layout of one entry of a work record."""
    return StructLayout({"size": unsigned(length_bits(topk))})


def gather_command(gather: TokenGather) -> StructLayout:
    """Return the layout of a gather's command: where token 0's vector begins, bytes of a vector (1..max_row_bytes)."""
    return StructLayout({"base": unsigned(gather.address_bits), "row_bytes": unsigned(gather.vector_bits)})


def granule_request(gather: TokenGather, dram: Dram) -> StructLayout:
    """Return the layout of a request for one granule: the address of its first byte, and the channel it lies in."""
    channel = max(1, (dram.channels - 1).bit_length())
    return StructLayout({"address": unsigned(gather.address_bits), "channel": unsigned(channel)})


def granule(dram: Dram) -> StructLayout:
    """Return the layout of what memory gives for a request, its first byte first."""
    return StructLayout({"data": ArrayLayout(unsigned(8), dram.granule_bytes)})


def gathered_vector(gather: TokenGather) -> StructLayout:
    """Return the layout of a token's K or V: its first `count` bytes count, others are 0; `last` ends a packet."""
    return StructLayout(
        {
            "data": ArrayLayout(unsigned(8), gather.max_row_bytes),
            "count": unsigned(gather.vector_bits),
            "last": unsigned(1),
        }
    )


class SumsOp(enum.Enum, shape=3):  # type: ignore[call-arg]  # amaranth is untyped
    """What an accumulator of importance is told to do; see `tokensieve.rtl.accumulators`."""

    CLEAR = 0
    GROW = 1
    ADD = 2
    KEEP = 3
    READ = 4


def sums_command(capacity: int) -> StructLayout:
    """Return the layout of an accumulator's command; what `n` means depends on `op`, `pin` counts for READ only."""
    return StructLayout({"op": SumsOp, "n": unsigned(capacity.bit_length()), "pin": unsigned(1)})


def probability_beat(topk: Topk, probability_bits: int) -> StructLayout:
    """Return the layout of a beat of probabilities, as many as the top-k engine takes; those beyond n are ignored."""
    return StructLayout({"probabilities": ArrayLayout(unsigned(probability_bits), topk.lanes)})


def kept_probability(topk: Topk, probability_bits: int) -> StructLayout:
    """Return the layout of a kept probability and its index in the packet it came in."""
    return StructLayout({"index": unsigned(index_bits(topk)), "probability": unsigned(probability_bits)})


def decision_command(arch: Arch) -> StructLayout:
    """Return the layout of a decision's command: the threshold, 0..2^probability_bits, and for how many rows."""
    return StructLayout(
        {"threshold": unsigned(arch.softmax.probability_bits + 1), "rows": unsigned(length_bits(arch.topk))}
    )


def decision(arch: Arch) -> StructLayout:
    """Return the layout of a decision: a row's largest probability, and whether its LSBs are wanted."""
    return StructLayout({"max": unsigned(arch.softmax.probability_bits), "refetch": unsigned(1)})


def plane_command(arch: Arch) -> StructLayout:
    """Return the layout of a bitwidth converter's command, for one vector; `lsb_bits` is 0 without an LSB plane."""
    return StructLayout(
        {
            "elements": unsigned(arch.max_vector_elements.bit_length()),
            "msb_bits": unsigned(4),
            "lsb_bits": unsigned(4),
            "middle": unsigned(1),
        }
    )


class CascadeOp(enum.Enum, shape=2):  # type: ignore[call-arg]  # amaranth is untyped
    """What a cascade pruner is told to do; see `tokensieve.rtl.cascade_pruner`."""

    CLEAR = 0
    GROW = 1
    ADD = 2
    PRUNE = 3


def cascade_command(topk: Topk) -> StructLayout:
    """Return the layout of a cascade pruner's command: about tokens or heads; what `n` means depends on `op`.

    The rest is for PRUNE: how many to keep, the seed of the pivots, whether the last one always stays and whether the
    vectors of the kept tokens are fetched.
    """
    length = unsigned(length_bits(topk))
    flags = {name: unsigned(1) for name in ("heads", "pin", "fetch")}
    return StructLayout({"op": CascadeOp, "n": length, "k": length, "seed": unsigned(16), **flags})


def kept_id(topk: Topk) -> StructLayout:
    """Return the layout of the number of a kept token or head, counted among all that there have ever been."""
    return StructLayout({"index": unsigned(index_bits(topk))})


def token(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a token record: an id, which is only carried, and the score that it is kept for."""
    return StructLayout({"id": unsigned(pruner.id_bits), "score": unsigned(pruner.score_bits)})


def offered_token(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a token record as it comes; without a score where that is the norm of an embedding.

    Where attention is summed up, `score` is the token's probability in the row.
    """
    return StructLayout({"id": unsigned(pruner.id_bits)}) if pruner.scores_embeddings else token(pruner)


def kept_token(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a token that is kept; where `valid` is 0 it is padding, and all zeros."""
    return StructLayout({**dict(token(pruner).members), "valid": unsigned(1)})


def kept_tokens(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a beat of kept tokens; `too_long` marks all beats of a sequence that was dropped."""
    items = ArrayLayout(kept_token(pruner), pruner.lanes)
    return StructLayout({"items": items, "too_long": unsigned(1), "last": unsigned(1)})


def embedding(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a beat of a token's embedding."""
    return StructLayout({"data": unsigned(pruner.embedding_bits)})


def kept_embedding(pruner: FixedLengthPruner) -> StructLayout:
    """Return the layout of a beat of a kept token's embedding; where `kept` is 0 it is padding, and all zeros."""
    return StructLayout({**dict(embedding(pruner).members), "kept": unsigned(1), "last": unsigned(1)})
