"""Planted faults of the shell around the search cores, of the drain, and of every core."""

from dataclasses import replace

from tokensieve.arch.datapath import ENGINES
from tokensieve.rtl.flow.mutants.base import Mutant, mutants_of
from tokensieve.rtl.flow.mutants.parts import BEAT_DROPPED, impatient_output

_WIRE = (
    Mutant(
        name="row-without-reset",
        module="tokensieve.rtl.topk",
        old="self._row = Signal(beat_bits(topk))",
        new="self._row = Signal(beat_bits(topk), reset_less=True)",
        why="a reset among the beats of a command leaves the number of the next one as it is",
    ),
    Mutant(
        name="inside-without-reset",
        module="tokensieve.rtl.topk",
        old="Signal(range(self._topk.compactor_stages + 4))",
        new="Signal(range(self._topk.compactor_stages + 4), reset_less=True)",
        why="a wire waits for commands that were in the drain when a reset came",
    ),
    Mutant(
        name="wire-early",
        module="tokensieve.rtl.topk",
        old='with m.State("wait"), m.If(empty):',
        new='with m.State("wait"):',
        why="a wire passes before the command in front of it has left the drain",
    ),
    Mutant(
        name="wire-forgets-one",
        module="tokensieve.rtl.topk",
        old="inside.eq(inside + starts - leaves)",
        new="inside.eq(Mux(starts, 1, Mux(leaves, 0, inside)))",
        why="of two commands that drain only one is waited for",
    ),
    Mutant(
        name="wire-index-stays",
        module="tokensieve.rtl.topk",
        old="self._row << (lanes - 1).bit_length() | lane",
        new="lane",
        why="a wire's second beat has the indices of its first",
    ),
    Mutant(
        name="wire-beats-full",
        module="tokensieve.rtl.topk",
        old="Mux(self._last, self._left, lanes)",
        new="lanes",
        why="the lanes beyond n count in a wire's last beat",
    ),
    Mutant(
        name="wire-endless",
        module="tokensieve.rtl.topk",
        old="o.p.last.eq(self._last)",
        new="o.p.last.eq(0)",
        why="a wire's last beat does not end its packet",
    ),
    Mutant(
        name="wire-command-late",
        module="tokensieve.rtl.topk",
        old="self.found.payload.ties.eq(self._now.n)\n            self._take(m)",
        new='self.found.payload.ties.eq(self._now.n)\n            m.next = "command"',
        why="the next command is taken a cycle after a wire's last beat",
    ),
    Mutant(
        name="wire-command-early",
        module="tokensieve.rtl.topk",
        old="with m.If(o.valid & o.ready & self._last):",
        new="with m.If(o.valid & self._last):",
        why="the next command is taken while a wire's last beat still waits for its sink",
    ),
    Mutant(
        name="wire-loads",
        module="tokensieve.rtl.topk",
        old="core.load.eq(self._loading & self.score.valid)",
        new="core.load.eq(self.score.ready & self.score.valid)",
        why="what passes is loaded and searched too",
        engine="quickselect",  # its rounds show
    ),
)

KEPT = (
    Mutant(
        name="none-waits",
        module="tokensieve.rtl.topk",
        old="with m.If(self._none):\n",
        new="with m.If(self._none & 0):\n",
        why="a command without scores waits for a beat, and takes one of the next command",
    ),
    Mutant(
        name="too-many-kept",
        module="tokensieve.rtl.topk",
        old="with m.If(self._none | self._many):",
        new="with m.If(self._none):",
        why="more scores than there may be are searched",
    ),
    Mutant(
        name="too-many-wired",
        module="tokensieve.rtl.topk",
        old="with m.Elif(~self._many & (told.k != 0)",
        new="with m.Elif((told.k != 0)",
        why="more scores than there may be, all of them to be kept, leave as through a wire",
    ),
    Mutant(
        name="nothing-hangs",
        module="tokensieve.rtl.topk",
        old="self.found.valid.eq(~self._some | core.done)",
        new="self.found.valid.eq(core.done)",
        why="a command that keeps nothing waits for a search that is not begun",
    ),
    Mutant(
        name="searches-all",
        module="tokensieve.rtl.topk",
        old="(told.k >= told.n)",
        new="(told.k > told.n)",
        why="k = n is no wire: off by one",
    ),
    Mutant(
        name="wires-equal-alone",
        module="tokensieve.rtl.topk",
        old="(told.k >= told.n)",
        new="(told.k == told.n)",
        why="k > n is searched",
    ),
)
"""Faults that show at one k against n, for whatever is around an engine."""

SHELL = (
    *KEPT,
    Mutant(
        name="row-goes-on",
        module="tokensieve.rtl.topk",
        old="Mux(self._last, 0, self._row + 1)",
        new="Mux(self._left < topk.lanes, 0, self._row + 1)",
        why="behind a last beat that is full, a command is loaded from where the one before ended",
    ),
    Mutant(
        name="half-the-rows",
        module="tokensieve.rtl.topk",
        old="self._row = Signal(beat_bits(topk))",
        new="self._row = Signal(max(1, beat_bits(topk) - 1))",
        why="the number of a beat lacks its top bit",
    ),
    Mutant(
        name="full-beat-goes-on",
        module="tokensieve.rtl.drain",
        old="starts | (left > topk.lanes)",
        new="starts | (left >= topk.lanes)",
        why="a beat is read behind a last one that is full",
    ),
    BEAT_DROPPED,
    impatient_output("tokensieve.rtl.zero_eliminator", "26"),
    Mutant(
        name="last-late",
        module="tokensieve.rtl.topk",
        old="left <= 2 * lanes",
        new="left < 2 * lanes",
        why="a command whose last beat is full waits for another one",
    ),
    Mutant(
        name="junk-counts",
        module="tokensieve.rtl.topk",
        old="core.row.mask.eq(self._mask)",
        new="core.row.mask.eq(~0)",
        why="lanes beyond n take part in the search",
        engine="bitserial",  # quickselect counts its lanes itself
    ),
    Mutant(
        name="one-slot",
        module="tokensieve.rtl.topk",
        old="self._slot.eq(~self._slot)",
        new="self._slot.eq(0)",
        why="a command loads over the beats that the one before it still drains",
        only="spatten: four beats fit in the drain's registers, so that none is unread when the next command loads",
    ),
    Mutant(
        name="reads-other-slot",
        module="tokensieve.rtl.drain",
        old="read.addr.eq(row | (self._command.slot << places))",
        new="read.addr.eq(row | (self.row.slot << places))",
        why="beats are read from the slot that is loaded, not from the command's own",
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
    Mutant(
        name="valid-waits",
        module="tokensieve.rtl.topk",
        old="self.o.valid.eq(drain.o.valid)",
        new="self.o.valid.eq(drain.o.valid & self.o.ready)",
        why="a beat is offered only after its sink is ready, though it leaves in the cycle in which it should",
    ),
    *_WIRE,
)

MUTANTS = SHELL + tuple(replace(one, engine=engine) for engine in ENGINES for one in mutants_of(engine))
