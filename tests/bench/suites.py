"""The cases of a unit's co-simulation at the small size, what they show, and a planted fault held against them."""

from functools import cache, cached_property, partial

from bench.units import small

from tokensieve.rtl.flow.amsim import play, run
from tokensieve.rtl.flow.mutants.base import planted
from tokensieve.verify.cases import cases_of, with_resets
from tokensieve.verify.differences import wrong_after_reset, wrong_answers, wrong_cycles, wrong_transfers, wrong_work
from tokensieve.verify.situations import Seen, situations_of
from tokensieve.verify.units import find_engine, find_unit
from tokensieve.verify.units.base import with_fields

VECTORS = {
    "zero-eliminator": 24, "topk": 32, "local-value-pruner": 28, "cascade-pruner": 14, "token-gather": 16,
    "fixed-length-pruner": 24, "importance-accumulator": 30, "head-accumulator": 20, "requant-decision": 24,
    "bitwidth-converter": 28,
    "axi-topk": 24, "axi-zero-eliminator": 24, "axi-token-gather": 16, "axi-cascade-pruner": 14,
}  # fmt: skip
"""Vectors with which each unit is in all of its situations, corners included."""

SEED = 1


def machine(fields=()):
    """Return a machine of which every unit is small: 13 tokens, 4 lanes, 8 bit; with `fields` of the pruner, if any."""
    arch = small(engine="bitserial", queue_lines=4, digit_bits=2)
    arch = with_fields(arch, "gather", max_row_bytes=20, outstanding=8)
    arch = with_fields(arch, "dram", granule_bytes=8)
    arch = with_fields(arch, "softmax", lanes=4, probability_bits=8, fifo_lines=16)
    arch = with_fields(arch, "importance", lanes=8, max_heads=8, token_bits=12)
    arch = with_fields(arch, "converter", plane_bytes=4)
    tokens = 16 if "query_rows" in dict(fields) else 8  # rows of more beats than a sum has registers
    return with_fields(arch, "pruner", max_tokens=tokens, keep=3, embedding_bits=16, **dict(fields)) if fields else arch


class Suite:
    """The cases of one unit with one engine, and their records without a fault."""

    def __init__(self, name, engine, fields):
        self.unit = find_unit(name)
        self.arch = self.unit.arch(machine(fields), engine)
        self.vectors = self.unit.vectors(self.arch, VECTORS[name], SEED, None)
        self.harness = self.unit.harness()
        alone, several = cases_of(self.unit, self.arch, self.vectors, self.harness, SEED)
        again = with_resets([case for _, case in several], SEED)
        self.alone, self.first_reset = len(alone), len(alone) + len(several)
        self.plain = [*range(self.first_reset), *(self.alone + number for number, _ in again)]
        """Of each case, the number of the same one without resets."""
        self.cases = alone + several + [(several[number][0], case) for number, case in again]

    @cached_property
    def records(self):
        """The cases as they go without a fault, played when they are asked for."""
        return run(self.harness.component(self.arch), [case for _, case in self.cases], fill=False)

    def record(self, number):
        """Return the record of the same case without resets."""
        return self.records[self.plain[number]]

    def seen(self):
        """Return the cases as situations see them."""
        for number, (which, case) in enumerate(self.cases):
            yield Seen(self.unit, self.arch, self.vectors, which, partial(self.record, number), case.resets)

    def differs(self, number, record):
        """Return whether a case's record is not as golden, law and twin say, or not as it is without resets."""
        which, _ = self.cases[number]
        here = (self.harness, self.arch, self.vectors, which)
        if number >= self.first_reset:
            return bool(wrong_after_reset(*here, self.record(number), record))
        here = (*here, record)
        if wrong_answers(*here) or wrong_work(*here):
            return True
        if wrong_transfers(self.unit, self.arch, self.vectors, which, record):
            return True
        return number < self.alone and bool(self._late(which, record))

    def _late(self, which, record):
        cycles = self.harness.cycles(self.arch, self.vectors, which, record)[0]
        return wrong_cycles(cycles, self.unit.law(self.arch, self.vectors, which[0]))

    def showing(self, situation):
        """Return the numbers of the cases in which the unit was in `situation`, the shortest first."""
        return sorted((number for number, seen in enumerate(self.seen()) if situation.shows(seen)), key=self.cycles)

    def all(self):
        """Return the numbers of all cases: those with pauses, with resets, and of one vector each, each shortest first.

        Most faults show in the first few.
        """
        kinds = (self.alone, self.first_reset), (self.first_reset, len(self.cases)), (0, self.alone)
        return [number for kind in kinds for number in sorted(range(*kind), key=self.cycles)]

    def cycles(self, number):
        """Return about as many cycles as a case takes, or some more."""
        _, case = self.cases[number]
        return sum(case.resets) + case.limit // 4

    def first_difference(self, mutant, numbers, fill=False):
        """Return the first of the cases, by `numbers`, in which a planted fault shows; None if it shows in none.

        With `fill`, what a reset leaves holds random bits: then a register that lacks its reset shows in any case.
        """
        with planted(mutant):
            records = play(self.harness.component(self.arch), [self.cases[number][1] for number in numbers], fill=fill)
        runs = zip(numbers, records, strict=True)
        return next((number for number, record in runs if self.differs(number, record)), None)


@cache
def suite(name, engine="", fields=()):
    """Return the suite of a unit, with `fields` that make it another one, if given; it is played once."""
    return Suite(name, engine, fields)


def every_situation():
    """Return unit, engine and situation of all tables. What is around a unit's engines is tried with one of them."""
    return [(name, one.engine or usual_engine(name), one) for name in VECTORS for one in situations_of(name)]


def usual_engine(name):
    """Return the engine that a unit has if none is asked for."""
    return find_engine(find_unit(name), None, machine())
