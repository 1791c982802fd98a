"""The units of some designs confirmed in hardware: their top-k engines played on the generated Verilog."""

from collections.abc import Iterable

from tokensieve.arch.errors import ArchError
from tokensieve.arch.machine import Arch
from tokensieve.explore.cases import Case
from tokensieve.explore.promote import Confirmed
from tokensieve.run.rtl_level import play_selections


def confirm(designs: Iterable[tuple[int, Arch, Case]], seed: int) -> list[Confirmed]:
    """Return what came of the top-k engine of each design on its work; equal ones are played once.

    Each is played as at level `rtl` (`tokensieve.run.rtl_level`). Raises `ToolError` without Verilator, and
    `CheckError` where the hardware differs from golden, law or twin.
    """
    groups: dict[tuple[str, str], list[tuple[int, Arch, Case]]] = {}
    for number, arch, case in designs:
        groups.setdefault((arch.topk.model_dump_json(), case.digest), []).append((number, arch, case))
    return [_played(group, seed) for group in groups.values()]


def _played(group: list[tuple[int, Arch, Case]], seed: int) -> Confirmed:
    _, arch, case = group[0]
    played, why = None, ""
    try:
        played = play_selections(arch, case.decisions(arch.topk), seed).as_object()
    except ArchError as problem:
        why = str(problem)
    return Confirmed(arch.topk.engine, arch.topk.lanes, case.name, tuple(one[0] for one in group), played, why)
