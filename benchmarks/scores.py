"""Which distribution of scores searches like captured traces do: mean rounds of a local top-k over those captured.

Each text is captured with the real transformer (`tokensieve capture --model minilm`, its default schedule), cut at 512
tokens. For every distribution, scores are drawn for the same numbers of keys and kept values, and searched. With
``--write`` the ratios go to `workloads/data/scores.json`, where a run reads them. See README.md.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tokensieve.arch.datapath import Topk
from tokensieve.arch.records import KINDS
from tokensieve.cli.app import call
from tokensieve.workloads.decisions import Decisions
from tokensieve.workloads.distributions import distribution_names, draw
from tokensieve.workloads.generators import generators
from tokensieve.workloads.nearness import mean_rounds
from tokensieve.workloads.records import RECORDERS

ROOT = Path(__file__).resolve().parents[1]
TEXTS = {
    "carroll": ROOT / "workloads" / "data" / "minilm-512.txt",
    "austen": ROOT / "benchmarks" / "texts" / "austen.txt",
    "lincoln": ROOT / "benchmarks" / "texts" / "lincoln.txt",
    "licence": ROOT / "LICENSE",
}
"""What the default is chosen by; the test's text, melville.txt, is not among them."""

RECORDED = ROOT / "workloads" / "data" / "scores.json"
TOKENS = 512
EVERY, DRAWS = 8, 32
"""Of the local searches one in so many is drawn again; of the few selections each, so many times."""

Commands = list[tuple[int, int, list[list[int]]]]
"""Items offered, items kept, and the entropy of each draw, for commands that are alike."""


def main() -> None:
    """Capture the texts, print the ratios, and with --write record their means."""
    with tempfile.TemporaryDirectory() as folder:
        traces = {name: captured(text, Path(folder) / f"{name}.npz") for name, text in TEXTS.items()}
    print(f"\n{'local searches':<22}", *(f"{name:>15}" for name in traces), f"{'mean':>15}   (quick, radix)")
    told = [mean_rounds(trace) for trace in traces.values()]
    line("captured, rounds", [*told, mean(told)])
    ratios = {}
    for name in distribution_names():
        own = [ratio(name, local(trace), mean_rounds(trace)) for trace in traces.values()]
        ratios[name] = {kind: round(found, 3) for kind, found in mean(own).items()}
        line(name, [*own, mean(own)])
    for site in ("token", "head"):
        selections(site, list(traces.values()))
    if "--write" in sys.argv:
        told_by = "python benchmarks/scores.py --write"
        RECORDED.write_text(json.dumps({"command": told_by, "ratios": ratios}, indent=2) + "\n", encoding="utf-8")


def captured(text: Path, out: Path) -> Decisions:
    """Return the decisions of MiniLM on `text`."""
    if code := call(["capture", "--model", "minilm", "--text", str(text), "--tokens", str(TOKENS), "--out", str(out)]):
        sys.exit(code)
    return Decisions.load(out)


def local(trace: Decisions) -> Commands:
    """Return a sample of the local searches."""
    which = np.flatnonzero(trace.searches)[::EVERY]
    return alike(trace.keys_kept[trace.query_row[which]], trace.values_kept[which], which)


def ranked(trace: Decisions, site: str) -> tuple[Commands, dict[str, float]]:
    """Return the token or head selections, each to be drawn `DRAWS` times, and the mean rounds that were captured."""
    n, k = getattr(trace, f"topk_{site}_count").T
    which = np.flatnonzero((k > 0) & (k < n))
    rounds = {kind: float(getattr(lists, site).lengths[which].mean()) for kind, lists in trace.records.items()}
    return alike(*(np.repeat(a[which], DRAWS) for a in (n, k)), np.arange(len(which) * DRAWS)), rounds


def alike(n: np.ndarray, k: np.ndarray, number: np.ndarray) -> Commands:
    """Return commands by items and kept items."""
    pairs, group = np.unique(np.stack([n, k]), axis=1, return_inverse=True)
    entropy = [[[0, int(i)] for i in number[group == place]] for place in range(pairs.shape[1])]
    return [(int(items), int(kept), own) for (items, kept), own in zip(pairs.T, entropy, strict=True)]


def ratio(name: str, commands: Commands, rounds: dict[str, float]) -> dict[str, float]:
    """Return the mean rounds of `commands` on drawn scores over those captured, by kind."""
    found = {kind: np.concatenate(list(lengths(name, commands, kind))).mean() for kind in KINDS}
    return {kind: float(found[kind] / rounds[kind]) for kind in rounds}


def lengths(name: str, commands: Commands, kind: str) -> Iterator[np.ndarray]:
    """Yield the rounds of each command."""
    topk = Topk()
    for items, kept, entropy in commands:
        drawn = draw(name, items, topk.score_bits, generators(entropy))
        yield RECORDERS[kind](drawn, kept, np.array(entropy)[:, 1], topk).lengths


def selections(site: str, traces: list[Decisions]) -> None:
    """Print the ratios of the token or head selections."""
    commands, rounds = zip(*(ranked(trace, site) for trace in traces), strict=True)
    print(f"\n{site} selections")
    line("captured, rounds", [*rounds, mean(list(rounds))])
    for name in distribution_names():
        own = [ratio(name, *pair) for pair in zip(commands, rounds, strict=True)]
        line(name, [*own, mean(own)])


def mean(figures: list[dict[str, float]]) -> dict[str, float]:
    """Return the mean of each kind."""
    return {kind: float(np.mean([one[kind] for one in figures])) for kind in figures[0]}


def line(name: str, figures: list[dict[str, float]]) -> None:
    """Print one row: quick-select and radix of each text."""
    print(f"{name:<22}", *(f"{one['quick']:>8.2f} {one['radix']:>6.2f}" for one in figures))


if __name__ == "__main__":
    main()
