"""Vectors of the cascade pruner: scripts of a few layers, and which tokens and heads they leave."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch

from tokensieve.arch.machine import Arch
from tokensieve.arch.status import Status
from tokensieve.golden.records import command_seed
from tokensieve.golden.token_gather import gathered_vectors, touched_granules
from tokensieve.golden.vectors import ragged
from tokensieve.golden.vectors.cascade_script import OPS, Script, Step, Whole
from tokensieve.workloads.vectors import Vectors

_LATENCY = 12


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
    fetches = [[int(step.fetch or step.row_bytes > 0) for step in script] for script in scripts]
    seeds = [[int(command_seed(torch.tensor(step.number))) for step in script] for script in scripts]
    return {
        **arrays,
        **ragged("fetch", fetches),
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
    if most > 4:
        yield _grown(begun(2), most, heads)
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
    for more in (3, longest):
        script.illegal(Step("grow", False, more), Status.GROW)
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


def _grown(script: Script, most: int, heads: int) -> Script:
    """Go on with heads and tokens that join, several at once, until their numbers run out; and begin again."""
    if heads > 1:
        script.grow(heads - 1, heads=True)
    script.illegal(Step("grow", True, 1), Status.GROW)
    script.grow(3)
    script.layer(1, 5)
    script.prune_heads(min(2, heads), pin=True, fetch=True)
    script.prune_tokens(2, row_bytes=3)
    script.grow(most - 5)  # the last numbers
    script.illegal(Step("grow", False, 1), Status.GROW)  # though few are alive
    script.layer(1, 2)
    script.prune_tokens(2, pin=True)
    script.prune_tokens(0)
    script.prune_heads(0, fetch=True)
    script.prune_heads(1)
    script.clear(0)
    script.prune_tokens(1)
    script.grow(2)
    script.clear(min(2, heads), heads=True)
    script.layer(1, 3)
    script.prune_tokens(1)
    return script
