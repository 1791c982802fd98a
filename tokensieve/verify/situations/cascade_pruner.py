"""Situations of the cascade pruner. A vector is one script of commands."""

from collections.abc import Callable, Iterator

from tokensieve.arch.status import Status
from tokensieve.verify.situations.base import Seen, Situation, longest_stall, reset, twin
from tokensieve.workloads.vectors import Group

_OPS = ("clear", "grow", "add", "prune")


def _steps(seen: Seen) -> Iterator[dict[str, int]]:
    """Yield the commands of all scripts, in order, with how many there were to choose from."""
    for index in seen.which:
        groups: dict[str, Group] = dict.fromkeys(("op", "heads", "k", "pin", "row_bytes"), "inputs")
        groups |= {"offered": "work", "kept": "work"}
        columns = [seen.vectors.item(group, name, index).tolist() for name, group in groups.items()]
        yield from (dict(zip(groups, values, strict=True)) for values in zip(*columns, strict=True))


def _prune(test: Callable[[Seen, dict[str, int]], bool]) -> Callable[[Seen], bool]:
    """Return whether there is a PRUNE that passes a `test`."""
    return lambda seen: any(_OPS[step["op"]] == "prune" and test(seen, step) for step in _steps(seen))


def _told(*codes: Status) -> Callable[[Seen], bool]:
    """Return whether an illegal command has one of the `codes`."""

    def shows(seen: Seen) -> bool:
        told = [code for index in seen.which for code in seen.vectors.item("expected", "status", index).tolist()]
        return any(code in told for code in codes)

    return shows


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
    twin("numbers wait", "valid-waits"),
    reset("numbers are looked at in part", "row-without-reset"),
    longest_stall("o", "impatient"),
    longest_stall("row", "impatient-row"),
)  # fmt: skip
