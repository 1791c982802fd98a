"""Same machine, work and seed: the same bytes, in another process and whatever the threads."""

import hashlib
import os
import subprocess
import sys

import pytest

PROGRAM = """\
import hashlib
from tokensieve.arch import load_arch
from tokensieve.run.simulate import run
from tokensieve.workloads.benchmarks import load_workload

arch = load_arch()
result = run(arch, load_workload("bert-base-cola", arch, {seed}), seed={seed}).to_dict()
result["provenance"].pop("times")
print(hashlib.sha256(repr(result).encode()).hexdigest())
"""

DESIGNS = """\
import hashlib
from tokensieve.arch import load_arch
from tokensieve.sim.cycle.level import cycle_result
from tokensieve.workloads.benchmarks import load_workload

told = hashlib.sha256()
for sets in ([], ["dram.channels=1"], ["topk.engine=radix", "control.barrier=ranking"], ["clock.mhz=700"]):
    arch = load_arch("spatten", sets)
    told.update(cycle_result(arch, load_workload("bert-base-sst2", arch, {seed})).to_json().encode())
print(told.hexdigest())
"""


def digest(seed=0, program=PROGRAM, **environment):
    """Return a digest of what `program` computes in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", program.format(seed=seed)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def usual():
    return digest()


@pytest.mark.parametrize("environment", [{"PYTHONHASHSEED": "1"}, {"NUMBA_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"}])
def test_another_process_gives_the_same_result(usual, environment):
    assert len(usual) == len(hashlib.sha256().hexdigest())
    assert digest(**environment) == usual


def test_other_designs_give_the_same_in_another_process_too():
    assert digest(program=DESIGNS, PYTHONHASHSEED="1") == digest(program=DESIGNS, PYTHONHASHSEED="2")


def test_another_seed_gives_other_top_k_work(usual):
    assert digest(seed=1) != usual
