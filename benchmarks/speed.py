"""How fast a run is: CPU seconds inside the process, whole processes with their memory, help, the first compilation.

Every measurement runs in a process of its own, so that none pays for another's imports or memory. See README.md.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TRACES = ROOT.parent / "shared" / "data" / "spatten-traces"
PRUNED, UN_PRUNED = TRACES / "gpt2-small-wikitext2-per8.csv", TRACES / "gpt2-small-wikitext2-per8-step1.csv"
REPEATS = 3
COMMAND = [sys.executable, "-c", "from tokensieve.cli import main; main()"]

BERT = """\
model: bert-base
layers: {layers}
phase: prefill
context: 384
schedule: {{interpolation: list, token: 1, value: 0.5, bits: {{query: 12, key: 8, value: 8, lsb: 0}}}}
"""


def main() -> None:
    """Measure everything, or, called with a name, that case inside this process."""
    if len(sys.argv) > 1:
        inside(sys.argv[1], sys.argv[2])
        return
    with tempfile.TemporaryDirectory() as folder:
        one, twelve = (Path(folder) / f"bert-{layers}.yaml" for layers in (1, 12))
        one.write_text(BERT.format(layers=1))
        twelve.write_text(BERT.format(layers=12))
        heading()
        cases("one BERT-Base layer, L = 384, pruned", "pruned", str(one), (0.02, 300))
        processes(str(one))
        cases("one BERT-Base layer, L = 384, dense", "dense", str(one), (0.02, 300))
        cases("twelve BERT-Base layers, L = 384, pruned", "pruned", str(twelve), (0.25, None))
        cases("twelve BERT-Base layers, L = 384, dense", "dense", str(twelve), (0.25, None))
        traces()
        whole("tokensieve --help", [*COMMAND, "--help"], {}, (0.5, None))
        cold(Path(folder))


def traces() -> None:
    """Measure the authors' traces."""
    if not (PRUNED.is_file() and UN_PRUNED.is_file()):
        print(f"the authors' traces: left out, {TRACES} is not there")
        return
    cases("the authors' pruned trace, 4,608 rows", "pruned", str(PRUNED), (1.0, None))
    processes(str(PRUNED))
    cases("the same un-pruned, 23 million bursts", "pruned", str(UN_PRUNED), (6.0, None))


def heading() -> None:
    """Print the columns."""
    print(f"{'what':44}{'CPU s':>10}{'wall s':>10}{'peak MB':>10}   target")


def line(what: str, cpu: float, wall: float, megabytes: float, target: str) -> None:
    """Print one measurement."""
    print(f"{what:44}{cpu:10.3f}{wall:10.3f}{megabytes:10.0f}   {target}", flush=True)


def verdict(value: float, most: float, unit: str) -> str:
    """Return a target and whether it is met."""
    return f"at most {most:g} {unit}: {'met' if value <= most else 'MISSED'}"


def cases(what: str, kind: str, source: str, target: tuple[float, float | None]) -> None:
    """Measure a simulation inside its process."""
    done = subprocess.run(
        [sys.executable, __file__, kind, source],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
        env=environment(),
    )
    own = json.loads(done.stdout)
    told = verdict(own["cpu"], target[0], "CPU s")
    if target[1] is not None:
        told += ", " + verdict(own["megabytes"], target[1], "MB")
    line(what, own["cpu"], own["wall"], own["megabytes"], told)


def processes(source: str) -> None:
    """Measure a simulation as a whole command, without and with its reference run."""
    option = "--trace" if source.endswith(".csv") else "--workload"
    for reference in ("none", "dense"):
        arguments = ["run", "--quiet", option, source, "--reference", reference]
        whole(f"  whole process, --reference {reference}", [*COMMAND, *arguments], {}, None)


def inside(kind: str, source: str) -> None:
    """Print the CPU and wall seconds of simulating, least of `REPEATS`, with imports and compilation excluded."""
    from tokensieve.arch import load_arch
    from tokensieve.sim.cycle.level import cycle_result
    from tokensieve.workloads.benchmarks import load_workload
    from tokensieve.workloads.reference import dense
    from tokensieve.workloads.traces import load_trace

    arch = load_arch()
    decisions = (load_trace if source.endswith(".csv") else load_workload)(source, arch)
    work = dense(decisions) if kind == "dense" else decisions
    cpu, wall = best(lambda: cycle_result(arch, work, un_pruned=kind == "dense"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": cpu, "wall": wall, "megabytes": peak}))


def best(call: Callable[[], object]) -> tuple[float, float]:
    """Return the least CPU and wall seconds of `call`, after one call that compiles and is not counted."""
    call()
    seconds = []
    for _ in range(REPEATS):
        cpu, wall = time.process_time(), time.perf_counter()
        call()
        seconds.append((time.process_time() - cpu, time.perf_counter() - wall))
    return min(s[0] for s in seconds), min(s[1] for s in seconds)


def whole(what: str, command: list[str], extra: dict[str, str], target: tuple[float, float | None] | None) -> None:
    """Measure a command as a whole, the fastest of `REPEATS` runs."""
    runs = [spawn(command, extra) for _ in range(REPEATS)]
    cpu, wall, megabytes = min(runs, key=lambda run: run[1])
    line(what, cpu, wall, megabytes, verdict(wall, target[0], "s of wall time") if target else "")


def cold(folder: Path) -> None:
    """Measure the first run ever: the kernels are compiled into an empty cache."""
    cpu, wall, megabytes = spawn([*COMMAND, "run", "--quiet"], {"NUMBA_CACHE_DIR": str(folder / "numba")})
    told = verdict(wall, 90, "s of wall time")
    line("first run of the shipped trace, empty cache", cpu, wall, megabytes, told)
    whole("  the same with the kernels compiled", [*COMMAND, "run", "--quiet"], {}, None)


def spawn(command: list[str], extra: dict[str, str]) -> tuple[float, float, float]:
    """Return CPU seconds, wall seconds and peak MB of a process, the CPU of its children included."""
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment() | extra)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def environment() -> dict[str, str]:
    """Return the environment of a measured process: one thread, and the cache that `make` uses."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    cache = os.environ.get("NUMBA_CACHE_DIR", str(ROOT / ".cache" / "numba"))
    return {**os.environ, **threads, "NUMBA_CACHE_DIR": cache}


if __name__ == "__main__":
    main()
