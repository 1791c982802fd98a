"""Planted faults of the shell around the search cores, of the drain, and of every core."""

from dataclasses import replace

from tokensieve.arch.datapath import ENGINES
from tokensieve.rtl.flow.mutants.base import Mutant, mutants_of

SHELL = (
    Mutant(
        name="searches-all",
        module="tokensieve.rtl.topk",
        old="(now.k >= now.n)",
        new="(now.k > now.n)",
        why="k = n is no bypass: off by one",
    ),
    Mutant(
        name="junk-counts",
        module="tokensieve.rtl.topk",
        old="core.row.mask[lane].eq(left > lane)",
        new="core.row.mask[lane].eq(1)",
        why="lanes beyond n take part in the search",
        engine="bitserial",  # quickselect counts its lanes itself
    ),
    Mutant(
        name="one-slot",
        module="tokensieve.rtl.topk",
        old="slot.eq(~slot)",
        new="slot.eq(0)",
        why="a command loads over the beats that the one before it still drains",
    ),
    Mutant(
        name="last-ties",
        module="tokensieve.rtl.drain",
        old="(before.ranks[lane] <= ties)",
        new="(before.ranks[lane] + ties > before.ranks[-1])",
        why="tie order: the last ones of a beat are kept instead of the first",
    ),
    Mutant(
        name="tie-too-few",
        module="tokensieve.rtl.drain",
        old="(before.ranks[lane] <= ties)",
        new="(before.ranks[lane] < ties)",
        why="off by one: k - 1 items where the threshold is kept",
    ),
    Mutant(
        name="ties-not-spent",
        module="tokensieve.rtl.drain",
        old="spent.eq(spare)",
        new="spent.eq(ties)",
        why="every beat may keep as many ties as the first",
    ),
    Mutant(
        name="next-command-early",
        module="tokensieve.rtl.drain",
        old="~self._reading & ~self._comparing",
        new="~self._reading",
        why="the next command's threshold meets beats of the one before",
    ),
    Mutant(
        name="read-register-missing",
        module="tokensieve.rtl.drain",
        old="(self._read_beat, _keep),",
        new="",
        why="a register less than the law says",
    ),
    Mutant(
        name="pipe-waits-for-sink",
        module="tokensieve.rtl.pipe",
        old="advance.eq(~end.valid | end.ready)",
        new="advance.eq(end.ready)",
        why="a pipeline with nothing at its end moves only while its consumer is ready",
    ),
)

MUTANTS = SHELL + tuple(replace(one, engine=engine) for engine in ENGINES for one in mutants_of(engine))
