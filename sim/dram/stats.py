"""What DRAM did for one stream: counts, the log of its commands, and their energy."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.arch.memory import Dram
from tokensieve.arch.technology import Quantity, Technology
from tokensieve.sim.cost.energy import background_watts, energy_per_action
from tokensieve.sim.kernels.dram_state import COMMANDS

I64 = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DramStats:
    """What a stack did for one stream."""

    cycles: int
    """Cycles of the accelerator from the first request to the end of the last data."""

    bytes_per_cycle: float
    """Bytes that were asked for, per cycle; a granule that is used in part counts with that part."""

    row_hits: int
    """Column accesses that found their DRAM row open. Each access is a hit, a miss or a conflict, by what its bank did
    since the access before; with `active-buffer`, by the first command that was issued for its own request."""

    row_misses: int
    """Column accesses whose bank had to open a DRAM row."""

    row_conflicts: int
    """Column accesses whose bank had to close another DRAM row first."""

    activates: int
    reads: int
    """Column accesses that read; what was read together counts once."""

    writes: int
    """Column accesses that wrote; what was written together counts once."""

    joined: int
    """Granules that were served without an access of their own (`bank-queues` only)."""

    refreshes: int
    """Refreshes that fell due in the `cycles`, of all pseudo-channels."""

    issued: I64 | None = field(default=None, compare=False, repr=False)
    """Cycle at which the last granule of each request was taken, if asked for."""

    completed: I64 | None = field(default=None, compare=False, repr=False)
    """Cycle at which all data of each request was there, if asked for."""

    command_count: int | None = None
    """Commands issued, where a log was asked for; more than `commands` holds if the log was too short."""

    commands: I64 | None = field(default=None, compare=False, repr=False)
    """Commands as `tokensieve.sim.kernels.dram_state.command_log` lists them, where a log was asked for."""

    @property
    def mean_latency(self) -> float:
        """Mean cycles from a request that was taken to its last data, for a replay that kept the times."""
        assert self.issued is not None
        assert self.completed is not None
        return float((self.completed - self.issued).mean())


def command_lines(dram: Dram, commands: I64) -> str:
    """Return a command log as CSV, one line per command; `bank` counts within its group, and what has none is empty."""
    lines = ["clock,channel,pseudo_channel,command,bank_group,bank,row"]
    for clock, g, kind, bank, row in commands.tolist():
        group, own = divmod(bank, dram.banks_per_group) if bank >= 0 else ("", "")
        place = f"{g // dram.pseudo_channels},{g % dram.pseudo_channels}"
        lines.append(f"{clock},{place},{COMMANDS[kind]},{group},{own},{row if row >= 0 else ''}")
    return "\n".join(lines) + "\n"


def energy(dram: Dram, stats: DramStats, seconds: float, technology: Technology) -> tuple[float, tuple[float, float]]:
    """Return the energy of a replay in joules, and its interval: commands, and what flows in standby meanwhile."""
    counts = {
        "activate": stats.activates,
        "read_granule": stats.reads,
        "write_granule": stats.writes,
        "refresh": stats.refreshes,
    }
    machine = Arch(dram=dram)
    table = energy_per_action(machine, technology)
    parts = [
        Quantity(n * table["dram", a][0], n * table["dram", a][0] * table["dram", a][1]) for a, n in counts.items()
    ]
    total = sum(parts, seconds * background_watts(machine, technology)["dram_background"])
    return total.value, total.interval
