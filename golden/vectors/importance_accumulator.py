"""Vectors of the accumulator of token importance: scripts of commands in, scores out."""

from collections.abc import Iterator, Sequence

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.golden.vectors import ragged
from tokensieve.golden.vectors.accumulators import Step, TokenSums, Whole, inputs_of, kept_of, padded, work_of
from tokensieve.workloads.distributions import most_scores
from tokensieve.workloads.distributions import scores as draw
from tokensieve.workloads.vectors import Vectors

_ILLEGAL = 0.3
"""Share of the random scripts with an illegal command."""

_MOST_QUERIES = 1 << 13
"""Queries of the longest script."""


def make(arch: Arch, count: int, seed: int, scores: str | None = None) -> Vectors:
    """Return `count` scripts: the corners, then random ones. `scores` names the distribution of the probabilities."""
    scripts = scripts_of(arch, count, seed, scores)
    outcomes, lanes = [_sums(arch).play(script) for script in scripts], arch.topk.lanes
    return Vectors(
        unit="importance-accumulator",
        arch={group: getattr(arch, group).model_dump(mode="json") for group in ("importance", "softmax", "topk")},
        seed=seed,
        inputs=inputs_of(scripts),
        expected=ragged("scores", [padded(outcome.scores, lanes) for outcome in outcomes])
        | ragged("status", [outcome.status for outcome in outcomes]),
        work=work_of(scripts, outcomes, arch.importance.lanes),
    )


def scripts_of(arch: Arch, count: int, seed: int, scores: str | None) -> list[Sequence[Step]]:
    """Return `count` scripts, corners first unless a distribution is given."""
    writer = _Writer(arch, np.random.Generator(np.random.PCG64([seed, count])), seed, scores or "softmax")
    scripts: list[Sequence[Step]] = [] if scores else list(_corners(writer))[:count]
    while len(scripts) < count:
        scripts.append(writer.random(len(scripts)))
    return scripts


def _sums(arch: Arch) -> TokenSums:
    return TokenSums(arch.importance.token_bits, arch.topk.score_bits, arch.topk.max_tokens)


class _Writer:
    """Makes steps, with elements of one distribution."""

    def __init__(self, arch: Arch, rng: np.random.Generator, seed: int, name: str) -> None:
        self.arch, self.rng, self.seed, self.name = arch, rng, seed, name
        self.most = min(arch.topk.max_tokens, most_scores(name))
        self.top = (1 << arch.softmax.probability_bits) - 1

    def add(self, n: int, queries: int = 1) -> Step:
        """Return probabilities of `n` tokens, of no more queries than there may be tokens."""
        bits = self.arch.softmax.probability_bits
        seeds = self.rng.integers(1 << 30, size=min(queries, self.most))
        return added(np.stack([draw(self.name, n, bits, int(one)).astype(np.int64) for one in seeds]))

    def random(self, number: int) -> list[Step]:
        """Return a few layers: heads' probabilities, a ranking, a selection."""
        n = int(self.rng.integers(1, self.most, endpoint=True))
        sums = _sums(self.arch)
        script = [Step("clear", n)]
        for _ in range(int(self.rng.integers(1, 4))):
            script += [self.add(n, int(self.rng.integers(1, 4))) for _ in range(int(self.rng.integers(1, 4)))]
            script.append(Step("read", pin=int(self.rng.random() < 0.3)))
            scores = sums.play(script).scores[-1]
            k = int(self.rng.choice([n // 2, n // 5, n, int(self.rng.integers(n, endpoint=True))]))
            script.append(Step("keep", kept=kept_of(scores, k)))
            more = int(self.rng.integers(0, min(3, self.most - k), endpoint=True)) or int(k == 0)
            script += [Step("grow", more)] if more else []
            n = k + more
        if self.rng.random() < _ILLEGAL:
            place = int(self.rng.integers(1, len(script), endpoint=True))
            script.insert(place, Step("unknown") if self.rng.random() < 0.5 else added(np.zeros((0, n), np.int64)))
        return [*script, *([self.add(n)] if number % 2 else []), Step("read")]


def added(queries: Whole) -> Step:
    """Return an ADD of the probabilities of queries."""
    return Step("add", len(queries), queries)


def _corners(writer: _Writer) -> Iterator[Sequence[Step]]:
    """Yield the scripts in which a sum is most likely to be lost, doubled or misplaced."""
    most, top = writer.most, writer.top
    lanes, wide = writer.arch.importance.lanes, writer.arch.topk.lanes
    line, many = min(lanes, most), 7
    read, place = Step("read"), np.arange(most)
    yield [Step("clear", most), writer.add(most), read]
    yield [Step("clear", 1), added(np.ones((min(many, most), 1), np.int64)), read]  # the other lanes are no tokens
    yield [Step("clear", line), writer.add(line, many), read]  # the same line in successive cycles
    two = min(2 * line, most)
    yield [Step("clear", two), writer.add(two, 5), read]  # every second cycle
    three = min(2 * line + 1, most)
    yield [Step("clear", three), writer.add(three, many), writer.add(three, 1), read, writer.add(three, 2), read]
    queries = np.full((_queries_to_saturate(writer.arch), line), top)
    yield [Step("clear", line), *(added(queries[first : first + most]) for first in range(0, len(queries), most)), read]
    one = np.full((1, most), top)
    yield [Step("clear", most), added(one), read, Step("keep", kept=place), added(one), read]
    yield [Step("clear", most), added(one), Step("keep"), Step("grow", min(3, most)), read]
    ends = place[wide - 1 :: wide] if most >= wide else place[1:]  # the last of each beat of sums
    for kept in (place[:1], place[-1:], place[::2], place[:-1], ends, place[1:]):
        yield [Step("clear", most), writer.add(most, 2), Step("keep", kept=kept), read, writer.add(len(kept)), read]
    yield [Step("clear", most), added(one), Step("clear", most), read, writer.add(most), read]  # nothing is left over
    half = most // 2 or 1
    yield [Step("clear", half), writer.add(half, 2), Step("grow", most - half), writer.add(most), Step("read", pin=1)]
    times = 1 << min(16, most).bit_length() - 1  # a power of two, so that all ones are all ones when shifted
    first = np.repeat(np.where(place == 0, top, place % 50)[None], times, axis=0)
    yield [Step("clear", most), added(first), Step("read", pin=1), Step("keep", kept=place[1:]), read]
    yield [Step("clear", most), read]  # sums that nothing was ever added to
    few = most // 4 or 1  # so that there is room for twice as many as join
    yield [Step("clear", few), writer.add(few, 2), Step("grow", min(wide, most - few)), read]
    yield from _illegal(writer, line)


def _illegal(writer: _Writer, line: int) -> Iterator[Sequence[Step]]:
    """Yield scripts with commands that are not obeyed, alone and one behind another, between others."""
    full, read, none = writer.arch.topk.max_tokens, Step("read"), added(np.zeros((0, line), np.int64))
    longest = (1 << full.bit_length()) - 1  # that a command can tell
    many = [Step("clear", longest)] if longest > full else []
    yield [Step("clear", full), writer.add(line, 2), *many, read, writer.add(line), *many, *many, read]
    more = [Step("grow", n) for n in (1, min(writer.arch.topk.lanes, longest), longest)]
    between = [read, *more, writer.add(line), read]
    yield [Step("clear", full), writer.add(line), more[0], writer.add(line, 2), more[1], read, more[2], *between]
    yield [Step("clear", line), writer.add(line), none, writer.add(line, 2), none, none, read]
    yield [Step("clear", line), writer.add(line), Step("unknown"), writer.add(line), Step("unknown"), read]
    one, kept = writer.add(line), Step("keep", kept=np.zeros(1, np.int64))
    yield [Step("clear"), writer.add(line, 2), read, Step("grow", line), read, one, kept, Step("keep"), one,
           Step("keep"), read, Step("grow", 1), writer.add(1), read]  # fmt: skip


def _queries_to_saturate(arch: Arch) -> int:
    """Return how many queries of ones overflow a sum by a little, as far as that is affordable."""
    top = (1 << arch.softmax.probability_bits) - 1
    return min((1 << arch.importance.token_bits) // top + 2, _MOST_QUERIES)
