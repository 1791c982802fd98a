"""Of every unit: an output that is not taken stays as it is, if all inputs do so."""

from collections.abc import Callable
from typing import Any

from amaranth.asserts import AnySeq
from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from tokensieve.arch.datapath import ENGINES, SearchEngine, Topk
from tokensieve.arch.machine import Arch
from tokensieve.arch.presets import load_arch
from tokensieve.rtl.flow.formal import Bench, Claim, Method, accept, keeps_the_rules, offer
from tokensieve.rtl.flow.harness.base import unit_class

_SMALL = (
    "softmax.probability_bits=8", "topk.score_bits=8", "topk.max_tokens=16", "topk.lanes=4",
    "pruner.max_tokens=6", "pruner.keep=3", "pruner.lanes=2", "pruner.score_bits=4", "pruner.id_bits=2",
    "pruner.count_stages=1", "pruner.engines=2",
)  # fmt: skip
_UNITS: dict[str, tuple[str, str, Callable[[Arch], tuple[Any, ...]]]] = {
    "zero-eliminator": ("zero_eliminator", "ZeroEliminator", lambda arch: (arch.topk,)),
    "token-gather": ("token_gather", "TokenGatherEngine", lambda arch: (arch.gather, arch.dram, arch.topk)),
    "importance-accumulator": ("accumulators", "ImportanceAccumulator", lambda arch: (arch,)),
    "head-accumulator": ("accumulators", "HeadAccumulator", lambda arch: (arch,)),
    "requant-decision": ("requant_decision", "RequantDecision", lambda arch: (arch,)),
    "bitwidth-converter": ("bitwidth_converter", "BitwidthConverter", lambda arch: (arch,)),
    "local-value-pruner": ("local_value_pruner", "LocalValuePruner", lambda arch: (arch,)),
    "fixed-length-pruner": ("fixed_length_pruner", "FixedLengthPruner", lambda arch: (arch.pruner,)),
    "cascade-pruner": ("cascade_pruner", "CascadePruner", lambda arch: (arch,)),
}
"""Unit -> module, class, arguments."""

_SAYS = "every output keeps valid and payload until it is taken, whatever the inputs that do so too"


class StreamRules(Bench):
    """A unit with free inputs, and the rules of streams claimed of its outputs."""

    def __init__(self, unit: wiring.Component) -> None:
        self._unit = unit

    def check(self, m: Module) -> None:
        """Drive every input, watch every output; an event is neither."""
        m.submodules.unit = unit = self._unit
        for name, member in unit.signature.members.items():
            port = getattr(unit, name)
            if member.is_port:
                m.d.comb += [port.eq(AnySeq(len(port)))] if member.flow is In else []
            elif isinstance(member.signature, stream.Signature) and member.flow is In:
                offer(m, port)
            elif isinstance(member.signature, stream.Signature):
                accept(m, port)
                keeps_the_rules(m, port, name)


def small_arch(*sets: str) -> Arch:
    """Return a machine of small units."""
    return load_arch("spatten", [*_SMALL, *sets])


_BOUNDED = {"cascade-pruner": 10}
"""Units whose registers can stand in ways that no run leads to, so that no induction closes; cycles after reset."""


def _rules(unit: str, module: str, kind: str, arguments: Callable[[], tuple[Any, ...]], name: str) -> Claim:
    def bench() -> Bench:
        return StreamRules(unit_class(f"tokensieve.rtl.{module}", kind)(*arguments()))

    method: Method = "bmc" if unit in _BOUNDED else "induction"
    return Claim(unit=unit, name=name, says=_SAYS, method=method, depth=_BOUNDED.get(unit, 6), bench=bench)


def _whole(unit: str) -> Claim:
    module, kind, arguments = _UNITS[unit]
    return _rules(unit, module, kind, lambda: arguments(small_arch()), "stream-rules")


def _engine(engine: SearchEngine) -> Claim:
    small = Topk(engine=engine, lanes=4, max_tokens=16, score_bits=4)
    return _rules("topk", "topk", "TopKEngine", lambda: (small,), f"{engine}-stream-rules")


CLAIMS: tuple[Claim, ...] = (
    *(_whole(unit) for unit in _UNITS),
    *(_engine(engine) for engine in ENGINES),
)
