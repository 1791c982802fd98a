"""Fields of the machine that had no effect on a run: no cycle, no byte and no energy of an action hung on them.

Such a field may still cost area and what leaks through it; its reason says so.
"""

from collections.abc import Iterable, Iterator

from tokensieve.arch.machine import Arch
from tokensieve.arch.presets import all_fields
from tokensieve.sim.work import decides
from tokensieve.workloads.decisions import Decisions

Rule = tuple[tuple[str, ...], str]
"""Fields, and why they are inert."""

WRITES = ("dram.nRCD_WR", "dram.nCWL", "dram.nWR", "dram.nWTR_S", "dram.nWTR_L", "dram.nTurn")


def inert_fields(arch: Arch, decisions: Decisions) -> dict[str, str]:
    """Return the dotted names of the fields of `arch` that were inert in a run of `decisions`, each with the reason."""
    rules = (*_always(arch), *_units(arch, decisions), *_memory(arch, decisions))
    found: dict[str, str] = {}
    for fields, reason in rules:
        found |= {field: reason for field in fields if field not in found}
    return {name: found[name] for name, _, _ in all_fields() if name in found}


def inert_sentence(inert: dict[str, str], sets: Iterable[str]) -> str | None:
    """Return which fields that a user set (as ``topk.lanes=8``) were inert, in one line; None where all had an effect.

    >>> inert_sentence({"name": "a label"}, ["name=mine", "topk.lanes=8"])
    'Inert here: name (a label)'
    """
    asked = dict.fromkeys(item.partition("=")[0].strip() for item in sets)
    told = [f"{name} ({inert[name]})" for name in asked if name in inert]
    return f"Inert here: {'; '.join(told)}" if told else None


def _always(arch: Arch) -> Iterator[Rule]:
    """Yield what no run reads."""
    yield ("name",), "a label"
    yield ("primitives",), "cells of the hardware alone"
    yield tuple(f"released.{name}" for name in type(arch.released).model_fields), "read by tokensieve replay alone"
    yield tuple(f"pruner.{name}" for name in type(arch.pruner).model_fields), "read by its hardware alone"
    yield ("number.scale_bits", "number.output_bits"), "a format of the golden model; no unit is priced by it"
    yield ("number.lsb_bits", "importance.max_heads", "gather.max_row_bytes"), "a bound on the workload, and area"
    yield (
        ("gather.address_bits", "gather.multiply_stages", "gather.align_stages"),
        "area and RTL alone; fetcher.request_stages and return_stages are the latency of a run",
    )


def _units(arch: Arch, d: Decisions) -> Iterator[Rule]:
    """Yield the fields of units that have nothing to do, or that never bind."""
    if arch.softmax.kind != "lut":
        yield ("softmax.table_bits", "softmax.exp_frac_bits"), f"softmax.kind {arch.softmax.kind} has no table"
    if arch.topk.engine != "radix":
        yield ("topk.digit_bits", "topk.first_digit"), f"topk.engine {arch.topk.engine} has no digits"
    if arch.topk.engine != "bitserial":
        yield ("topk.count_stages",), f"topk.engine {arch.topk.engine} has no population count of all scores"
    if not decides(d) and not (d.lsb_refetch == 1).any():
        yield ("requant.queue_rows", "requant.tree_stages"), "no threshold is compared with; area alone"
    ranks = (d.topk_token_count >= 0).any() or (d.topk_head_count >= 0).any()
    if not ranks and arch.importance.lanes >= arch.softmax.lanes:
        yield ("importance.lanes",), "no selection waits for the sums, which keep up with the softmax; area alone"
    if d.steps * d.layers == 1:
        yield ("control.barrier",), "there is one layer of one step"
    for sram in ("key_sram", "value_sram"):
        if getattr(arch, sram).ports > 2:
            yield (f"{sram}.ports",), "a write and a read in a cycle take two; more are area alone"


def _memory(arch: Arch, d: Decisions) -> Iterator[Rule]:
    """Yield the fields of DRAM, and of what stands behind its channels, that never bind."""
    dram = arch.dram
    if arch.read_clocks <= min(max(dram.nCCD_S, dram.nBL), max(dram.nCCD_L, dram.nBL)):
        yield ("converter.plane_bytes", "gather.outstanding"), "keeps up with its channel; area alone"
    if dram.order[0] == "ro":
        yield ("dram.rows",), "a bound on the workload, and area"
    if dram.controller != "bank-queues":
        yield ("dram.bank_queue", "dram.row_hit_limit"), f"dram.controller {dram.controller} has no queue for each bank"
    if dram.controller == "frfcfs":
        yield ("dram.command_bus",), "dram.controller frfcfs has a bus for each pseudo-channel"
    if not dram.refresh:
        yield ("dram.nRFC", "dram.nREFI"), "dram.refresh is false"
    if not d.meta["charge_io"]:
        yield WRITES, "nothing is written: queries and outputs do not cross DRAM"
