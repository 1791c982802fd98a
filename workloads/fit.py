"""Whether decisions fit a machine: everything but the size of DRAM, which the memory map tells (`tokensieve.sim`)."""

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.machine import Arch
from tokensieve.arch.records import KINDS
from tokensieve.arch.token_gather import MOST_ROW_BYTES
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fused import stored_bits
from tokensieve.workloads.ragged import Int32


def check_fit(decisions: Decisions, arch: Arch, source: str) -> None:
    """Raise `WorkloadError` where `decisions` ask for more than `arch` has, naming field, rule and value.

    Checked are the work records and their rules, the longest context, the heads, the widths of elements and the
    longest vector. `source` begins the message. Raise `ArchError` for a machine that cannot run at all.
    """
    arch.require_run()
    problem = _record_problem(decisions, arch) or _size_problem(decisions, arch) or _width_problem(decisions, arch)
    if problem:
        raise WorkloadError(f"{source}: {problem}")


def _record_problem(d: Decisions, arch: Arch) -> str | None:
    """Return which work records are missing or follow other rules than those of the machine's engine."""
    topk, meta = arch.topk, d.meta
    rules: list[tuple[str, object, str, object]] = [
        ("score width", meta["score_bits"], "topk.score_bits", topk.score_bits)
    ]
    if topk.record is not None:
        kind = KINDS[topk.record]
        if topk.record not in meta["records"]:
            return (
                f"it has no work records of kind {topk.record!r}, which topk.engine {topk.engine} needs: "
                "make it again with `tokensieve capture`"
            )
        rules.append((kind.rule_name, meta["records"][topk.record], kind.field, kind.rule(topk)))
    for name, recorded, field, wanted in rules:
        if recorded != wanted:
            return f"the {name} of its work records is {recorded!r}, {field} is {wanted!r}"
    return None


def _size_problem(d: Decisions, arch: Arch) -> str | None:
    """Return whether the context or the heads are more than the machine has room for."""
    longest = int(d.context.max(initial=0))
    if longest > arch.topk.max_tokens:
        return f"the context of {longest} tokens is above topk.max_tokens = {arch.topk.max_tokens}"
    if d.heads > arch.importance.max_heads:
        return f"importance.max_heads must be at least the {d.heads} heads of a layer, got {arch.importance.max_heads}"
    return None


def _width_problem(d: Decisions, arch: Arch) -> str | None:
    """Return which width of an element or of a vector is above that of the machine."""
    number, low = arch.number, _fetches_low_bits(d)
    key, value, lsb = (_widest(d, tensor) for tensor in ("key", "value", "lsb"))
    query = _widest(d, "query") if d.meta["charge_io"] else 0
    limits = [(name, width, "onchip_bits", number.onchip_bits) for name, width in
              (("Q", query), ("K", key), ("V", value))]  # fmt: skip
    if low.any():
        limits.append(("K's LSB plane", lsb, "lsb_bits", number.lsb_bits))
        limits.append(("K with its LSB plane", _widest_sum(d, low), "onchip_bits", number.onchip_bits))
    for name, width, field, most in limits:
        if width > most:
            way = f"--set number.{field}={width}, or a workload whose schedule.bits are fewer"
            return f"number.{field} must be at least the {width} bits of {name}, got {most}; {way}"
    return _vector_problem(d, arch, low)


def _vector_problem(d: Decisions, arch: Arch, low: npt.NDArray[np.bool_]) -> str | None:
    """Return which vector is longer than the token gather takes; those of 6 bits lie fused with another head's."""
    bits = {"K": int(stored_bits(d.key_bits).max(initial=0)), "V": int(stored_bits(d.value_bits).max(initial=0))}
    bits |= {"K's LSB plane": int(d.bits("lsb")[low].max(initial=0))}
    bits |= {"Q": arch.number.onchip_bits if d.meta["charge_io"] else 0}
    name = max(bits, key=lambda one: bits[one])
    longest = -(-bits[name] * d.head_dim // 8)
    if longest <= arch.gather.max_row_bytes:
        return None
    room = f"; --set gather.max_row_bytes={longest} makes room" if longest <= MOST_ROW_BYTES else ""
    return (
        f"gather.max_row_bytes must be at least the {longest} bytes of a vector of {name} "
        f"({d.head_dim} elements of {bits[name]} bits), got {arch.gather.max_row_bytes}{room}"
    )


def _fetches_low_bits(d: Decisions) -> npt.NDArray[np.bool_]:
    """Return which rows fetch an LSB plane, shape (R,)."""
    if not len(d.queries):
        return np.zeros(0, bool)
    return np.maximum.reduceat(d.lsb_refetch, d.query_ptr[:-1]) > 0


def _widest(d: Decisions, tensor: str) -> int:
    return int(d.bits(tensor).max(initial=0))


def _widest_sum(d: Decisions, low: npt.NDArray[np.bool_]) -> int:
    both: Int32 = d.key_bits + d.bits("lsb")
    return int(both[low].max(initial=0))
