"""Questions to a store: which designs no other beats, and which one is best under constraints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import StoreError, SweepError
from tokensieve.explore.frame import needed
from tokensieve.explore.front import front, knee_of
from tokensieve.explore.selection import Choice, Selection, checked, condition, select
from tokensieve.explore.tally import KNEE, SHOWN, Objective

if TYPE_CHECKING:
    from tokensieve.explore.store_reader import Reader

F64 = npt.NDArray[np.float64]

PRICE = "area_mm2.total"
"""Second objective where one is given."""


@dataclass(frozen=True)
class Front:
    """Designs that no other equals or beats in all objectives, best in the first one first."""

    designs: Selection
    objectives: tuple[Objective, ...]
    wanted: F64
    """Of each objective and design of the front; shape (objectives, designs)."""

    others: F64
    """The same of all designs that were compared, in the order of the store."""

    def rows(self) -> list[dict[str, Any]]:
        """Return the designs of the front, as JSON has them."""
        return rows(self.designs, self.objectives, self.wanted)

    def to_pandas(self) -> Any:
        """Return the front as a `pandas.DataFrame`. Raises `ToolError` without pandas."""
        flat = [{**one["values"], **one["figures"], "bottleneck": one["bottleneck"]} for one in self.rows()]
        return needed("pandas").DataFrame(flat)


@dataclass(frozen=True)
class Best:
    """Best design, and the cheapest one that is nearly as good."""

    designs: Selection
    """The best design, then the knee, if that is another one."""

    objectives: tuple[Objective, ...]
    """What was wanted; the second one is the price by which the knee is found."""

    wanted: F64
    """Of each objective and design; shape (objectives, 1 or 2)."""

    compared: int
    """Designs that were compared."""

    fitting: int
    """Those of them that satisfy all constraints."""

    held: Mapping[str, int]
    """How many satisfy each constraint."""

    @property
    def best(self) -> dict[str, Any]:
        """The best design, as JSON has it."""
        return rows(self.designs, self.objectives, self.wanted)[0]

    @property
    def knee(self) -> dict[str, Any]:
        """The design with the best second objective among those within `KNEE` of the best first one."""
        return rows(self.designs, self.objectives, self.wanted)[-1]


def pareto(store: "Reader", objectives: Sequence[str], **choice: Any) -> Front:
    """Return the front of a store (`Reader.pareto`)."""
    if len(objectives) < 2:
        raise SweepError("a front needs two objectives or more, for example energy_j.total and seconds")
    wishes = tuple(map(Objective.of, objectives))
    found, wanted = _compared(store, wishes, choice, "pareto")
    places = front(_small(wishes, wanted))
    return Front(found.chosen(places), wishes, wanted[:, places], wanted)


def best(store: "Reader", objectives: Sequence[str], constraints: Sequence[str] = (), **choice: Any) -> Best:
    """Return the best design of a store (`Reader.best`)."""
    wishes = tuple(map(Objective.of, objectives or ("seconds",)))
    if len(wishes) == 1:
        wishes = (*wishes, Objective(PRICE if wishes[0].text != PRICE else "seconds", False))
    limits = [condition(text, "--constraint") for text in constraints]
    found, wanted = _compared(store, wishes, choice, "--objective", limits)
    each = {limit.text: found.value(limit).astype(bool) for limit in limits}
    fits = np.logical_and.reduce([np.isfinite(wanted).all(axis=0), *each.values()])
    held = {text: int(one.sum()) for text, one in each.items()}
    if not fits.any():
        told = "".join(f"\n  {text}: {count} of {len(found)} satisfy it" for text, count in held.items())
        raise StoreError(f"store {store.path}: none of {len(found)} designs satisfies the constraints{told}")
    some = np.flatnonzero(fits)
    small = _small(wishes, wanted)[:, some]
    order = np.lexsort(small[::-1])
    places = some[list(dict.fromkeys([int(order[0]), knee_of(small[:2], KNEE)]))]
    return Best(found.chosen(places), wishes, wanted[:, places], len(found), len(some), held)


def rows(designs: Selection, objectives: Sequence[Objective], wanted: F64) -> list[dict[str, Any]]:
    """Return designs as JSON has them."""
    figures = [{name: float(designs.columns[name][i]) for name in SHOWN} for i in range(len(designs))]
    texts = [f"max {one.text}" if one.largest else one.text for one in objectives]
    return [
        {
            "ids": list(designs.ids[i]),
            "values": {name: column[i] for name, column in designs.values.items()},
            "figures": {**own, **dict(zip(texts, wanted[:, i].tolist(), strict=True))},
            "bottleneck": str(designs.columns["bottleneck"][i]),
        }
        for i, own in enumerate(figures)
    ]


def _compared(
    store: "Reader", wishes: Sequence[Objective], choice: Mapping[str, Any], place: str, limits: Sequence[Any] = ()
) -> tuple[Selection, F64]:
    """Return the designs that are compared, and their objectives; shape (objectives, designs)."""
    given = dict(choice)
    if isinstance(given.get("where"), str):
        given["where"] = (given["where"],)
    formulas = [checked(one.text, place) for one in wishes]
    found = select(store, Choice(**given), [*formulas, *limits])
    wanted = np.stack([found.number(one) for one in formulas])
    empty = [one.text for one, row in zip(formulas, wanted, strict=True) if not np.isfinite(row).any()]
    if empty:
        raise StoreError(f"store {store.path}: no point has {empty[0]}")
    return found, wanted


def _small(wishes: Sequence[Objective], wanted: F64) -> F64:
    """Return the objectives so that all are wanted small."""
    signs = np.array([-1.0 if one.largest else 1.0 for one in wishes])[:, None]
    return np.asarray(signs * wanted)
