"""A sweep from its file to its outcome: ranges of designs to an executor, what is new to a store, all to the tally."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.digests import Digests
from tokensieve.arch.errors import TokensieveError
from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import load_technology
from tokensieve.explore.chunks import Chunks
from tokensieve.explore.columns import TOTALS
from tokensieve.explore.evaluate import Column, Evaluator
from tokensieve.explore.pool import Pool
from tokensieve.explore.price import FAILED, OK, REFUSED, SKIPPED, Priced, Pricer
from tokensieve.explore.refused import combinations
from tokensieve.explore.space import Designs
from tokensieve.explore.spec import SweepFile
from tokensieve.explore.store import Store
from tokensieve.explore.stored import STATUSES, Base, Point, keys_of
from tokensieve.explore.tally import Outcome, Row, Tally
from tokensieve.explore.tasks import Executor, InProcess, Task

Bool = npt.NDArray[np.bool_]
Progress = Callable[[int, int], None]
"""Is told how many designs are done, and of how many."""

LEAST_FOR_POOL = 512
"""Designs below which level `analytic` is done before the first worker has started."""


@dataclass(frozen=True)
class _Aside:
    """What is kept of a task's designs while they are priced."""

    designs: Designs
    admitted: Bool
    keys: Sequence[Sequence[bytes]]
    """By member of the suite; nothing without a store."""

    def part(self, low: int, high: int) -> "_Aside":
        """Return the same of some of the designs."""
        keys = [one[low:high] for one in self.keys]
        return _Aside(self.designs.part(low, high), self.admitted[low:high], keys)


def run_sweep(
    spec: SweepFile,
    evaluator: Evaluator,
    *,
    store: Store | None = None,
    workers: int = 1,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Outcome:
    """Return what the designs of `spec` come to, priced by `evaluator`.

    What `store` holds is not priced again, and what it lacks is stored. `workers` processes share the work, or
    `executor` does it. Raises `TokensieveError` where no sweep can be made of `spec`; designs that are refused or fail
    are counted, and stored with the reason. Interrupted, it stores what is done.
    """
    pricer = Pricer(spec, evaluator)
    tally = Tally(pricer.space)
    run = Run(pricer, store, tally, progress)
    if executor is None:
        small = len(pricer.space) < LEAST_FOR_POOL and evaluator.level == "analytic"
        executor = InProcess(pricer) if workers <= 1 or small else Pool(spec, evaluator, workers)
    run.price(executor, 0, len(pricer.space))
    return run.with_points(tally.outcome())


class Run:
    """Has designs priced, or takes them from the store, and counts them in a tally."""

    def __init__(self, pricer: Pricer, store: Store | None, tally: Tally, progress: Progress | None = None) -> None:
        self._pricer, self._space, self._store, self._tally = pricer, pricer.space, store, tally
        self._tell = progress or (lambda done, total: None)
        self._chunks = Chunks(pricer.evaluator.batch, pricer.evaluator.trial)
        self._done = 0
        self._numbers = _Numbers(pricer, store) if store is not None else None

    def price(self, executor: Executor, low: int, high: int) -> None:
        """Have the designs from `low` to before `high` priced; what is new is stored when it returns, or raises."""
        done = executor.run(self._tasks(executor, low, high))
        try:
            for task, priced in done:
                self._chunks.took(priced)
                self._take(task, priced)
                if self._store is not None:
                    self._store.commit()  # a second of work, which would else wait for the next one
        finally:
            getattr(done, "close", lambda: None)()
            if self._store is not None:
                self._store.commit()

    def with_points(
        self, outcome: Outcome, best: Sequence[Row] = (), places: Mapping[int, int] | None = None
    ) -> Outcome:
        """Return `outcome` with the points of its best design, its knee and those of `best`, where there is a store.

        `places` says where designs lie in the space, by number, where that is not their number.
        """
        rows = [row for row in (outcome.best, outcome.knee, *best) if row is not None]
        if self._store is None or self._numbers is None or not rows:
            return outcome
        keys = {}
        for number in {row.number for row in rows}:
            place = number if places is None else places[number]
            keys[number] = self._numbers.keys(self._space.designs(place, place + 1))[0][0]
        found = self._store.get(list(keys.values()))
        ids = {number: found[key].id for number, key in sorted(keys.items()) if key in found}
        points = {number: one for number, one in ids.items() if one is not None}
        return replace(outcome, points=points)

    def _tasks(self, executor: Executor, first: int, end: int) -> Iterator[Task]:
        """Yield what is not in the store; what is, is counted."""
        high = first
        while high < end:
            size = self._chunks.size(end - first, executor.workers, executor.least_s)
            low, high = high, min(high + size, end)
            designs = self._space.designs(low, high)
            admitted = self._space.admitted(designs)
            keys = self._numbers.keys(designs) if self._numbers else []
            known = [self._known(one) for one in keys] or [np.zeros(len(designs), bool)] * len(self._space.cases.suite)
            task = Task(low, high, [admitted & ~one for one in known], _Aside(designs, admitted, keys))
            if any(one.any() for one in task.wanted):
                yield task
            else:
                self._take(task, [_nothing(len(designs)) for _ in known])

    def _known(self, keys: Sequence[bytes]) -> Bool:
        """Return which points are in the store with an answer; those that failed are tried again."""
        assert self._store is not None
        status = self._store.known(keys)
        return np.array([status.get(key, "failed") != "failed" for key in keys], bool)

    def _take(self, task: Task, priced: Sequence[Priced]) -> None:
        """Store what is new, fetch the rest from the store, and count both."""
        aside: _Aside = task.aside
        whole = []
        for member, one in enumerate(priced):
            if self._numbers is not None:
                self._numbers.put(aside.designs, member, aside.keys[member], one)
                one = self._merged(one, aside.keys[member], aside.admitted & ~task.wanted[member])
            whole.append(one)
        self._tally.take(aside.designs, whole, aside.admitted)
        self._done += len(task)
        self._tell(self._done, len(self._space))

    def _merged(self, one: Priced, keys: Sequence[bytes], stored: Bool) -> Priced:
        """Return `one` with the points that are `stored` as the store has them."""
        places = np.flatnonzero(stored).tolist()
        if not places:
            return one
        assert self._store is not None
        assert self._numbers is not None
        names, found = self._store.totals_at([keys[i] for i in places])
        self._numbers.join(list(found))
        self._tally.from_store += len(found)
        rows = [found[keys[i]] for i in places]
        status, messages = one.status.copy(), dict(one.messages)
        status[places] = [row[0] for row in rows]
        messages |= {i: row[1] for i, row in zip(places, rows, strict=True) if row[1] is not None}
        totals = {c.name: _long(one.totals.get(c.name), len(status), c.kind) for c in TOTALS}
        good = [i for i, row in zip(places, rows, strict=True) if row[0] == OK]
        for name, column in zip(names, zip(*(row[2:] for row in rows if row[0] == OK), strict=True), strict=False):
            totals[name][good] = np.array(column, totals[name].dtype)
        return Priced(status, messages, totals, one.full)


def _long(column: Column | None, count: int, kind: str) -> Column:
    """Return a column that also takes what a store holds: numbers in double precision, or text."""
    if kind == "text":
        return np.full(count, "", object) if column is None else column.astype(object)
    return np.full(count, np.nan) if column is None else column.astype(np.float64)


def _nothing(count: int) -> Priced:
    return Priced(np.full(count, SKIPPED, np.int8), {}, {}, {})


class _Numbers:
    """The sweep, its machines and its work as a store numbers them, and the keys of points."""

    def __init__(self, pricer: Pricer, store: Store) -> None:
        self._space, self._store, self._level = pricer.space, store, pricer.evaluator.level
        # A design that one sweep refuses as rough and another lets pass is two points.
        self._keyed = f"{self._level}, rough" if pricer.space.spec.allow_rough else self._level
        told = self._space.spec.model_dump(mode="json")
        digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        self._sweep = store.sweep(digest, json.dumps(told))  # the text keeps the order of axes and derived fields
        self._bases: dict[int, int] = {}
        self._works: dict[tuple[int, int], int] = {}

    def keys(self, designs: Designs) -> list[list[bytes]]:
        """Return the key of every design, by member of the suite."""
        members, every = len(self._space.cases.suite), len(designs)
        found: list[list[bytes]] = [[b""] * every for _ in range(members)]
        for some in combinations([designs.base, designs.case], every):
            first = int(some[0])
            base, case = self._space.bases[designs.base[first]], int(designs.case[first])
            works = [self._space.cases.case(member, case) for member in range(members)]
            machines = machine_digests(base, designs.own(some), len(some))
            for technology, places in self._technologies(base.technology, designs, some):
                archs = [machines[i] for i in places]
                for member, work in enumerate(works):
                    known = keys_of(
                        archs, technology, work.digest, self._keyed, str(self._store.model),
                        self._space.spec.reference, work.seed, work.scores or "",
                    )  # fmt: skip
                    for i, key in zip(some[places].tolist(), known, strict=True):
                        found[member][i] = key
        return found

    def _technologies(
        self, own: str, designs: Designs, some: npt.NDArray[np.int64]
    ) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
        """Yield the digest of each technology, and the places of the designs that have it."""
        if "technology" not in designs.columns:
            yield _technology_digest(own), np.arange(len(some))
            return
        column = designs.columns["technology"][some]
        for places in combinations([column], len(some)):
            yield _technology_digest(column[places[0]]), places

    def put(self, designs: Designs, member: int, keys: Sequence[bytes], one: Priced) -> None:
        """Store the points of one member of the suite that were priced, refused or failed."""
        for some in combinations([designs.base, designs.case], len(designs)):
            base = self._base(int(designs.base[some[0]]))
            work = self._work(member, int(designs.case[some[0]]))
            good = some[one.status[some] == OK]
            if len(good) and not one.full:
                own, totals = designs.own(good), {name: column[good] for name, column in one.totals.items()}
                self._store.add_columns(
                    self._sweep, base, work, self._level, [keys[i] for i in good.tolist()], own, totals
                )
                good = good[:0]
            rest = [*good.tolist(), *some[np.isin(one.status[some], (REFUSED, FAILED))].tolist()]
            self._store.add(self._point(designs, one, keys, base, work, i) for i in sorted(rest))

    def join(self, keys: Sequence[bytes]) -> None:
        """Note that stored points belong to this sweep, too."""
        self._store.join(self._sweep, keys)

    def _point(self, designs: Designs, one: Priced, keys: Sequence[bytes], base: int, work: int, i: int) -> Point:
        ok = one.status[i] == OK
        return Point(
            key=keys[i],
            base=base,
            workload=work,
            level=self._level,
            sweep=self._sweep,
            overrides={name: designs.columns[name].item(i) for name in designs.fields},
            status=STATUSES[one.status[i]],
            message=one.messages.get(i),
            totals={name: _plain(column[i]) for name, column in one.totals.items()} if ok else None,
            full=one.full.get(i),
        )

    def _base(self, number: int) -> int:
        if number not in self._bases:
            arch = self._space.bases[number]
            one = Base(digest=arch.digest, arch=arch.model_dump(mode="json"), text=arch.name)
            self._bases[number] = self._store.base(one)
        return self._bases[number]

    def _work(self, member: int, code: int) -> int:
        key = (member, code)
        if key not in self._works:
            case = self._space.cases.case(member, code)
            self._works[key] = self._store.workload(case.digest, case.name, {**case.data, "tokens": case.tokens})
        return self._works[key]


def machine_digests(base: Arch, own: Mapping[str, Column], count: int) -> list[str]:
    """Return `Arch.digest` of `count` designs, `base` with the fields of `own`, valid or not."""
    if not own:
        return [base.digest] * count
    written = Digests(base)
    rows = zip(*(column.tolist() for column in own.values()), strict=True)
    return [written.of(dict(zip(own, row, strict=True))) for row in rows]


def _technology_digest(name: Any) -> str:
    """Return the digest of a technology; nothing of one that its axis will see refused."""
    with suppress(TokensieveError):
        return load_technology(str(name)).digest
    return ""


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
