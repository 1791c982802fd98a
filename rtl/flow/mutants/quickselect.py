"""Planted faults of the quick-select search core."""

from tokensieve.rtl.flow.mutants.base import Mutant

_SEARCH = "tokensieve.rtl.search"

MUTANTS = (
    Mutant(
        name="quickselect-one-too-many",
        module=f"{_SEARCH}.budget",
        old="self.above.eq(keep < 0)",
        new="self.above.eq(keep <= 0)",
        why="k off by one: the search goes on where exactly those above the pivot are to be kept",
    ),
    Mutant(
        name="quickselect-no-tie-guard",
        module=f"{_SEARCH}.budget",
        old="self.below.eq(drop < 0)",
        new="self.below.eq(drop <= 0)",
        why="the search goes on where the pivot and all equal to it are just what is still to be kept",
    ),
    Mutant(
        name="quickselect-beat-forgotten",
        module=f"{_SEARCH}.budget",
        old="above.eq(above + counts.above)",
        new="above.eq(counts.above)",
        why="the size of the upper side is that of its last beat",
    ),
    Mutant(
        name="quickselect-old-target",
        module=f"{_SEARCH}.budget",
        old="to_keep.eq(-drop)",
        new="to_keep.eq(to_keep)",
        why="scores that turn out to be kept still count as to be kept",
    ),
    Mutant(
        name="quickselect-same-draw",
        module=f"{_SEARCH}.quickselect",
        old='state.eq(self._next(m, "next", state))',
        new="state.eq(state)",
        why="every round draws with the first round's random number",
    ),
    Mutant(
        name="quickselect-other-generator",
        module=f"{_SEARCH}.quickselect",
        old="left >> 9",
        new="left >> 8",
        why="pivots are good ones, but not those of the rule",
    ),
    Mutant(
        name="quickselect-pivot-lane",
        module=f"{_SEARCH}.setreader",
        old="lane.eq(self.number & (lanes - 1))",
        new="lane.eq(0)",
        why="the pivot is the first score of its beat",
    ),
    Mutant(
        name="quickselect-junk-counts",
        module=f"{_SEARCH}.setreader",
        old="mask[i].eq(full | ((left & (lanes - 1)) > i))",
        new="mask[i].eq(1)",
        why="what stands behind the end of a set is streamed with it",
    ),
    Mutant(
        name="quickselect-same-place",
        module=f"{_SEARCH}.banked_fifo",
        old="write.addr.eq(Mux((lane < beat.offset) & ~self.whole, after, place))",
        new="write.addr.eq(place)",
        why="what goes on around the end of a beat is written over its beginning",
    ),
    Mutant(
        name="quickselect-place-stays",
        module=f"{_SEARCH}.banked_fifo",
        old="place.eq(0), after.eq(1)",
        new="place.eq(place)",
        why="a packet is written behind the one before it",
    ),
    Mutant(
        name="quickselect-long-round",
        module=f"{_SEARCH}.quickselect",
        old="self._topk.quickselect_count_stages + 2):",
        new="self._topk.quickselect_count_stages + 3):",
        why="a register that the law does not know of",
    ),
    Mutant(
        name="quickselect-full-beat",
        module=f"{_SEARCH}.setreader",
        old="ends.eq(left <= lanes)",
        new="ends.eq(left < lanes)",
        why="a beat is read behind the last one of a set, where that is full",
    ),
)
