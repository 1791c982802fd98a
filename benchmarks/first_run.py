"""What the first command costs, before and after kernels are compiled and references kept: CPU seconds of processes."""

import tempfile

from speed import COMMAND, spawn

WARM = 5.0
"""CPU seconds that the ladder may take once all is there."""

MORE = 5.0
"""CPU seconds that it may take above `tokensieve run` where nothing is."""

HEAVY = ["run", "--quiet", "--workload", "gpt2-small-wikitext2"]


def main() -> None:
    """Measure and print, each line a process of its own."""
    print(f"{'what':62}{'CPU s':>8}   target")
    with tempfile.TemporaryDirectory() as run, tempfile.TemporaryDirectory() as ladder:
        before = told("tokensieve run, shipped text, nothing compiled or kept", ["run", "--quiet"], run)
        first = measured(["ladder", "--quiet"], ladder)
        line("tokensieve ladder, nothing compiled or kept", first, first <= before + MORE, f"{before + MORE:.1f}")
        warm = measured(["ladder", "--quiet"], ladder)
        line("tokensieve ladder, kernels compiled, references kept", warm, warm <= WARM, f"{WARM:.1f}")
        told("tokensieve ladder --no-cache, kernels compiled", ["ladder", "--quiet", "--no-cache"], ladder)
        told("tokensieve run --workload gpt2-small-wikitext2 --no-cache", [*HEAVY, "--no-cache"], ladder)
        told("tokensieve run --workload gpt2-small-wikitext2, first", HEAVY, ladder)
        told("tokensieve run --workload gpt2-small-wikitext2, again", HEAVY, ladder)


def told(what: str, arguments: list[str], folder: str) -> float:
    """Measure a command, print its line and return its CPU seconds."""
    cpu = measured(arguments, folder)
    line(what, cpu)
    return cpu


def measured(arguments: list[str], folder: str) -> float:
    """Return the CPU seconds of a command whose caches lie in `folder`."""
    return spawn([*COMMAND, *arguments], {"NUMBA_CACHE_DIR": folder, "TOKENSIEVE_CACHE": folder})[0]


def line(what: str, cpu: float, met: bool | None = None, most: str = "") -> None:
    """Print one measurement."""
    verdict = "" if met is None else f"at most {most}: {'met' if met else 'MISSED'}"
    print(f"{what:62}{cpu:8.2f}   {verdict}".rstrip(), flush=True)


if __name__ == "__main__":
    main()
