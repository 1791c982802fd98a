"""The RTL oracle: cycles of the authors' released RTL on its own test bench, and of our model of it.

Bands: 5 % for a run and 2 % on average, 3 % for the single request, a correlation of 0.99 for the rows of all runs.
Runs in which the released RTL hung are no target.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokensieve.arch import load_arch
from tokensieve.sim.released.replay import Replay, replay
from tokensieve.validate.lines import Line, column, read_lines
from tokensieve.validate.row import Row, agreement, at_least, at_most, correlation, within
from tokensieve.validate.section import Data, Section
from tokensieve.workloads.javarandom import JavaRandom
from tokensieve.workloads.released import MAX_LATENCY, SEED, Requests, topk_latency

FOLDER = "spatten-rtl"
SOURCE = f"RTL oracle, {FOLDER}"
DESIGNS = {"64mult_2ch": "released-64x2", "512mult_16ch": "released-512x16"}
"""Our preset by name of the design in the files."""

UNIFORM = "released-128x8"
"""Preset of the runs of identical requests, which have files of their own."""

TOTALS = ("responses", "total_cycles")
REQUEST = ("key_fetch", "val_fetch", "key_bits", "val_bits", "topk_latency", "last_in_batch")
PASSES = {"0": "requant_asked", "1": "requant_done_seed1"}
"""Column with the second passes that were made, by seed of the queries: with 0 all that were asked for are."""

RUN, MEAN, SINGLE, CORRELATION = 0.05, 0.02, 0.03, 0.99
SINGLE_CYCLES = 374
HUNG = "the released RTL hung: no target, the responses are counted"

FIELDS = ("requests", "key_fetch", "val_fetch", "key_bits", "val_bits", "requant_forced")
"""What tells the runs of identical requests apart."""

MOST_KEYS, WIDTHS = 1 << 16, ("4", "6", "8")

I64 = npt.NDArray[np.int64]


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
    lines = read_lines(data.file(f"{FOLDER}/gpt2_small_rows.csv"), ("design", "run", *REQUEST))
    for line in read_lines(data.file(f"{FOLDER}/gpt2_small_runs.csv"), ("design", "run", "query_seed", *TOTALS)):
        design, name, seed = line.text("design", DESIGNS), line.text("run"), line.text("query_seed", PASSES)
        own = [other for other in lines if (other.fields["design"], other.fields["run"]) == (design, name)]
        yield Run(
            name=f"{DESIGNS[design]}: {name}",
            cycles=line.whole("total_cycles", -1),
            rows=_responses_of(line, column(own, f"response_cycle_seed{seed}", -1)),
            ours=replay(load_arch(DESIGNS[design]), _listed(own, PASSES[seed])),
        )


def _responses_of(line: Line, cycles: I64) -> I64:
    """Return the cycles of the responses, as many as the run's line says came: others would agree with anything."""
    came = cycles[cycles >= 0]
    if len(came) != line.whole("responses"):
        line.refuse(f"responses must be those in the file of responses, {len(came)}, got {line.whole('responses')}")
    return came


def _listed(lines: list[Line], passes: str) -> Requests:
    """Return the request list that the lines of the rows file give; column `passes` tells who makes a second pass."""
    return Requests(
        keys=column(lines, "key_fetch", 1, MOST_KEYS),
        values=column(lines, "val_fetch", 1, MOST_KEYS),
        key_bits=np.array([int(line.text("key_bits", WIDTHS)) for line in lines], np.int64),
        value_bits=np.array([int(line.text("val_bits", WIDTHS)) for line in lines], np.int64),
        second_pass=column(lines, passes, 0, 1),
        latency=column(lines, "topk_latency", 0, MAX_LATENCY),
        last=column(lines, "last_in_batch", 0, 1),
    )


def _uniform(data: Data) -> Iterator[Run]:
    """Yield the runs of identical requests; their top-k latencies are drawn by the release's model."""
    arch = load_arch(UNIFORM)
    responses = read_lines(data.file(f"{FOLDER}/rtl_spattensim_128mult_8ch_responses.csv"), (*FIELDS, "response_cycle"))
    runs = data.file(f"{FOLDER}/rtl_spattensim_128mult_8ch.csv")
    for line in read_lines(runs, (*FIELDS, "sum_topk_latency_input", *TOTALS)):
        n, keys, values = (line.whole(field, 1, MOST_KEYS) for field in FIELDS[:3])
        key_bits, value_bits = (int(line.text(field, WIDTHS)) for field in FIELDS[3:5])
        forced = line.whole("requant_forced", 0, 1)
        draw = JavaRandom(SEED)
        latency = np.array([topk_latency(draw, keys, values, arch.topk.lanes) for _ in range(n)], np.int64)
        if int(latency.sum()) != line.whole("sum_topk_latency_input"):
            line.refuse(
                f"sum_topk_latency_input must be {latency.sum()}, as the release draws latencies of {n} x {keys}"
            )
        requests = Requests(
            keys=np.full(n, keys),
            values=np.full(n, values),
            key_bits=np.full(n, key_bits),
            value_bits=np.full(n, value_bits),
            second_pass=np.full(n, forced),
            latency=latency,
            last=np.ones(n, np.int64),
        )
        own = [other for other in responses if all(other.fields[f] == line.fields[f] for f in FIELDS)]
        yield Run(
            name=f"{UNIFORM}: {n} x K {keys}, V {values}, {key_bits}/{value_bits} bit{', LSB' if forced else ''}",
            cycles=line.whole("total_cycles", -1),
            rows=_responses_of(line, column(own, "response_cycle", -1)),
            ours=replay(arch, requests),
        )


def _row(run: Run) -> Row:
    if run.cycles < 0:
        came = int((run.ours.response >= 0).sum())
        return Row(name=run.name, expected=0, modelled=came, unit="responses", source=SOURCE, causes=(HUNG,))
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
