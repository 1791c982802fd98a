"""A peer's time for the same single layer: SCALE-Sim 3 on the two products of a BERT-Base layer at L = 384.

SCALE-Sim counts the cycles of a systolic array, without DRAM, softmax, top-k or pruning. It is given the products of
one head, Q K^T (384 x 64 x 384) and probabilities times V (384 x 384 x 64), on an array of 32 x 32 multipliers and 192
KiB for each operand, so that its time is for a twelfth of what we simulate. It is no dependency: its Python is named
(version 3.0.0 does not run with numpy 2.4; 2.2 will do).
"""

import resource
import subprocess
import sys
from pathlib import Path

HEADS = 12

CONFIG = """[general]
run_name = bert
[architecture_presets]
ArrayHeight: 32
ArrayWidth: 32
IfmapSramSzkB: 192
FilterSramSzkB: 192
OfmapSramSzkB: 192
IfmapOffset: 0
FilterOffset: 10000000
OfmapOffset: 20000000
Dataflow: ws
Bandwidth: 512
ReadRequestBuffer: 64
WriteRequestBuffer: 64
MemoryBanks: 1
[layout]
IfmapCustomLayout: False
IfmapSRAMBankBandwidth: 10
IfmapSRAMBankNum: 10
IfmapSRAMBankPort: 2
FilterCustomLayout: False
FilterSRAMBankBandwidth: 10
FilterSRAMBankNum: 10
FilterSRAMBankPort: 2
[sparsity]
SparsitySupport: false
SparseRep: ellpack_block
OptimizedMapping: false
BlockSize: 8
RandomNumberGeneratorSeed: 40
[run_presets]
InterfaceBandwidth: CALC
UseRamulatorTrace: False
"""
"""A machine of SCALE-Sim."""

LAYERS = "Layer,M,N,K,\nqk,384,384,64,\npv,384,64,384,\n"
"""Products of one head."""

LAYOUT = "Layer,a,b,c,d,e,f,g,h,i,j,k,l,m,\nqk,1,1,1,1,1,1,1,1,1,1,1,1,1,\npv,1,1,1,1,1,1,1,1,1,1,1,1,1,\n"
"""Asked for, and not used."""

OURS = (
    "import sys, time; from tokensieve.arch import load_arch; from tokensieve.explore.spec import sweep_from; "
    "from tokensieve.explore.sweep import run_sweep; from tokensieve.run.points import Cycle; "
    "spec = lambda channels: sweep_from({'workload': sys.argv[1], 'level': 'cycle', "
    "'axes': {'topk.lanes': [4, 8, 16, 32], 'dram.channels': channels}}); "
    "run_sweep(spec([16]), Cycle()); began = time.process_time(); run_sweep(spec([4, 8]), Cycle()); "
    "print((time.process_time() - began) / 8)"
)
"""Prints the processor time of a design of ours, of eight, once kernels are loaded."""


def compare(python: str, layer: str, folder: Path) -> None:
    """Print the time of a design on the layer in the workload file `layer`, here and in SCALE-Sim, and the ratio."""
    ours = float(subprocess.run([sys.executable, "-c", OURS, layer], check=True, capture_output=True, text=True).stdout)
    (folder / "peer.cfg").write_text(CONFIG)
    (folder / "peer.csv").write_text(LAYERS)
    (folder / "layout.csv").write_text(LAYOUT)
    options = ["-c", "peer.cfg", "-t", "peer.csv", "-l", "layout.csv", "-p", "out", "-i", "gemm", "-s", "N"]
    command = [python, "-m", "scalesim.scale", *options]
    began = _spent()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    one = _spent() - began
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed: {done.stderr[-500:]}")
    theirs = HEADS * one
    print(f"a BERT-Base layer at L = 384, one design: {ours:.3f} s of a processor here, level cycle")
    print(f"SCALE-Sim, products of one of 12 heads: {one:.1f} s, {theirs:.0f} s for all; ratio {theirs / ours:.0f}")


def _spent() -> float:
    """Return the processor time of all children that have ended, in s."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
