"""Situations of the cascade pruner. A vector is one script of commands."""

from collections.abc import Callable, Iterator

from tokensieve.arch.status import Status
from tokensieve.verify.situations.base import Seen, Situation, longest_stall, reset, twin
from tokensieve.workloads.vectors import Group

_OPS = ("clear", "grow", "add", "prune")


def _steps(seen: Seen) -> Iterator[dict[str, int]]:
    """Yield the commands of all scripts, in order, with how many there were to choose from."""
    for index in seen.which:
        groups: dict[str, Group] = dict.fromkeys(("op", "heads", "n", "k", "pin", "fetch", "row_bytes"), "inputs")
        groups |= {"offered": "work", "kept": "work", "illegal": "work"}
        columns = [seen.vectors.item(group, name, index).tolist() for name, group in groups.items()]
        yield from (dict(zip(groups, values, strict=True)) for values in zip(*columns, strict=True))


def _prune(test: Callable[[Seen, dict[str, int]], bool]) -> Callable[[Seen], bool]:
    """Return whether there is a PRUNE that passes a `test`."""
    return lambda seen: any(_OPS[step["op"]] == "prune" and test(seen, step) for step in _steps(seen))


def _grow(test: Callable[[Seen, dict[str, int]], bool]) -> Callable[[Seen], bool]:
    """Return whether there is a GROW that passes a `test`."""
    return lambda seen: any(_OPS[step["op"]] == "grow" and test(seen, step) for step in _steps(seen))


def _told(*codes: Status) -> Callable[[Seen], bool]:
    """Return whether an illegal command has one of the `codes`."""

    def shows(seen: Seen) -> bool:
        told = [code for index in seen.which for code in seen.vectors.item("expected", "status", index).tolist()]
        return any(code in told for code in codes)

    return shows


def _numbers_out(seen: Seen) -> bool:
    """Return whether a GROW is illegal though so many more might be alive, as pruned tokens keep their numbers."""
    alive = 0
    for step in _steps(seen):
        op = _OPS[step["op"]]
        if step["heads"] or op == "add":
            continue
        if op == "grow" and step["illegal"] and alive + step["n"] <= seen.arch.topk.max_tokens:
            return True
        if not step["illegal"]:
            alive = {"clear": step["n"], "grow": alive + step["n"], "prune": step["kept"]}[op]
    return False


def _grow_between(seen: Seen) -> bool:
    """Return whether tokens join several at once, and after a PRUNE others do."""
    joined = pruned = False
    for step in _steps(seen):
        op = _OPS[step["op"]]
        if step["heads"] or step["illegal"]:
            continue
        if op == "grow" and joined and pruned:
            return True
        joined, pruned = joined or (op == "grow" and step["n"] > 1), joined and op == "prune"
    return False


def _grow_behind(seen: Seen) -> bool:
    """Return whether a GROW comes behind a PRUNE that has dropped a token."""
    pruned = False
    for step in _steps(seen):
        op = _OPS[step["op"]]
        pruned = pruned or (op == "prune" and not step["heads"] and step["kept"] < step["offered"])
        if pruned and op == "grow":
            return True
    return False


SITUATIONS = (
    Situation("k of fewer that are alive", "alive-is-k", _prune(lambda seen, step: step["k"] > step["offered"])),
    Situation("k of more that are alive", "alive-stays", _prune(lambda seen, step: step["k"] < step["offered"])),
    Situation("a PRUNE of heads", "heads-of-tokens", _prune(lambda seen, step: bool(step["heads"]))),
    Situation("a PRUNE that pins the newest", "never-pinned", _prune(lambda seen, step: bool(step["pin"]))),
    Situation("a PRUNE without a fetch", "fetches-heads", _prune(lambda seen, step: not step["row_bytes"])),
    Situation("a fetch of nothing", "empty-fetches",
              _prune(lambda seen, step: bool(step["row_bytes"] and not step["kept"]))),
    Situation("a CLEAR or a GROW of more than there may be", "grows-anyway", _told(Status.TOO_MANY, Status.GROW)),
    Situation("a PRUNE where none is alive", "empty-waits", _told(Status.EMPTY_SET)),
    Situation("several beats are kept", "keeps-too-early",
              _prune(lambda seen, step: step["kept"] > seen.arch.topk.lanes)),
    Situation("a GROW behind a PRUNE", "numbers-given-again", _grow_behind),
    Situation("a GROW of heads", "heads-never-grow",
              _grow(lambda seen, step: bool(step["heads"] and not step["illegal"]))),
    Situation("a GROW by very many", "grow-cut",
              _grow(lambda seen, step: step["n"] > seen.arch.topk.max_tokens)),
    Situation("numbers run out while few are alive", "numbers-wrap", _numbers_out),
    Situation("a GROW by several", "alive-by-one",
              _grow(lambda seen, step: step["n"] > 1 and not step["illegal"])),
    Situation("a GROW by several, a PRUNE and another GROW", "numbers-by-one", _grow_between),
    Situation("a PRUNE of heads where none is alive", "heads-never-empty",
              _prune(lambda seen, step: bool(step["heads"] and step["illegal"]))),
    Situation("a PRUNE of heads that asks for vectors", "fetches-for-heads",
              _prune(lambda seen, step: bool(step["heads"] and step["fetch"]))),
    Situation("a PRUNE of heads that pins the newest", "pins-tokens-only",
              _prune(lambda seen, step: bool(step["heads"] and step["pin"]))),
    twin("numbers wait", "valid-waits"),
    reset("numbers are looked at in part", "row-without-reset"),
    longest_stall("o", "impatient"),
    longest_stall("row", "impatient-row"),
)  # fmt: skip
