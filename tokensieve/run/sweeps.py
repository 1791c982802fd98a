"""A sweep from Python, as `tokensieve sweep` runs it."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from tokensieve.arch.errors import StoreError, SweepError
from tokensieve.explore.evaluate import Analytic, Evaluator
from tokensieve.explore.flags import with_flags
from tokensieve.explore.spec import Level, sweep_from
from tokensieve.explore.store import Store
from tokensieve.explore.sweep import run_sweep
from tokensieve.explore.tally import Outcome
from tokensieve.run.points import Cycle


def sweep(
    file: Path | str | None = None,
    *,
    sets: Sequence[str] = (),
    store: Path | str | None = None,
    workers: int = 1,
    **keys: Any,
) -> Outcome:
    """Return what the designs of a sweep come to: counts, the table's `rows`, the `best` design and the `knee`.

    `file` is a sweep file or the name of a sweep that ships; `keys` replace its keys (not `axes`), and `sets` its axes
    and fields, as ``topk.lanes=8,16``. Without a file, `keys` are the sweep. What is priced is kept in the file
    `store`, and taken from there. With more than one of `workers`, a script needs the guard
    ``if __name__ == "__main__"``. Raises `TokensieveError` where no sweep can be made of them.

    >>> found = sweep(workload="bert-base-cola", axes={"topk.lanes": [1, 16]})
    >>> found.best.values
    {'topk.lanes': 16}
    """
    _check(sets, store, workers)
    spec = (
        sweep_from(keys) if file is None and not sets else with_flags(None if file is None else str(file), sets, keys)
    )
    with Store.open(store) if store is not None else nullcontext() as opened:
        return run_sweep(spec, evaluator_of(spec.level), store=opened, workers=workers)


def _check(sets: object, store: object, workers: object) -> None:
    """Raise `SweepError` or `StoreError` for an argument of another type, or out of range."""
    if not isinstance(sets, list | tuple) or not all(isinstance(one, str) for one in sets):
        raise SweepError(f"sets must be a list of texts such as 'topk.lanes=8,16', got {sets!r}")
    if store is not None and (not isinstance(store, str | Path) or not str(store)):
        raise StoreError(f"store must be the name of a file, got {store!r}")
    if not isinstance(workers, int) or isinstance(workers, bool) or workers < 1:
        raise SweepError(f"workers must be a whole number of at least 1, got {workers!r}")


def evaluator_of(level: Level) -> Evaluator:
    """Return what prices the designs of a sweep at `level`."""
    return Analytic() if level == "analytic" else Cycle()
