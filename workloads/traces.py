"""Trace files: the authors' CSV and our own `.npz`."""

from importlib import resources
from pathlib import Path

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.machine import Arch
from tokensieve.workloads.complete import complete
from tokensieve.workloads.csvtrace import read_csv
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.fit import check_fit

_SHIPPED, _SHIPPED_LOCAL = "minilm-512-whole.npz", "minilm-512.npz"


def default_trace() -> Path:
    """Return the path of the trace that ships with the package: MiniLM on a text of 512 tokens, all values kept."""
    return _shipped(_SHIPPED)


def local_trace() -> Path:
    """Return the path of the same text captured with local value pruning: half of the values are kept."""
    return _shipped(_SHIPPED_LOCAL)


def _shipped(name: str) -> Path:
    path = Path(str(resources.files("tokensieve.workloads") / "data" / name))
    if not path.is_file():
        raise WorkloadError(f"the shipped trace {name} is missing from this installation: install tokensieve anew")
    return path


def load_trace(
    path: Path | str, arch: Arch, seed: int = 0, scores: str | None = None, force: bool = False
) -> Decisions:
    """Return the decisions in a `.csv` or `.npz` file, refused where they do not fit `arch`.

    A CSV holds counts only; ids and work records are completed by rule, from `seed`. `scores` names the distribution
    that the records are drawn from, by default the nearest to captured traces; an `.npz` holds records and refuses it.
    A CSV above the bounds of `tokensieve.workloads.size` is refused unless `force` asks for it.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        counts = read_csv(path, force)
        try:
            return complete(counts, arch.topk, seed, scores).validate()
        except WorkloadError as problem:
            raise WorkloadError(f"{path}: {problem}") from None
    if suffix == ".npz":
        if scores is not None:
            raise WorkloadError(f"{path}: it holds its work records, so --scores must not be given, got {scores!r}")
        decisions = Decisions.load(path)
        check_fit(decisions, arch, str(path))
        return decisions
    other = ": --workload and --arch take YAML files" if suffix in (".yaml", ".yml") else ""
    raise WorkloadError(f"{path}: a trace must end in .csv or .npz{other}")
