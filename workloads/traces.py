"""Trace files: the authors' CSV and our own `.npz`, and whether a trace fits an architecture."""

from importlib import resources
from pathlib import Path

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.machine import Arch
from tokensieve.arch.records import KINDS
from tokensieve.workloads.complete import complete
from tokensieve.workloads.csvtrace import read_csv
from tokensieve.workloads.decisions import Decisions

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


def load_trace(path: Path | str, arch: Arch, seed: int = 0) -> Decisions:
    """Return the decisions in a `.csv` or `.npz` file, refused where they do not fit `arch`.

    A CSV holds counts only; ids and work records are completed by rule, from `seed`.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        counts = read_csv(path)
        try:
            return complete(counts, arch.topk, seed)
        except WorkloadError as problem:
            raise WorkloadError(f"{path}: {problem}") from None
    if suffix == ".npz":
        decisions = Decisions.load(path)
        check_fit(decisions, arch, str(path))
        return decisions
    raise WorkloadError(f"{path}: a trace must end in .csv or .npz")


def check_fit(decisions: Decisions, arch: Arch, source: str) -> None:
    """Raise `WorkloadError` where `arch` needs work records that are missing or follow other rules, which it names."""
    topk, meta = arch.topk, decisions.meta
    rules: list[tuple[str, object, str, object]] = [
        ("score width", meta["score_bits"], "topk.score_bits", topk.score_bits)
    ]
    if topk.record is not None:
        kind = KINDS[topk.record]
        if topk.record not in meta["records"]:
            raise WorkloadError(
                f"{source}: it has no work records of kind {topk.record!r}, which topk.engine {topk.engine} needs: "
                "make it again with `tokensieve capture`"
            )
        rules.append((kind.rule_name, meta["records"][topk.record], kind.field, kind.rule(topk)))
    for name, recorded, field, wanted in rules:
        if recorded != wanted:
            raise WorkloadError(f"{source}: the {name} of its work records is {recorded!r}, {field} is {wanted!r}")
    longest = int(decisions.context.max(initial=0))
    if longest > topk.max_tokens:
        raise WorkloadError(f"{source}: the context of {longest} tokens is above topk.max_tokens = {topk.max_tokens}")
