"""The cost of a comparator, out of what it fetches and what its stages and units do."""

from collections.abc import Callable, Mapping

from tokensieve.arch.machine import Arch
from tokensieve.sim.comparators.base import I64, Cost, DenseRows, Stages, io_granules, sequential, total_cycles
from tokensieve.sim.comparators.parts import Counts, Part, bill


def comparator_cost(
    arch: Arch,
    rows: DenseRows,
    read: I64,
    stages_of: Callable[[I64], Stages],
    actions: Counts,
    parts: Mapping[str, Part],
    *,
    name: str,
    notes: tuple[str, ...],
) -> Cost:
    """Return what `rows` cost on a comparator of `parts`.

    `read` holds the granules that each row reads, shape (R,), queries included; as many are written as hold the
    outputs. `stages_of` makes the stages out of the cycles in which DRAM moves each row's granules, shape (R,).
    """
    stream, io = sequential(arch), io_granules(arch, rows)
    stages = stages_of(stream.cycles(read + io))
    cycles = total_cycles(arch, rows, stages, stream.latency)
    seconds = cycles / (arch.clock.mhz * 1e6)
    moved = {"dram": stream.actions(int(read.sum()), int(io.sum()), cycles)}
    priced = bill(arch, parts, {**actions, **moved}, seconds)
    return Cost(
        name=name,
        seconds=seconds,
        operations=rows.operations,
        dram_bytes=int((read + io).sum()) * arch.dram.granule_bytes,
        cycles=cycles,
        energy_j=priced.energy_j,
        energy_j_interval=priced.energy_j_interval,
        energy_j_of=priced.energy_j_of,
        area_mm2=priced.area_mm2,
        busy_cycles={"dram": int(stages.load.sum()), "queries": int(stages.work.sum())},
        notes=notes,
    )
