"""Energy and area of a comparator: its parts, priced with the constants of `sim.cost.energy` and `sim.cost.area`.

Arrays, softmax and DRAM are those of the machine that is compared with. Its crossbars, top-k engines and accumulators
are not there. What A3 and MNNFast have of their own stands in their modules, as `Part`s.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from math import fsum

from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import ZERO, Quantity, Technology, load_technology
from tokensieve.sim.cost.area import unit_cells
from tokensieve.sim.cost.cells import Cells, Memory, cells_um2, leakage_watts, memory_energy
from tokensieve.sim.cost.energy import JOULES_PER_PJ, background_watts, energy_per_action

Counts = Mapping[str, Mapping[str, int]]

SHARED = ("qk", "softmax", "pv")
"""Units taken over from the machine that is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A unit that SpAtten does not have."""

    cells: Cells
    energy: Mapping[str, Quantity] = field(default_factory=dict)
    """Energy of each of its actions, in pJ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What a run takes in energy, and the silicon that it takes it on."""

    energy_j: float
    energy_j_interval: tuple[float, float]
    energy_j_of: Mapping[str, float]
    """What the actions of each unit take of it, and under ``standing`` what flows with time."""

    area_mm2: float


def bill(arch: Arch, parts: Mapping[str, Part], actions: Counts, seconds: float) -> Bill:
    """Return energy and area of a comparator that has `parts` besides the arrays and the softmax of `arch`.

    `actions` counts by unit: the names of `energy_per_action` for what is shared, those of `parts` for the rest.
    """
    technology = load_technology(arch.technology)
    prices = _prices(arch, parts, technology)
    spent = {
        unit: [count * prices[unit, action] for action, count in counts.items()] for unit, counts in actions.items()
    }
    leaks = leakage_watts(_cells(arch, parts, technology).values(), technology)
    flows = (background_watts(arch, technology)["dram_background"], leaks)
    spent["standing"] = [watts * seconds for watts in flows]
    joules = _sum(one for each in spent.values() for one in each)
    return Bill(
        energy_j=joules.value,
        energy_j_interval=joules.interval,
        energy_j_of={unit: _sum(each).value for unit, each in spent.items()},
        area_mm2=fsum(areas_mm2(arch, parts).values()),
    )


def areas_mm2(arch: Arch, parts: Mapping[str, Part]) -> dict[str, float]:
    """Return the area of each unit of a comparator that has `parts` besides the arrays and the softmax of `arch`."""
    technology = load_technology(arch.technology)
    cells = _cells(arch, parts, technology)
    return {unit: cells_um2(one, technology).value * 1e-6 for unit, one in cells.items()}


def _cells(arch: Arch, parts: Mapping[str, Part], technology: Technology) -> dict[str, Cells]:
    shared = unit_cells(arch, technology)
    return {unit: shared[unit] for unit in SHARED} | {unit: part.cells for unit, part in parts.items()}


def _sum(quantities: Iterable[Quantity]) -> Quantity:
    every = list(quantities)
    return Quantity(fsum(one.value for one in every), fsum(one.half_width for one in every))


def _prices(arch: Arch, parts: Mapping[str, Part], technology: Technology) -> dict[tuple[str, str], Quantity]:
    """Return joules of each action."""
    shared = energy_per_action(arch, technology)
    prices = {name: Quantity(joules, joules * uncertainty) for name, (joules, uncertainty) in shared.items()}
    own = {(unit, name): JOULES_PER_PJ * pj for unit, part in parts.items() for name, pj in part.energy.items()}
    return prices | own


def memory(vectors: int, vector_bits: int, banks: int, technology: Technology) -> Part:
    """Return a memory of `vectors` in `banks` equal banks; a vector is written or read at once."""
    access = memory_energy(vector_bits, vectors * vector_bits / banks, technology)
    held = Memory(words=vectors / banks, bits=vector_bits, copies=banks)
    return Part(cells=Cells(ZERO, (held,)), energy={"write_row": access, "read_row": access})
