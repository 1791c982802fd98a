"""The authors' traces, read once per kind of record, and what they cost."""

from functools import cache, lru_cache
from pathlib import Path

from tokensieve.arch.machine import Arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.result import Result
from tokensieve.validate.section import Data
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.traces import load_trace

PRUNED = "spatten-traces/gpt2-small-wikitext2-per8.csv"
DENSE = "spatten-traces/gpt2-small-wikitext2-per8-step1.csv"
"""Names in the folder of the reference data: GPT-2-small, and the same un-pruned."""

MEDIUM = "spatten-traces/gpt2-medium-wikitext2-per0-step5.csv"
"""GPT-2-medium in 8 bits, pruned. Sections that have it beside another trace do without it where it is missing."""


def trace(data: Data, name: str, arch: Arch) -> Decisions:
    """Return the decisions of a trace, completed for `arch` with seed 0."""
    return _completed(data.file(name), arch)


@lru_cache(maxsize=2)
def _completed(path: Path, arch: Arch) -> Decisions:
    return load_trace(path, arch)


@cache
def cost(path: Path, arch: Arch) -> Result:
    """Return what the trace at `path` costs on `arch` at level `cycle`, a run that several sections need."""
    return cycle_result(arch, _completed(path, arch))


def tflops(result: Result) -> float:
    """Return the operations that were done per second, in TFLOPS; pruned ones do not count (as in the paper, V-B)."""
    return result.operations["effective"] / result.seconds * 1e-12
