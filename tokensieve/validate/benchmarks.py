"""The paper's 30 benchmarks, as the named workloads stand for them, and what each costs."""

from tokensieve.arch import load_arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.sim.result import Result
from tokensieve.workloads.benchmarks import benchmark_names, load_workload

NAMES = tuple(benchmark_names())
BERT = tuple(name for name in NAMES if name.startswith("bert-"))
GPT2 = tuple(name for name in NAMES if name.startswith("gpt2-"))

_costs: dict[str, Result] = {}
"""Results by digest of the decisions: some benchmarks are the same work."""


def cost(name: str) -> Result:
    """Return what the workload called `name` costs on `spatten` at level `cycle`."""
    arch = load_arch("spatten")
    decisions = load_workload(name, arch)
    if decisions.digest not in _costs:
        _costs[decisions.digest] = cycle_result(arch, decisions)
    return _costs[decisions.digest]
