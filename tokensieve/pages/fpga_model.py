"""Fits the resource model of the top-k engines to recorded runs, and says how far off it is.

``python -m tokensieve.pages.fpga_model RUNS FILE`` reads the runs that `tokensieve.pages.engine_runs` recorded, writes
the coefficients to FILE (`tokensieve/arch/fpga/ecp5.json`, which ships) and prints the errors. Without FILE it writes
nothing.

Coefficients are no less than 0 and fitted to relative errors. An error is that of a run which the model was fitted
without (leave-one-out): all else was recorded, and this one was predicted.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tokensieve.arch.datapath import ENGINES, Topk
from tokensieve.arch.fpga_model import COMMON, FIELDS, Coefficients, estimate
from tokensieve.arch.fpga_structure import SHELL, path_terms, registers, terms
from tokensieve.pages.engine_runs import figures, luts, sizes
from tokensieve.pages.recorded import Row, markdown, save


class Runs:
    """Recorded runs with what the model counts of them."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.engines = [Topk.model_validate(row["parameters"]) for row in rows]

    def without(self, number: int) -> "Runs":
        """Return all runs but one."""
        return Runs([row for i, row in enumerate(self.rows) if i != number])

    def of(self, block: str) -> "Runs":
        """Return the runs that have a block: all have the shell."""
        return Runs([row for row, one in zip(self.rows, self.engines, strict=True) if block in (SHELL, one.engine)])

    @property
    def placed(self) -> "Runs":
        """The runs that were placed."""
        return Runs([row for row in self.rows if row["fmax_mhz"] is not None])

    def cells(self, block: str) -> list[Mapping[str, int]]:
        """Return the cells of a block of every run, by type."""
        return [row["cells"]["shell" if block == SHELL else "core"] for row in self.rows]


def fit(runs: Runs) -> Coefficients:
    """Return the coefficients with which the model is closest to `runs`."""
    lut, ff = dict[str, Mapping[str, float]](), dict[str, Mapping[str, float]]()
    for block in (SHELL, *ENGINES):
        some = runs.of(block)
        lut[block] = _weights([terms(one)[block] for one in some.engines], [luts(one) for one in some.cells(block)])
        each = {"engine": 1} if block == SHELL else {}
        made = [{"registers": registers(one)[block], **each} for one in some.engines]
        ff[block] = _weights(made, [one["TRELLIS_FF"] for one in some.cells(block)])
    placed = runs.placed
    return Coefficients(
        lut=lut, ff=ff, path_ns={engine: _path(placed.of(engine)) for engine in ENGINES},
        recorded={engine: _seen(runs.of(engine)) for engine in ENGINES},
        placed={engine: _seen(placed.of(engine)) for engine in ENGINES},
    )  # fmt: skip


def _path(placed: Runs) -> Mapping[str, float]:
    return _weights([path_terms(one) for one in placed.engines], [1e3 / row["fmax_mhz"] for row in placed.rows])


def _weights(counts: Sequence[Mapping[str, float]], wanted: Sequence[float]) -> Mapping[str, float]:
    """Return weights, none below 0, with which the sums of `counts` are closest to `wanted`, as shares of it.

    With five terms at most, each choice of terms that count is tried: the best one without a negative weight wins.
    """
    names = list(counts[0])
    table = np.array([[one[name] for name in names] for one in counts]) / np.array(wanted)[:, None]
    best, least = np.zeros(len(names)), np.inf
    for size in range(1, len(names) + 1):
        for chosen in combinations(range(len(names)), size):
            some = list(chosen)
            found = np.linalg.lstsq(table[:, some], np.ones(len(wanted)), rcond=None)[0]
            error = float(((table[:, some] @ found - 1) ** 2).sum())
            if (found >= 0).all() and error < least - 1e-9:
                best, least = np.zeros(len(names)), error
                best[some] = found
    return {name: float(f"{weight:.4g}") for name, weight in zip(names, best.tolist(), strict=True)}


def _seen(runs: Runs) -> dict[str, Sequence[Any]]:
    """Return the sizes of runs of one engine, by field."""
    found = dict[str, Sequence[Any]]()
    for field in (*COMMON, *FIELDS[runs.engines[0].engine]):
        values = sorted({getattr(one, field) for one in runs.engines})
        found[field] = values if isinstance(values[0], str) else [values[0], values[-1]]
    return found


FITTED = ("lut", "ff", "fmax_mhz")
COUNTED = ("bram", "dsp")


def errors(runs: Runs) -> list[dict[str, float]]:
    """Return how far off the estimate of each run is by the model that is fitted to all others.

    Of what is fitted that is a share, of what is counted a number. A run that was not placed has no error of Fmax.
    """
    found = []
    for i, (row, topk) in enumerate(zip(runs.rows, runs.engines, strict=True)):
        real, one = figures(row), estimate(topk, fit(runs.without(i)))
        off = {name: getattr(one, name) / value - 1 for name in FITTED if (value := real[name]) is not None}
        found.append(off | {name: getattr(one, name) - (real[name] or 0) for name in COUNTED})
    return found


def summary(found: Sequence[Mapping[str, float]]) -> dict[str, dict[str, float]]:
    """Return the median and the worst error of each figure, and of how many runs they are."""
    told = {}
    for name in (*FITTED, *COUNTED):
        own = [abs(one[name]) for one in found if name in one]
        told[name] = {"runs": len(own), "median": round(median(own), 4), "worst": round(max(own), 4)}
    return told


def told(runs: Runs, found: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """Return what ships: coefficients, recorded sizes, errors, and the tools that the runs are of."""
    known = fit(runs)
    return {
        "device": runs.rows[0]["device"],
        "tools": runs.rows[0]["tools"],
        "runs": len(runs.rows),
        "runs_placed": len(runs.placed.rows),
        "errors": summary(found),
        "lut": known.lut,
        "ff": known.ff,
        "path_ns": known.path_ns,
        "recorded": known.recorded,
        "placed": known.placed,
    }


def show(runs: Runs, found: Sequence[Mapping[str, float]]) -> str:
    """Return the errors as tables: of all runs, and of each."""
    whole = [{"figure": name, "runs": int(one["runs"]), **{key: _share(name, one[key]) for key in ("median", "worst")}}
             for name, one in summary(found).items()]  # fmt: skip
    each = [{**sizes(row), **_beside(row, own)} for row, own in zip(runs.rows, found, strict=True)]
    return f"{markdown(list(whole[0]), whole)}\n\n{markdown(list(each[0]), each)}"


def _share(name: str, error: float) -> str:
    return f"{error:.1%}" if name in FITTED else f"{error:g}"


def _beside(row: Row, off: Mapping[str, float]) -> dict[str, Any]:
    real = figures(row)
    shown: dict[str, Any] = {}
    for name, title in (("lut", "LUT"), ("ff", "FF"), ("fmax_mhz", "MHz")):
        there = name in off
        shown |= {title: real[name] if there else "", f"{title} off": f"{off[name]:+.0%}" if there else ""}
    return shown | {"BRAM": real["bram"], "DSP": real["dsp"]}


def checked(rows: Sequence[Row], known: Coefficients) -> str:
    """Return how far off the model is of the rows of `tokensieve.pages.fpga`, as a table; none of them is fitted."""
    found = []
    for row in rows:
        topk = Topk.model_validate({name: row[name] for name in _TABLE})
        lut = luts({"LUT4": row["lut4"], "CCU2C": row["carry"], "TRELLIS_DPR16X4": row["dpr"]})
        mhz, one = next(iter(row["fmax_mhz"].values())), estimate(topk, known)
        pairs = {"LUT": (one.lut, round(lut)), "FF": (one.ff, row["ff"]), "MHz": (one.fmax_mhz, mhz)}
        off = {
            title: {title: real, f"{title} off": f"{guess / real - 1:+.0%}"} for title, (guess, real) in pairs.items()
        }
        counted = {"BRAM off": one.bram - row["bram"], "DSP off": one.dsp - row["dsp"]}
        about = {"engine": topk.engine, "P": topk.lanes, "N": topk.max_tokens}
        found.append({**about, **off["LUT"], **off["FF"], **off["MHz"], **counted})
    return markdown(list(found[0]), found)


_TABLE = ("engine", "lanes", "max_tokens", "score_bits", "compactor")


def main() -> None:
    """Fit the resource model to recorded runs, write its coefficients, and print how far off it is."""
    parser = argparse.ArgumentParser(prog="python -m tokensieve.pages.fpga_model", description=main.__doc__)
    parser.add_argument("runs", type=Path, help="file of tokensieve.pages.engine_runs")
    parser.add_argument("file", type=Path, nargs="?", help="where to write the coefficients")
    parser.add_argument(
        "--check", type=Path, metavar="TABLE", help="file of tokensieve.pages.fpga to compare with, too"
    )
    given = parser.parse_args()
    runs = Runs(json.loads(given.runs.read_text()))
    found = errors(runs)
    if given.file:
        save(given.file, told(runs, found))
    print(show(runs, found))
    if given.check:
        print(f"\n{checked(json.loads(given.check.read_text()), fit(runs))}")


if __name__ == "__main__":
    main()
