"""What all search cores look like from outside."""

from amaranth.hdl import unsigned
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.wiring import In, Out

from tokensieve.arch.datapath import Topk
from tokensieve.rtl.beats import event, length_bits, round_size


def search_beat(topk: Topk) -> StructLayout:
    """Return the layout of a beat of scores and which of them count."""
    return StructLayout({"scores": ArrayLayout(unsigned(topk.score_bits), topk.lanes), "mask": unsigned(topk.lanes)})


def search_ports(topk: Topk) -> wiring.Signature:
    """Return the ports of a search core.

    ``load``
        A beat comes in. Beats never wait, and the next command's may come in the cycle after ``done``.
    ``row``
        The beat; only the last may have lanes that do not count, at its end.
    ``first``, ``last``
        With ``load``: the command's first and last beat.
    ``search``
        With ``last``: look for the threshold. Where it is low, the core forgets the beats.
    ``n``, ``k``, ``seed``
        The command, from its first beat until ``done``: 0 < k < n where there is a search.
    ``done``, ``threshold``, ``ties``
        In one cycle: the scores above the threshold and the first ``ties`` equal to it are the k to keep.
    ``round``
        Probe: the sizes of the work record, in order, before or with ``done``.

    ``done`` comes ``law.search`` cycles after the last beat.
    """
    return wiring.Signature(
        {
            "load": In(1),
            "row": In(search_beat(topk)),
            "first": In(1),
            "last": In(1),
            "search": In(1),
            "n": In(length_bits(topk)),
            "k": In(length_bits(topk)),
            "seed": In(16),
            "done": Out(1),
            "threshold": Out(topk.score_bits),
            "ties": Out(length_bits(topk)),
            "round": Out(event(round_size(topk))),
        }
    )
