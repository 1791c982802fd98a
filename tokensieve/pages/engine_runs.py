"""Runs of the top-k engines on an ECP5, which the resource model is fitted to: recorded in a data file.

``python -m tokensieve.pages.engine_runs FILE`` synthesises the engines that `FILE` lacks, or has of other RTLIL or
tools, then places those that were not placed, and writes the file after each (`make fpga-runs`; an hour of CPU, less
what is cached). With ``--show`` it prints the file as a table and measures nothing.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tokensieve.arch.datapath import Topk
from tokensieve.arch.fpga_model import FIELDS
from tokensieve.pages.recorded import Row, command, markdown, save

SEED = 1

_CHARGED = ("comparators", "round_cycles", "queue_lines")
"""Fields of a top-k engine that its Verilog does not have."""

_SIZES: dict[str, str] = {
    "quickselect": """
        1/64/8 4/256/12/max_frequency 4/64/12 16/64/8 1/1024/12 8/64/16/balanced 2/128/8 16/1024/12 4/512/8
        16/256/12/balanced 1/512/12 2/1024/8""",
    "radix": """
        1/64/8 4/256/12 2/512/16 16/64/8/balanced 1/1024/12/linear 4/64/12/max_frequency/digit_bits=2
        2/64/8/linear/digit_bits=6 16/1024/12/balanced 8/256/16""",
    "bitserial": """
        1/64/8 4/64/12 2/256/8 8/64/12/balanced/count_stages=1 4/64/8/max_frequency/count_stages=5
        16/64/8/balanced 4/512/12 16/256/12/balanced 2/128/8/count_stages=1 4/64/12/count_stages=2 1/128/12""",
    "bitonic": """
        1/64/8 4/64/12 2/128/8 8/32/12/balanced 4/32/16/max_frequency 16/64/8 4/256/8 16/128/12/balanced""",
}
"""Lanes, longest packet, score bits, then what is not as by default: compactor, first digit, other fields."""

PACKED = {"LUT4": 1.0, "CCU2C": 2.9, "TRELLIS_DPR16X4": 6.0}
"""LUTs of the device for a cell of each type, as nextpnr took them in the runs that were placed, which a test compares.
A carry cell has two, and a chain takes some more at its ends; a distributed memory has four and spoils two."""

_FIGURES = {"ff": "TRELLIS_FF", "bram": "DP16KD", "dsp": "MULT18X18D"}


def parameters(topk: Topk) -> dict[str, Any]:
    """Return the fields that the Verilog of `topk` is made from: the key of a run."""
    return {name: value for name, value in topk.model_dump().items() if name not in _CHARGED}


def wanted() -> Iterator[Topk]:
    """Yield the engines to measure, one of each kind in turn: a table that was stopped half way has some of all."""
    for sizes in zip_longest(*(sizes.split() for sizes in _SIZES.values())):
        for engine, size in zip(_SIZES, sizes, strict=True):
            if size is not None:
                yield _engine(engine, size)


def _engine(engine: str, size: str) -> Topk:
    lanes, tokens, bits, *more = size.split("/")
    fields: dict[str, Any] = {"lanes": int(lanes), "max_tokens": int(tokens), "score_bits": int(bits)}
    for word in more:
        name, given, number = word.partition("=")
        fields |= {name: int(number)} if given else {"first_digit" if word == "linear" else "compactor": word}
    return Topk.model_validate({"engine": engine, **fields})


def write(file: Path) -> None:
    """Measure what `file` lacks, and write it after each run: synthesis of all engines first."""
    rows = {_key(row["parameters"]): row for row in (json.loads(file.read_text()) if file.exists() else [])}
    for measured in (synthesised, placed):
        for topk in sorted(wanted(), key=lambda one: _key(parameters(one)) in rows):  # what is not there at all first
            key = _key(parameters(topk))
            row = measured(topk, rows.get(key))
            if row != rows.get(key):
                rows[key] = row
                save(file, list(rows.values()))
                print(json.dumps(row), file=sys.stderr, flush=True)


def synthesised(topk: Topk, before: Row | None) -> Row:
    """Return the run of `topk`, not placed: or `before`, if that is of the same RTLIL and tools."""
    from tokensieve.rtl.flow import fpga
    from tokensieve.rtl.topk import TopKEngine

    same = {"rtlil": digest(topk), "tools": fpga.versions(), "seed": SEED}
    if before is not None and {name: before[name] for name in same} == same:
        return before
    _, folder = fpga.synthesise(TopKEngine(topk), "topk", engine=topk.engine)
    cells = fpga.cells_by_module(folder)
    not_yet = dict.fromkeys(("lut", "fmax_mhz", "path"))
    return {"device": "ecp5-85k", "parameters": parameters(topk), "cells": cells, **not_yet, **same}


def placed(topk: Topk, before: Row | None) -> Row:
    """Return the run of `topk` that was synthesised before, placed and routed."""
    from tokensieve.rtl.flow import fpga
    from tokensieve.rtl.topk import TopKEngine

    assert before is not None
    if before["fmax_mhz"] is not None:
        return before
    _, folder = fpga.synthesise(TopKEngine(topk), "topk", engine=topk.engine)
    fmax_mhz = fpga.place(folder, SEED)
    lut, path = fpga.logic_cells(folder, SEED), fpga.path_ends(folder, SEED)
    return {**before, "lut": lut, "fmax_mhz": fmax_mhz, "path": path}


def digest(topk: Topk) -> str:
    """Return SHA-256 of an engine's RTLIL, which its Verilog is written from."""
    from tokensieve.rtl.flow import tools
    from tokensieve.rtl.flow.verilog import rtlil_text
    from tokensieve.rtl.topk import TopKEngine

    return tools.digest(rtlil_text(TopKEngine(topk), "topk"))


def _key(fields: Row) -> str:
    return json.dumps(parameters(Topk.model_validate(fields)), sort_keys=True)


def luts(cells: Mapping[str, int]) -> float:
    """Return the LUTs of the device that nextpnr takes for the cells of a netlist."""
    return sum(weight * cells.get(kind, 0) for kind, weight in PACKED.items())


def figures(row: Row) -> dict[str, float | None]:
    """Return what a run measured, as `arch.fpga_model` names it; the LUTs of one that was not placed by `luts`."""
    parts = row["cells"].values()
    cells = {name: sum(one.get(kind, 0) for one in parts) for name, kind in _FIGURES.items()}
    lut = sum(luts(one) for one in parts) if row["lut"] is None else row["lut"]
    return {"lut": round(lut), **cells, "fmax_mhz": row["fmax_mhz"]}


def sizes(row: Row) -> dict[str, Any]:
    """Return the columns of a table that tell runs apart."""
    topk = Topk.model_validate(row["parameters"])
    usual = Topk(engine=topk.engine)
    fields = ("compactor", *FIELDS[topk.engine])
    other = [f"{name} {getattr(topk, name)}" for name in fields if getattr(topk, name) != getattr(usual, name)]
    return {
        "engine": topk.engine,
        "P": topk.lanes,
        "N": topk.max_tokens,
        "W": topk.score_bits,
        "else": ", ".join(other),
    }


def show(rows: Sequence[Row]) -> str:
    """Return the recorded rows as a table."""
    told = [{**sizes(row), **figures(row)} for row in rows]
    told = [{name: "" if value is None else value for name, value in one.items()} for one in told]
    return markdown(list(told[0]), told)


def main() -> None:
    """Measure top-k engines of many sizes on an ECP5 and record the figures, or print what is recorded."""
    command("tokensieve.pages.engine_runs", main.__doc__, write, show)


if __name__ == "__main__":
    main()
