"""From decisions to a `Result` at level `cycle`."""

from tokensieve.arch.machine import Arch
from tokensieve.sim.assemble import assemble, bytes_by_tensor
from tokensieve.sim.cycle import count
from tokensieve.sim.cycle.run import run_cycles
from tokensieve.sim.result import Result, Traffic
from tokensieve.sim.work import row_work
from tokensieve.workloads.decisions import Decisions


def cycle_result(arch: Arch, decisions: Decisions, un_pruned: bool = False) -> Result:
    """Return what `decisions` cost on `arch`, without reference and provenance.

    With `un_pruned`, the decisions are the reference. Raises `WorkloadError` where they do not fit the machine.
    """
    work = row_work(arch, decisions, un_pruned)
    run = run_cycles(arch, work)
    return assemble(
        "cycle",
        arch,
        work,
        causes=run.causes,
        granules=run.granules,
        busy_cycles=count.busy_cycles(arch, run),
        traffic=Traffic(
            vectors=count.vectors(run),
            lsb_rows=count.lsb_rows(run),
            dram_bytes=bytes_by_tensor(arch, run.granules.sum(axis=0)),
        ),
        actions=count.actions(arch, work, run),
    )
