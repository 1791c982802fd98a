"""The sections, and how they are run: one after the other, each left out with a reason where it cannot be."""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path

from tokensieve.arch.errors import WorkloadError, nearest
from tokensieve.validate.section import Data, LeftOut, Outcome, Section

SECTIONS = {
    "machine": "What the presets are (checks 1, 2, 3, 5)",
    "answers": "What the top-k and the zero eliminator answer (checks 7, 8)",
    "selection": "What a quick-select costs (checks 9, 10)",
    "bert": "The release's behavioural model of BERT (check 11)",
    "traces": "What the authors' traces hold, and the least they cost (checks 4, 6, 22)",
    "dram": "Cycles of two DRAM simulators (DRAM oracle)",
    "rtl": "Cycles of the authors' released RTL (RTL oracle)",
    "levels": "Level analytic against level cycle",
    "throughput": "Throughput of the named workloads (checks 12, 13)",
    "gpt2": "The authors' trace of GPT-2-small, taken apart (check 13)",
    "ladder": "From a dense datapath to the whole design (checks 17, 18)",
    "sweeps": "Comparators and SRAM (checks 19, 20)",
    "reductions": "Reductions (check 21)",
    "power": "Area and power (checks 23 to 26)",
    "table3": "A3, MNNFast and SpAtten-1/8 (Table III; checks 26, 27)",
    "table4": "SpAtten-e2e on GPT-2-Medium (Table IV; checks 14 to 16)",
}
"""Titles by name of the section, in the order of the page."""

MODULES = {"machine": "presets", "rtl": "released_rtl"}
"""Modules of `tokensieve.validate.sections` that are not named like their section."""


def validate(names: Iterable[str], folder: Path) -> Iterator[Outcome]:
    """Yield the outcomes of the sections called `names`, or of all if it is empty, in the order of `SECTIONS`.

    Raises `WorkloadError` for an unknown name, and where reference data are malformed.
    """
    wanted = list(names)
    for name in wanted:
        if name not in SECTIONS:
            raise WorkloadError(
                f"section must be one of {', '.join(SECTIONS)}, got {name!r}{nearest(name, list(SECTIONS))}"
            )
    return (_outcome(name, Data(folder)) for name in SECTIONS if not wanted or name in wanted)


def _outcome(name: str, data: Data) -> Outcome:
    module = f"tokensieve.validate.sections.{MODULES.get(name, name)}"
    function: Callable[[Data], Section] = import_module(module).section
    try:
        return Outcome(name=name, title=SECTIONS[name], section=function(data))
    except LeftOut as reason:
        return Outcome(name=name, title=SECTIONS[name], section=None, left_out=str(reason))
