"""What is handed to somebody who has none of our Python: a unit's Verilog with a test bench and golden's vectors."""

from typing import TYPE_CHECKING

from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import Unit
from tokensieve.verify.verilog import module_name, with_header
from tokensieve.workloads.vectors import Vectors

if TYPE_CHECKING:
    from tokensieve.rtl.flow.selfcheck import Play


def handout(unit: Unit, arch: Arch, count: int, seed: int, prefix: str = "") -> dict[str, str]:
    """Return a unit's Verilog, a self-checking test bench of it with `count` of golden's vectors, and a Makefile.

    By file name; all belong into one folder. Raises as `emitted` does.
    """
    name = module_name(unit, prefix)
    arch.topk.require_rtl_length()
    from tokensieve.rtl.flow.border import border_of
    from tokensieve.rtl.flow.selfcheck import bench_files
    from tokensieve.rtl.flow.selfcheck_make import makefile
    from tokensieve.rtl.flow.verilog import unit_verilog

    component = unit.harness().component(arch)
    text = with_header(unit, arch, unit_verilog(component, name))
    bench = bench_files(name, border_of(component), _play(unit, arch, unit.vectors(arch, count, seed, None)))
    return {f"{name}.v": text, **bench, "Makefile": makefile(name)}


def _play(unit: Unit, arch: Arch, vectors: Vectors) -> "Play":
    """Return the vectors as beats, one entry per vector."""
    from tokensieve.rtl.flow.selfcheck import Play

    harness, which = unit.harness(), range(len(vectors))
    stimuli = [harness.stimulus(arch, vectors, [index]) for index in which]
    awaited = [harness.awaited(arch, vectors, [index]) for index in which]
    return Play(
        beats={name: [one.beats[name] for one in stimuli] for name in stimuli[0].beats},
        awaited={name: [one[name] for one in awaited] for name in awaited[0]},
        begins=harness.begins,
        law=[unit.law(arch, vectors, index) for index in which],
        after={
            response: (request, [one.after[response][1] for one in stimuli])
            for response, (request, _) in stimuli[0].after.items()
        },
    )
