"""Checks 1, 2, 3 and 5: what the presets are, before anything runs."""

import numpy as np

from tokensieve.arch import load_arch
from tokensieve.arch.machine import Arch
from tokensieve.validate.row import Row, exactly
from tokensieve.validate.section import Data, Section
from tokensieve.workloads.benchmarks import find_workload

HEAD_DIM = 64
"""Width of a head in all four models (paper II)."""

TRACED_KEYS = (921, 716, 204, 204, 204, 204, 102, 102, 102, 102, 102, 102)
TRACED_VALUES = (184, 143, 40, 40, 40, 40, 20, 20, 20, 20, 20, 20)
"""Keys and values of each layer from the second token on, counted in the authors' trace of GPT-2-small."""


def section(data: Data) -> Section:
    """Return the structure of both presets and the counts that the schedule of the authors' trace gives."""
    full, eighth = load_arch("spatten"), load_arch("spatten-eighth")
    return Section(rows=(*_full(full), *_eighth(eighth), *_kept()))


def _exact(name: str, expected: float, modelled: float, unit: str, source: str) -> Row:
    return Row(name=name, expected=expected, modelled=modelled, unit=unit, source=source, band=exactly(expected))


def _full(arch: Arch) -> tuple[Row, ...]:
    return (
        _exact("K SRAM, spatten", 196_608, arch.key_sram.bytes, "B", "check 1: paper V-C, 2 x 1024 x 64 x 12 bit"),
        _exact("V SRAM, spatten", 196_608, arch.value_sram.bytes, "B", "check 1: paper V-C"),
        _exact("keys a cycle, spatten", 8, arch.qk.vectors_per_cycle(HEAD_DIM), "", "check 2: paper IV-E"),
        _exact("peak arithmetic, spatten", 2.048, arch.peak_tflops, "TFLOPS", "check 3: paper V-C"),
        _exact("peak bandwidth, spatten", 512, arch.dram.peak_gb_per_s, "GB/s", "check 3: paper Table I"),
    )


def _eighth(arch: Arch) -> tuple[Row, ...]:
    return (
        _exact(
            "keys a cycle, spatten-eighth", 1, arch.qk.vectors_per_cycle(HEAD_DIM), "", "check 2: paper V, 1/8 of 8"
        ),
        _exact("peak arithmetic, spatten-eighth", 0.256, arch.peak_tflops, "TFLOPS", "check 3: paper V"),
        _exact("peak bandwidth, spatten-eighth", 64, arch.dram.peak_gb_per_s, "GB/s", "check 3: paper V"),
    )


def _kept() -> tuple[Row, ...]:
    """Compare layer by layer, and count the layers that agree."""
    counts = find_workload("gpt2-small-wikitext2").counts()
    later = counts.row_index[:, 0] == 1
    _, first = np.unique(counts.row_index[later, 1], return_index=True)
    source = "check 5: authors' trace, floor(r x 1024) and floor(v x floor(r x 1024))"
    return tuple(
        _exact(f"gpt2-small-wikitext2, layers with the trace's {what}", 12, int((ours == traced).sum()), "", source)
        for what, ours, traced in (
            ("keys", counts.keys[later][first], np.array(TRACED_KEYS)),
            ("values", counts.values[later][first], np.array(TRACED_VALUES)),
        )
    )
