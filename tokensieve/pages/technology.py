"""The tables of ``docs/reference/technology.md``: ``python -m tokensieve.pages.technology`` prints them."""

from collections.abc import Iterable, Iterator, Sequence

from tokensieve.arch import load_arch
from tokensieve.arch.technology import Constant, Quantity, Technology, load_technology, technology_names
from tokensieve.report.markdown import table
from tokensieve.sim.cost.area import Area, area, unit_cells
from tokensieve.sim.cost.energy import background_watts, energy_per_action
from tokensieve.sim.cost.topk import CORES

PRESETS = ("spatten", "spatten-eighth")
DEFAULT = "tsmc40"


def tables() -> dict[str, str]:
    """Return every table of the page by its title, in order."""
    default = load_technology(DEFAULT)
    return {
        f"constants of {DEFAULT}": table(_CONSTANTS, (_constant(*row) for row in default.constants())),
        "constants of public45 that differ": table(_CONSTANTS, _changed(load_technology("public45"), default)),
        "factors from public45 to scaled7": table(_CONSTANTS, _factors(load_technology("scaled7"))),
        "energy of one action, in pJ": table(
            ("action", *_shown(PRESETS), "uncertainty (`spatten`)"), _actions(default)
        ),
        "power that flows with time, in W": table(
            ("flows with time", *_shown(PRESETS), "uncertainty (`spatten`)"), _background(default)
        ),
        "engines": table(
            ("engine", "`topk.load`", "`topk.compare`", "`topk.drain`", "one `compare` is", "area, mm2"),
            _engines(default),
        ),
        "memories of spatten": table(
            ("unit", "memories", "words", "bits", "ports", "um2 per bit as macro"), _memories(default)
        ),
        "area, in mm2": table(("unit", *_shown(PRESETS)), _areas([area(load_arch(name), default) for name in PRESETS])),
        "area of spatten by technology, in mm2": table(
            ("unit", *_shown(technology_names())),
            _areas([area(load_arch("spatten"), load_technology(name)) for name in technology_names()]),
        ),
    }


_CONSTANTS = ("constant", "value", "uncertainty", "tag", "source")


def _shown(names: Iterable[str]) -> list[str]:
    return [f"`{name}`" for name in names]


def _constant(name: str, one: Constant) -> tuple[str, ...]:
    per = f" / {one.per}" if one.per > 1 else ""
    unit = "" if one.unit == "1" else f" {one.unit}"
    return f"`{name}`", f"{one.value:g}{per}{unit}", f"{one.uncertainty:.0%}", one.confidence, one.source


def _changed(technology: Technology, base: Technology) -> Iterator[tuple[str, ...]]:
    known = dict(base.constants())
    return (_constant(name, one) for name, one in technology.constants() if one != known[name])


def _factors(technology: Technology) -> Iterator[tuple[str, ...]]:
    scaling = technology.scaling
    assert scaling is not None
    return (_constant(f"scaling.{name}", getattr(scaling, name)) for name in type(scaling).model_fields)


def _actions(technology: Technology) -> Iterator[tuple[str, ...]]:
    full, small = (energy_per_action(load_arch(name), technology) for name in PRESETS)
    for (unit, action), (joules, uncertainty) in full.items():
        other = small[unit, action][0]
        yield f"`{unit}.{action}`", f"{joules * 1e12:.4g}", f"{other * 1e12:.4g}", f"{uncertainty:.0%}"


def _background(technology: Technology) -> Iterator[tuple[str, ...]]:
    full, small = (background_watts(load_arch(name), technology) for name in PRESETS)
    for name, watts in full.items():
        yield f"`{name}`", f"{watts.value:.3f}", f"{small[name].value:.3f}", f"{watts.uncertainty:.0%}"


def _engines(technology: Technology) -> Iterator[tuple[str, ...]]:
    for engine, core in CORES.items():
        arch = load_arch("spatten", [f"topk.engine={engine}"])
        table = energy_per_action(arch, technology)
        picojoules = [f"{table['topk', action][0] * 1e12:.4g}" for action in ("load", "compare", "drain")]
        yield f"`{engine}`", *picojoules, core.compare, f"{area(arch, technology).mm2['topk']:.3f}"


def _memories(technology: Technology) -> Iterator[tuple[str, ...]]:
    for unit, cells in unit_cells(load_arch("spatten"), technology).items():
        for one in cells.memories:
            bit: Quantity = technology.sram.bit_um2(one.words, one.bits, one.ports)
            numbers = (one.copies, one.words, one.bits, one.ports)
            yield f"`{unit}`", *(f"{number:,.0f}" for number in numbers), f"{bit.value:.2f}"


def _areas(areas: Sequence[Area]) -> Iterator[tuple[str, ...]]:
    for unit in areas[0].mm2:
        yield f"`{unit}`", *(f"{one.mm2[unit]:.3f}" for one in areas)
    yield "total", *(f"{one.total:.2f} ({one.interval[0]:.2f} to {one.interval[1]:.2f})" for one in areas)


def main() -> None:
    """Print all tables with their titles."""
    print("\n\n".join(f"{title}:\n\n{text}" for title, text in tables().items()))


if __name__ == "__main__":
    main()
