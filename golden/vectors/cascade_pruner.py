"""Vectors of the cascade pruner: scripts of a few layers, and which tokens and heads they leave."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from tokensieve.arch.machine import Arch
from tokensieve.arch.status import Status
from tokensieve.golden.attention import Head
from tokensieve.golden.cascade import Cascade, Chosen
from tokensieve.golden.records import command_seed
from tokensieve.golden.token_gather import gathered_vectors, touched_granules
from tokensieve.golden.vectors import ragged
from tokensieve.workloads.distributions import scores as draw
from tokensieve.workloads.vectors import Vectors

Whole = npt.NDArray[np.int64]
Op = Literal["clear", "grow", "add", "prune"]

OPS: tuple[Op, ...] = ("clear", "grow", "add", "prune")
"""Commands by their numbers in the vectors."""

_NONE = np.zeros((0, 0), np.int64)
_LATENCY = 12
_MANY = 64
"""More vectors than these are short ones, so that fetching does not last much longer than all the rest of a script."""


@dataclass(frozen=True)
class Step:
    """One command, with what follows it and what comes of it."""

    op: Op
    heads: bool
    n: int = 0
    queries: Whole = field(default_factory=lambda: _NONE)
    """ADD: probabilities or outputs of each query."""

    k: int = 0
    number: int = 0
    pin: bool = False
    row_bytes: int = 0
    """PRUNE: bytes of the vectors to fetch, or 0."""

    offered: int = 0
    positions: Whole = field(default_factory=lambda: np.zeros(0, np.int64))
    ids: Whole = field(default_factory=lambda: np.zeros(0, np.int64))
    sizes: Sequence[int] = ()
    status: int = 0
    """Code of an illegal command; 0 of others."""

    def fetches(self, arch: Arch) -> bool:
        """Return whether vectors are fetched: not if they are to have more bytes than there may be."""
        return 0 < self.row_bytes <= arch.gather.max_row_bytes


class Script:
    """Writes a script, and follows it with golden's cascade."""

    def __init__(self, arch: Arch, rng: np.random.Generator, name: str, context: int, heads: int) -> None:
        self.arch, self.rng, self.name = arch, rng, name
        self.cascade = Cascade(arch, heads, context)
        self.number = int(rng.integers(1 << 16))
        self.steps = [Step("clear", False, context), Step("clear", True, heads)]

    def layer(self, queries: int, width: int) -> None:
        """Add what each alive head makes of `queries` queries, its output `width` elements wide."""
        for place, head in enumerate(self.cascade.heads.tolist()):
            probabilities = np.stack([self._probabilities() for _ in range(queries)])
            most = 1 << (self.arch.number.output_bits - 1)
            output = self.rng.integers(-most, most, (queries, width))
            none = torch.zeros(queries, 0)
            made = Head(torch.from_numpy(probabilities), none, none, torch.from_numpy(output))
            self.cascade.add(head, made)
            self.steps += [Step("add", False, queries, probabilities), Step("add", True, place, output)]

    def _probabilities(self) -> Whole:
        seed = int(self.rng.integers(1 << 30))
        return draw(self.name, len(self.cascade.tokens), self.arch.softmax.probability_bits, seed).astype(np.int64)

    def grow(self) -> None:
        """Add the token of a decode step."""
        self.cascade.append_token()
        self.steps.append(Step("grow", False, 1))

    def prune_tokens(self, k: int, pin: bool = False, row_bytes: int = 0) -> None:
        """Keep `k` tokens; with `pin` the last one whatever its importance."""
        before = self.cascade.tokens
        if not len(before):
            self.illegal(Step("prune", False, k=k, number=self.number, pin=pin, row_bytes=row_bytes), Status.EMPTY_SET)
            return
        if k > _MANY:
            row_bytes = min(row_bytes, self.arch.dram.granule_bytes // 2)
        chosen = self.cascade.prune_tokens(k, self.number, int(before[-1]) if pin else None)
        self._pruned(before, chosen, Step("prune", False, k=k, number=self.number, pin=pin, row_bytes=row_bytes))

    def prune_heads(self, k: int) -> None:
        """Keep `k` heads."""
        before = self.cascade.heads
        self._pruned(before, self.cascade.prune_heads(k, self.number), Step("prune", True, k=k, number=self.number))

    def illegal(self, step: Step, status: Status) -> None:
        """Give a command that is not obeyed."""
        self.steps.append(replace(step, status=status))

    def _pruned(self, before: torch.Tensor, chosen: Chosen, step: Step) -> None:
        sizes = chosen.records.get(self.arch.topk.record or "", [])
        positions = torch.searchsorted(before, chosen.kept).numpy()
        self.number += 1
        self.steps.append(
            Step(
                **{name: getattr(step, name) for name in ("op", "heads", "k", "number", "pin", "row_bytes")},
                offered=chosen.offered, positions=positions, ids=chosen.kept.numpy(), sizes=sizes,
            )
        )  # fmt: skip


def make(arch: Arch, count: int, seed: int, scores: str | None = None) -> Vectors:
    """Return `count` scripts: the corners, then random layers. `scores` names the distribution of the probabilities."""
    rng = np.random.Generator(np.random.PCG64([seed, count]))
    corners: list[Script] = [] if scores else list(_corners(arch, rng))[:count]
    names = [scores] if scores else ["softmax", "uniform", "narrow", "equal"]
    random = [_random(arch, rng, names[place % len(names)]) for place in range(count - len(corners))]
    scripts = [script.steps for script in corners + random]
    bases = rng.integers(0, 1 << (arch.gather.address_bits - 2), count)
    fetched = [
        _fetched(arch, script, int(base), seed + place)
        for place, (script, base) in enumerate(zip(scripts, bases, strict=True))
    ]
    groups = ("dram", "gather", "importance", "number", "softmax", "topk")
    return Vectors(
        unit="cascade-pruner",
        arch={group: getattr(arch, group).model_dump(mode="json") for group in groups},
        seed=seed,
        inputs=_inputs(scripts) | {"base": bases, "memory_latency": np.full(count, _LATENCY)}
        | ragged("data", [data for _, data, _ in fetched]),
        expected=ragged("ids", [_joined(script, "ids") for script in scripts])
        | ragged("kept", [[len(step.ids) for step in script if step.op == "prune"] for script in scripts])
        | ragged("status", [[step.status for step in script if step.status] for script in scripts])
        | ragged("fetch_status", [_unfit(arch, script) for script in scripts])
        | ragged("address", [address for address, _, _ in fetched])
        | ragged("row", [vectors for _, _, vectors in fetched]),
        work=_work(scripts, arch),
    )  # fmt: skip


def _inputs(scripts: Sequence[Sequence[Step]]) -> dict[str, Whole]:
    plain = ("n", "k", "pin", "heads", "row_bytes")
    arrays: dict[str, Whole] = ragged("op", [[OPS.index(step.op) for step in script] for script in scripts])
    for name in plain:
        arrays |= ragged(name, [[int(getattr(step, name)) for step in script] for script in scripts])
    seeds = [[int(command_seed(torch.tensor(step.number))) for step in script] for script in scripts]
    return {
        **arrays,
        **ragged("seed", seeds),
        **ragged("rows", [[len(step.queries) for step in script] for script in scripts]),
        **ragged("width", [[step.queries.shape[1] for step in script] for script in scripts]),
        **ragged("elements", [np.concatenate([step.queries.reshape(-1) for step in script]) for script in scripts]),
    }


def _work(scripts: Sequence[Sequence[Step]], arch: Arch) -> dict[str, Whole]:
    """Return what law and twin take of each step: lines added, offered, asked for, kept and where, rounds, sizes."""
    lanes = arch.importance.lanes

    def each(name: str, value: Callable[[Step], int]) -> dict[str, Whole]:
        return ragged(name, [[value(step) for step in script] for script in scripts])

    return {
        **each("op", lambda step: OPS.index(step.op)),
        **each("heads", lambda step: int(step.heads)),
        **each("lines", lambda step: len(step.queries) * -(-step.queries.shape[1] // lanes)),
        **each("offered", lambda step: step.offered),
        **each("k", lambda step: step.k),
        **each("kept", lambda step: len(step.positions)),
        **each("illegal", lambda step: int(step.status > 0)),
        **each("dropped", lambda step: _dropped(arch, step)),
        **each("rounds", lambda step: len(step.sizes)),
        **ragged("positions", [_joined(script, "positions") for script in scripts]),
        **ragged("sizes", [_joined(script, "sizes") for script in scripts]),
    }


def _unfit(arch: Arch, script: Sequence[Step]) -> list[int]:
    """Return the codes of fetches that are illegal."""
    return [int(Status.ROW_BYTES) for step in script if step.row_bytes and not step.fetches(arch)]


def _dropped(arch: Arch, step: Step) -> int:
    """Return the beats of numbers that the gather drops because their vectors cannot be fetched."""
    unfit = step.row_bytes and not step.fetches(arch)
    return max(0, -(-len(step.ids) // arch.topk.lanes) - 1) if unfit else 0


def _joined(script: Sequence[Step], name: str) -> Whole:
    return np.concatenate([np.zeros(0, np.int64), *(np.asarray(getattr(step, name), np.int64) for step in script)])


def _fetched(arch: Arch, script: Sequence[Step], base: int, seed: int) -> tuple[Whole, Whole, Whole]:
    """Return the addresses that a script asks for, the bytes there, and the bytes of the vectors of the kept tokens."""
    granule = arch.dram.granule_bytes
    none = np.zeros(0, np.int64)
    for step in script:
        if step.fetches(arch):
            ids = torch.from_numpy(step.ids)
            touched = touched_granules(base, step.row_bytes, ids, granule)
            if not len(ids):
                return none, none, none
            first = int(touched.min()) * granule
            size = int(touched.max() + 1) * granule - first
            memory = torch.from_numpy(np.random.Generator(np.random.PCG64([seed, size])).integers(0, 256, size))
            vectors = gathered_vectors(memory, base - first, step.row_bytes, ids)
            places = (touched * granule - first)[:, None] + torch.arange(granule)
            return (touched * granule).numpy(), memory[places].reshape(-1).numpy(), vectors.reshape(-1).numpy()
    return none, none, none


def _random(arch: Arch, rng: np.random.Generator, name: str) -> Script:
    """Return a few layers, each with less tokens and heads than the one before; every second time of a decode step."""
    heads = int(rng.integers(1, min(arch.importance.max_heads, arch.topk.max_tokens, 6), endpoint=True))
    context, layers = int(rng.integers(1, arch.topk.max_tokens, endpoint=True)), int(rng.integers(1, 4))
    decode = bool(rng.integers(2)) and context < arch.topk.max_tokens
    script = Script(arch, rng, name, context, heads)
    if decode:
        script.grow()
    for layer in range(layers):
        script.layer(1 if decode else int(rng.integers(1, 4)), int(rng.integers(1, 3 * arch.importance.lanes)))
        if rng.random() < 0.5:
            alive = len(script.cascade.heads)
            script.prune_heads(max(1, int(alive * rng.random())) if rng.random() < 0.8 else alive + 1)
        tokens = len(script.cascade.tokens)
        more = int(rng.integers(tokens, arch.topk.max_tokens, endpoint=True))  # all stay
        some = (tokens // 2, tokens - tokens // 5, tokens, more, int(rng.integers(tokens, endpoint=True)))
        k = max(1, int(rng.choice(some)))
        final = layer == layers - 1
        script.prune_tokens(k, decode, int(rng.integers(1, arch.gather.max_row_bytes, endpoint=True)) if final else 0)
    return script


def _corners(arch: Arch, rng: np.random.Generator) -> Iterator[Script]:
    """Yield the scripts in which positions and numbers are most likely to be mixed up."""
    most, heads = arch.topk.max_tokens, min(arch.importance.max_heads, arch.topk.max_tokens)
    wide = arch.gather.max_row_bytes

    def begun(context: int, heads: int = 1, name: str = "uniform") -> Script:
        script = Script(arch, rng, name, context, heads)
        script.layer(1, 2)
        return script

    for k in (most, 1, most - 1, most // 2):
        script = begun(most)
        script.prune_tokens(k, row_bytes=wide)
        yield script
    script = begun(1)
    script.prune_tokens(1, pin=True, row_bytes=1)
    yield script
    script = begun(min(arch.topk.lanes + 1, most), name="equal")
    script.prune_tokens(1)
    script.layer(2, 3)
    script.prune_tokens(1)
    yield script
    script = begun(most - 1)  # nothing stays, then numbers go on
    script.prune_tokens(0)
    script.grow()
    script.layer(1, 1)
    script.prune_tokens(1, pin=True, row_bytes=3)
    yield script
    script = begun(2, heads)
    for left in (heads, max(1, heads // 2), 1):
        script.prune_heads(left)
        script.layer(1, 5)
    script.prune_tokens(1, row_bytes=7)
    yield script
    script = begun(max(1, most - 3), name="narrow")  # decode: one more token in each of three steps
    for step in range(min(3, most - 1)):
        script.grow()
        script.layer(1, 4)
        script.prune_tokens(max(1, len(script.cascade.tokens) * 2 // 3), pin=True, row_bytes=wide if step == 2 else 0)
    yield script
    script = begun(max(1, most // 2))
    script.prune_tokens(0, row_bytes=5)  # a fetch of nothing
    yield script
    script = begun(max(1, most - 2), 2)  # k of fewer: all stay, and the next layer must know how many these are
    script.prune_tokens(most)
    script.prune_heads(min(3, heads))
    script.grow()
    script.layer(1, 2)
    script.prune_tokens(max(1, most // 2), row_bytes=1)
    yield script
    script = begun(most, heads)  # all stay, twice on end, then a search, all again, and more than there are
    for place, k in enumerate((most, most, most // 2, most // 2, most)):
        script.prune_tokens(k, row_bytes=3 if place == 0 else 0)
        script.prune_heads(heads)
    script.layer(1, 1)
    script.prune_tokens(1)
    yield script
    if most > 2:  # numbers go up to most - 1
        yield _illegal(arch, begun(most - 2, heads), most, heads)
    script = begun(max(1, most - 1))
    if (wide + 1).bit_length() == wide.bit_length():  # else a command cannot tell so many bytes
        script.prune_tokens(max(1, most - 2), row_bytes=wide + 1)
    script.grow()
    script.prune_tokens(1)
    yield script


def _illegal(arch: Arch, script: Script, most: int, heads: int) -> Script:
    """Go on with commands that are not obeyed, between others."""
    longest = (1 << most.bit_length()) - 1  # that a command can tell
    if longest > most:
        script.illegal(Step("clear", False, longest), Status.TOO_MANY)
    script.illegal(Step("grow", False, 3), Status.GROW)
    if heads < longest:
        script.illegal(Step("clear", True, min(arch.importance.max_heads, most) + 1), Status.TOO_MANY)
    script.illegal(Step("add", False), Status.NONE_OFFERED)
    script.prune_heads(max(1, heads // 2))
    script.grow()
    script.layer(1, 2)
    script.illegal(Step("grow", False, 2), Status.GROW)
    script.prune_tokens(0)
    script.prune_tokens(3, row_bytes=5)
    script.prune_tokens(0)
    script.grow()
    script.layer(2, 1)
    script.prune_tokens(1, pin=True)
    return script
