"""The paper's 30 benchmarks, as the named workloads stand for them, and what each costs."""

from tokensieve.arch import load_arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.result import Result
from tokensieve.workloads.benchmarks import benchmark_names, load_workload

NAMES = tuple(benchmark_names())
BERT = tuple(name for name in NAMES if name.startswith("bert-"))
GPT2 = tuple(name for name in NAMES if name.startswith("gpt2-"))

PAPER = "spatten-paper"
"""Preset that charges what the authors' test bench and latency model do; it stands beside `spatten`."""

_costs: dict[tuple[str, str], Result] = {}
"""Results by preset and digest of the decisions: some benchmarks are the same work."""


def cost(name: str, preset: str = "spatten") -> Result:
    """Return what the workload called `name` costs on a preset at level `cycle`."""
    arch = load_arch(preset)
    decisions = load_workload(name, arch)
    key = preset, decisions.digest
    if key not in _costs:
        _costs[key] = cycle_result(arch, decisions)
    return _costs[key]
