"""Kinds of work records: what a top-k search went through, as set sizes that do not depend on the number of lanes.

An engine whose time depends on data has a kind (`Topk.record`). Golden and workloads each compute the records of every
kind by themselves, decisions store them by kind, and a law turns them into cycles.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokensieve.arch.datapath import Topk

PIVOT_RULE = "xorshift16 command_seed=1+query%65535"
"""Rule by which quick-select draws its pivots; `tokensieve.workloads.records` and `tokensieve.golden.records` follow
it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordKind:
    """One kind of work record."""

    name: str
    """Name in files of decisions."""

    rule_name: str
    """What the rule is called that records of this kind follow beyond the scores."""

    field: str
    """Field of the machine that the rule follows from, as a user would write it."""

    rule: Callable[["Topk"], str]
    """The rule that an engine follows. Records that were made by another one say nothing of its time."""

    whole_first: bool
    """Whether the first set is the whole packet; otherwise it is at most that."""

    shrinks: bool
    """Whether each set is smaller than the one before; otherwise it is at most as large."""


KINDS: dict[str, RecordKind] = {
    kind.name: kind
    for kind in (
        RecordKind(
            name="radix",
            rule_name="digit rule",
            field="topk.digit_rule",
            rule=lambda topk: topk.digit_rule,
            whole_first=False,
            shrinks=False,
        ),
        RecordKind(
            name="quick",
            rule_name="pivot rule",
            field="the pivot rule",
            rule=lambda topk: PIVOT_RULE,
            whole_first=True,
            shrinks=True,
        ),
    )
}
"""Every kind, by name."""
