"""Vectors of the accumulator of head importance: scripts of commands in, scores out."""

from collections.abc import Iterator, Sequence

import numpy as np

from tokensieve.arch.machine import Arch
from tokensieve.golden.vectors import ragged
from tokensieve.golden.vectors.accumulators import HeadSums, Step, Whole, inputs_of, kept_of, padded, work_of
from tokensieve.workloads.vectors import Vectors

_ILLEGAL = 0.3
"""Share of the random scripts with an illegal command."""

_MOST_QUERIES = 1 << 12
"""Queries that a script may have to fill a sum; the default width is beyond that."""


def make(arch: Arch, count: int, seed: int, scores: str | None = None) -> Vectors:
    """Return `count` scripts: the corners, then random ones. `scores` changes nothing: outputs are not scores."""
    rng = np.random.Generator(np.random.PCG64([seed, count]))
    scripts: list[Sequence[Step]] = list(_corners(arch, rng))[:count]
    while len(scripts) < count:
        scripts.append(_random(arch, rng))
    outcomes = [_sums(arch).play(script) for script in scripts]
    return Vectors(
        unit="head-accumulator",
        arch={group: getattr(arch, group).model_dump(mode="json") for group in ("importance", "number", "topk")},
        seed=seed,
        inputs=inputs_of(scripts),
        expected=ragged("scores", [padded(outcome.scores, arch.topk.lanes) for outcome in outcomes])
        | ragged("status", [outcome.status for outcome in outcomes]),
        work=work_of(scripts, outcomes, arch.importance.lanes),
    )


def _sums(arch: Arch) -> HeadSums:
    return HeadSums(arch.importance.head_bits, arch.topk.score_bits, arch.importance.max_heads)


def added(head: int, queries: Whole) -> Step:
    """Return an ADD of outputs of one head."""
    return Step("add", head, queries)


def _outputs(arch: Arch, rng: np.random.Generator, queries: int, width: int) -> Whole:
    least = -(1 << (arch.number.output_bits - 1))
    return rng.integers(least, -least, (queries, width))


def _random(arch: Arch, rng: np.random.Generator) -> list[Step]:
    """Return a few layers: an output of each head, a ranking, a selection."""
    n = int(rng.integers(1, min(arch.importance.max_heads, arch.topk.max_tokens), endpoint=True))
    sums = _sums(arch)
    script, width = [Step("clear", n)], int(rng.choice([1, 7, 4 * arch.importance.lanes, 8 * arch.importance.lanes]))
    for _ in range(int(rng.integers(1, 4))):
        script += [added(head, _outputs(arch, rng, int(rng.integers(1, 4)), width)) for head in range(n)]
        script.append(Step("read"))
        k = int(rng.choice([max(n // 2, 1), max(n // 5, 1), n]))
        script.append(Step("keep", kept=kept_of(sums.play(script).scores[-1], k)))
        n = k
    if rng.random() < _ILLEGAL:
        place = int(rng.integers(1, len(script), endpoint=True))
        beyond = added(arch.importance.max_heads, _outputs(arch, rng, 1, width))
        script.insert(place, Step("unknown") if rng.random() < 0.5 else beyond)
    return [*script, Step("read")]


def _corners(arch: Arch, rng: np.random.Generator) -> Iterator[Sequence[Step]]:
    """Yield the scripts in which a magnitude or a head is most likely to be wrong."""
    most, lanes = min(arch.importance.max_heads, arch.topk.max_tokens), arch.importance.lanes
    least, read = -(1 << (arch.number.output_bits - 1)), Step("read")
    width = 2 * lanes
    for value in (least, -least - 1, -1, 1, 0):
        yield [Step("clear", 1), added(0, np.full((1, width), value)), read]
    yield [Step("clear", 2), added(0, np.array([[least, -least - 1, -3]])), added(1, np.array([[5]])), read]
    yield [Step("clear", most), *(added(head, _outputs(arch, rng, 1, width)) for head in range(most)), read]
    queries = (1 << arch.importance.head_bits) // (-least * width) + 2  # that overflow a sum by a little
    queries = queries if queries <= _MOST_QUERIES else 2
    yield [Step("clear", 1), added(0, np.full((queries, width), least)), read]
    full = [added(head, _outputs(arch, rng, 2, width + 1)) for head in range(most)]
    for kept in (np.arange(most)[-1:], np.arange(most)[::2], np.arange(most)):
        yield [Step("clear", most), *full, read, Step("keep", kept=kept), added(0, _outputs(arch, rng, 1, 3)), read]
    yield [Step("clear", most), *full, Step("clear", most), read]
    yield [Step("clear", 1), *(added(0, _outputs(arch, rng, 1, 1)) for _ in range(6)), read]  # one after the other
    yield from _illegal(arch, rng)


def _illegal(arch: Arch, rng: np.random.Generator) -> Iterator[Sequence[Step]]:
    """Yield scripts with commands that are not obeyed, alone and one behind another, between others."""
    full, read = arch.importance.max_heads, Step("read")
    longest = (1 << full.bit_length()) - 1  # that a command can tell
    heads = min(3, full)
    every = [added(head, _outputs(arch, rng, 1, 3)) for head in range(heads)]
    many = [Step("clear", longest)] if longest > full else []
    yield [Step("clear", heads), *every, *many, read, every[0], *many, *many, read]
    yield [Step("clear", full), *every, Step("grow", 1), *every, Step("grow", longest), read, Step("grow", 1), read]
    yield [Step("clear", heads), *every, Step("unknown"), every[-1], Step("unknown"), read]
    beyond = [added(head, _outputs(arch, rng, 2, 2 * arch.importance.lanes + 1)) for head in (heads, longest)]
    yield [Step("clear", heads), *every, *beyond, read, beyond[0], *every, beyond[0], read]
    yield [Step("clear"), beyond[0], every[0], read, Step("grow", 1), read, every[0], read]
    if heads > 2:  # one is left out
        yield [Step("clear", heads), *every, read, Step("clear", heads), every[2], every[0], every[2], every[1], *every,
               Step("keep", kept=np.array([2])), Step("grow", 2), every[2], every[1], read]  # fmt: skip
