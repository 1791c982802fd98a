"""Optuna's samplers behind ask and tell: they propose designs, and receive the objectives of each.

The study is in memory. It is made again from the store: the same seed asks for the same designs, and what they come to
is not priced twice.
"""

import warnings
from collections.abc import Sequence
from typing import Any

from tokensieve.arch.errors import ToolError
from tokensieve.explore.steps import Design

SAMPLERS = ("nsga2", "nsga3", "tpe", "gp", "random")
"""Samplers of Optuna, by the names that a search has for them."""

POPULATION = 20
"""Designs of a generation of NSGA, and designs that TPE and GP draw at random before they begin. Optuna's 50 leave
time for eight generations in 400 designs; benchmarks/search.py compares both."""

_BROKEN = "broken"


class Study:
    """One study: designs are asked for in batches; the figures of each batch are reported before the next."""

    def __init__(
        self, sampler: str, seed: int, sizes: Sequence[int], ordered: Sequence[bool], objectives: int,
        population: int = POPULATION,
    ) -> None:  # fmt: skip
        """`sizes` are the numbers of values of the dimensions. Raises `ToolError` without Optuna."""
        optuna = _optuna()
        kinds = optuna.distributions
        self._space = {
            str(i): kinds.IntDistribution(0, size - 1) if is_ordered else kinds.CategoricalDistribution(range(size))
            for i, (size, is_ordered) in enumerate(zip(sizes, ordered, strict=True))
        }
        self._study = optuna.create_study(
            directions=["minimize"] * objectives, sampler=_sampler(optuna, sampler, seed, population)
        )
        self._open: list[Any] = []

    @property
    def asked(self) -> int:
        """Designs that were asked for, those that came again included."""
        return len(self._study.trials)

    def ask(self, count: int, first: Sequence[Design] = ()) -> list[Design]:
        """Return `count` designs: those of `first`, then what the sampler proposes."""
        for design in first:
            self._study.enqueue_trial({str(i): value for i, value in enumerate(design)})
        self._open = [self._study.ask(self._space) for _ in range(count)]
        return [tuple(int(trial.params[name]) for name in self._space) for trial in self._open]

    def tell(self, values: Sequence[Sequence[float]], broken: Sequence[int]) -> None:
        """Say what came of the designs asked for: objectives, all wanted small, and rules broken, 0 of a valid one."""
        for trial, one, rules in zip(self._open, values, broken, strict=True):
            trial.set_user_attr(_BROKEN, [float(rules)])
            self._study.tell(trial, list(one))
        self._open = []


def _sampler(optuna: Any, name: str, seed: int, population: int) -> Any:
    every = optuna.samplers
    told = {"seed": seed, "constraints_func": lambda trial: trial.user_attrs[_BROKEN]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constraints and GP are experimental in Optuna
        if name == "nsga2":
            return every.NSGAIISampler(population_size=population, **told)
        if name == "nsga3":
            return every.NSGAIIISampler(population_size=population, **told)
        if name == "tpe":
            return every.TPESampler(n_startup_trials=population, **told)
        if name == "gp":
            return every.GPSampler(n_startup_trials=population, deterministic_objective=True, **told)
        assert name == "random"
        return every.RandomSampler(seed=seed)


def _optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError:
        raise ToolError("optuna is missing, which a search needs: pip install -e '.[explore]'") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
