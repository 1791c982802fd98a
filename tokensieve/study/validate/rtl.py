"""The RTL oracle: cycles of the authors' released RTL on its own test bench, and of our model of it.

Bands: 5 % for a run and 2 % on average, 3 % for the single request, a correlation of 0.99 for the rows of all runs.
Runs in which the released RTL hung are no target.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tokensieve.arch import load_arch
from tokensieve.arch.errors import WorkloadError
from tokensieve.sim.released import Replay, replay
from tokensieve.study.validate.row import Row, agreement, at_least, at_most, correlation, within
from tokensieve.study.validate.section import Data, Section
from tokensieve.workloads.javarandom import JavaRandom
from tokensieve.workloads.testbench import SEED, Requests, topk_latency

FOLDER = "spatten-rtl"
SOURCE = f"RTL oracle, {FOLDER}"
DESIGNS = {"64mult_2ch": "released-64x2", "512mult_16ch": "released-512x16"}
"""Our preset by name of the design in the files."""

UNIFORM = "released-128x8"
"""Preset of the runs of identical requests, which have files of their own."""

PASSES = {"0": "requant_asked", "1": "requant_done_seed1"}
"""Column with the second passes that were made, by seed of the queries: with 0 all that were asked for are."""

RUN, MEAN, SINGLE, CORRELATION = 0.05, 0.02, 0.03, 0.99
SINGLE_CYCLES = 374
HUNG = "the released RTL hung: no target, the responses are counted"

I64 = npt.NDArray[np.int64]
Line = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the oracle, and ours."""

    name: str
    cycles: int
    """Cycle of the last response; -1 where the RTL hung."""

    rows: I64
    """Cycle of each response."""

    ours: Replay

    @property
    def modelled(self) -> int:
        """Cycle of our last response."""
        return int(self.ours.response.max())


def section(data: Data) -> Section:
    """Return every run, their mean, and how well the rows of all runs agree."""
    runs = [*_traced(data), *_uniform(data)]
    rows = tuple(_row(run) for run in runs)
    targets = tuple(row for row in rows if row.band)
    expected = np.concatenate([run.rows for run in runs])
    modelled = np.concatenate([run.ours.response[: len(run.rows)] for run in runs])
    return Section(
        rows=(_mean(targets), *_responses(expected, modelled), *rows),
        scatter={"runs": targets, "rows": _points(expected, modelled)},
    )


def _traced(data: Data) -> Iterator[Run]:
    """Yield the runs whose request lists are given row by row."""
    lines = _lines(data.file(f"{FOLDER}/gpt2_small_rows.csv"), "design", "run")
    path = data.file(f"{FOLDER}/gpt2_small_runs.csv")
    for run in _lines(path, "design", "run", "query_seed"):
        design, name, seed = run["design"], run["run"], run["query_seed"]
        own = [line for line in lines if (line["design"], line["run"]) == (design, name)]
        if design not in DESIGNS or seed not in PASSES or not own:
            raise WorkloadError(f"{path}: design, seed or rows of run {name!r} are not known: {design!r}, {seed!r}")
        yield Run(
            name=f"{DESIGNS[design]}: {name}",
            cycles=_whole(run, "total_cycles"),
            rows=_column(own, f"response_cycle_seed{seed}"),
            ours=replay(load_arch(DESIGNS[design]), _listed(own, PASSES[seed])),
        )


def _listed(lines: list[Line], passes: str) -> Requests:
    """Return the request list that the lines of the rows file give; column `passes` tells who makes a second pass."""
    return Requests(
        keys=_column(lines, "key_fetch"),
        values=_column(lines, "val_fetch"),
        key_bits=_column(lines, "key_bits"),
        value_bits=_column(lines, "val_bits"),
        second_pass=_column(lines, passes),
        latency=_column(lines, "topk_latency"),
        last=_column(lines, "last_in_batch"),
    )


def _uniform(data: Data) -> Iterator[Run]:
    """Yield the runs of identical requests; their top-k latencies are drawn by the release's model."""
    arch, fields = load_arch(UNIFORM), ("requests", "key_fetch", "val_fetch", "key_bits", "val_bits", "requant_forced")
    responses = _lines(data.file(f"{FOLDER}/rtl_spattensim_128mult_8ch_responses.csv"), *fields)
    for run in _lines(data.file(f"{FOLDER}/rtl_spattensim_128mult_8ch.csv"), *fields):
        n, keys, values, key_bits, value_bits, forced = (_whole(run, field) for field in fields)
        draw = JavaRandom(SEED)
        latency = np.array([topk_latency(draw, keys, values, arch.topk.lanes) for _ in range(n)], np.int64)
        if int(latency.sum()) != _whole(run, "sum_topk_latency_input"):
            raise WorkloadError(f"{FOLDER}: the top-k latencies of {n} x {keys} keys are not those of the release")
        requests = Requests(
            keys=np.full(n, keys),
            values=np.full(n, values),
            key_bits=np.full(n, key_bits),
            value_bits=np.full(n, value_bits),
            second_pass=np.full(n, forced),
            latency=latency,
            last=np.ones(n, np.int64),
        )
        yield Run(
            name=f"{UNIFORM}: {n} x K {keys}, V {values}, {key_bits}/{value_bits} bit{', LSB' if forced else ''}",
            cycles=_whole(run, "total_cycles"),
            rows=_column([r for r in responses if all(r[f] == run[f] for f in fields)], "response_cycle"),
            ours=replay(arch, requests),
        )


def _row(run: Run) -> Row:
    if run.cycles < 0:
        came = int((run.ours.response >= 0).sum())
        return Row(name=run.name, expected=0, modelled=came, unit="responses", source=SOURCE, cause=HUNG)
    share = SINGLE if run.cycles == SINGLE_CYCLES else RUN
    return Row(
        name=run.name,
        expected=run.cycles,
        modelled=run.modelled,
        unit="cycles",
        source=SOURCE,
        band=within(run.cycles, share),
    )


def _mean(targets: tuple[Row, ...]) -> Row:
    return Row(
        name="runs: mean deviation",
        expected=None,
        modelled=100 * agreement(targets).mean,
        unit="%",
        source=SOURCE,
        band=at_most(100 * MEAN),
    )


def _responses(expected: I64, modelled: I64) -> Iterator[Row]:
    found = correlation(expected.tolist(), modelled.tolist())
    yield Row(
        name=f"responses of {len(expected)} rows: correlation",
        expected=None,
        modelled=float("nan") if found is None else found,
        unit="",
        source=SOURCE,
        band=at_least(CORRELATION),
    )
    yield Row(
        name="responses: largest distance",
        expected=None,
        modelled=int(np.abs(expected - modelled).max()),
        unit="cycles",
        source=SOURCE,
    )


def _points(expected: I64, modelled: I64) -> tuple[Row, ...]:
    """Return each response as a row, for the picture only."""
    return tuple(
        Row(name=str(n), expected=e, modelled=m, unit="cycles", source="RTL oracle")
        for n, (e, m) in enumerate(zip(expected.tolist(), modelled.tolist(), strict=True))
    )


def _lines(path: Path, *columns: str) -> list[Line]:
    """Return the lines of a file that has `columns`, and others."""
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        missing = set(columns) - set(reader.fieldnames or ())
        if missing:
            raise WorkloadError(f"{path}: there must be a column {min(missing)}")
        return list(reader)


def _column(lines: list[Line], name: str) -> I64:
    return np.array([_whole(line, name) for line in lines], np.int64)


def _whole(line: Line, name: str) -> int:
    """Return the whole number in column `name`; raise `WorkloadError` where there is none."""
    try:
        return int(line[name])
    except (KeyError, TypeError, ValueError):
        raise WorkloadError(f"{FOLDER}: {name} must be a whole number, got {line.get(name)!r}") from None
