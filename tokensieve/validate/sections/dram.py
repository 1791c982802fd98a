"""The DRAM oracle: cycles that two public DRAM simulators take for the same streams, and what our DRAM takes.

`dram_oracle.csv` names simulator, configuration, stream, way of issuing and cycles. Bands: 3 % where requests are
pushed as fast as the queue takes them, 5 % through a port of 16 outstanding, 2 % on average, for each configuration.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tokensieve.arch import load_dram
from tokensieve.arch.errors import WorkloadError
from tokensieve.sim.dram.run import PATTERNS, check_stream, pattern, replay
from tokensieve.validate.lines import Line, read_lines
from tokensieve.validate.row import Row, agreement, at_most, within
from tokensieve.validate.section import Data, Section

FILE = "dram-oracle/dram_oracle.csv"
COLUMNS = (
    "simulator", "config", "pattern", "n_requests", "request_bytes", "param", "seed", "issue_mode", "total_cycles",
)  # fmt: skip
CONFIGS = {
    "dramsim3, 1ch": "dramsim3",
    "ramulator2_v2.0a, artefact": "ramulator-release",
    "ramulator2_v2.0a, v21timings_chw128": "ramulator-v21",
}
"""Ours by simulator and configuration of the file."""

BANDS = {"sat": 0.03, "axi16": 0.05}
MEAN = 0.02
NO_TARGET = "Ramulator serves a request of 64 B by one access: more bytes a cycle than its bus carries; no target"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One line of the file."""

    config: str
    """Our DRAM configuration."""

    pattern: str
    requests: int
    request_bytes: int
    param: int
    seed: int
    issue: str
    cycles: int

    @property
    def is_target(self) -> bool:
        """Whether the run is one that a bus of 32 B a cycle can do."""
        return not (self.config.startswith("ramulator") and self.request_bytes > 32)

    @property
    def name(self) -> str:
        """Name of its row."""
        size = "" if self.request_bytes == 32 else f" of {self.request_bytes} B"
        param = f" {self.param}" if self.param else ""
        return f"{self.config}: {self.pattern}{param}, {self.requests}{size}, {self.issue}"


def section(data: Data) -> Section:
    """Return every run, and the mean of each configuration."""
    rows = [(run.config, _row(run)) for run in runs(data.file(FILE))]
    targets = {name: tuple(row for config, row in rows if config == name and row.band) for name in CONFIGS.values()}
    targets = {name: found for name, found in targets.items() if found}
    means = [_mean(name, found) for name, found in targets.items()]
    ordered = (row for name in CONFIGS.values() for config, row in rows if config == name)
    return Section(rows=(*means, *ordered), scatter=targets)


def runs(path: Path) -> list[Run]:
    """Return the runs of the oracle's file; raise `WorkloadError` naming the line that is none.

    Each of `CONFIGS` must have one: a file that was cut off would agree with anything.
    """
    found = [_run(line) for line in read_lines(path, COLUMNS)]
    missing = sorted(set(CONFIGS.values()) - {run.config for run in found})
    if missing:
        raise WorkloadError(f"{path}: there must be runs of every configuration, there are none for {missing[0]}")
    return found


def _run(line: Line) -> Run:
    config = f"{line.text('simulator')}, {line.text('config')}"
    if config not in CONFIGS:
        line.refuse(f"simulator, config must be one of {'; '.join(CONFIGS)}, got {config!r}")
    run = Run(
        config=CONFIGS[config],
        pattern=line.text("pattern", PATTERNS),
        requests=line.whole("n_requests"),
        request_bytes=line.whole("request_bytes"),
        param=line.whole("param"),
        seed=line.whole("seed"),
        issue=line.text("issue_mode", BANDS),
        cycles=line.whole("total_cycles", 1),
    )
    try:
        check_stream(run.pattern, run.requests, run.request_bytes, run.param, run.seed)
    except WorkloadError as problem:
        line.refuse(str(problem))
    return run


def _row(run: Run) -> Row:
    addresses = pattern(run.pattern, run.requests, run.request_bytes, run.param, run.seed)
    stats = replay(load_dram(run.config), addresses, run.request_bytes, issue=run.issue, mhz=None)
    return Row(
        name=run.name,
        expected=run.cycles,
        modelled=stats.cycles,
        unit="cycles",
        source="DRAM oracle, dram_oracle.csv",
        band=within(run.cycles, BANDS[run.issue]) if run.is_target else None,
        causes=() if run.is_target else (NO_TARGET,),
    )


def _mean(config: str, rows: Iterable[Row]) -> Row:
    return Row(
        name=f"{config}: mean deviation",
        expected=None,
        modelled=100 * agreement(rows).mean,
        unit="%",
        source="DRAM oracle, dram_oracle.csv",
        band=at_most(100 * MEAN),
    )
