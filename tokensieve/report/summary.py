"""What a `Result` says, in sentences, and the page that `tokensieve run` prints."""

from collections.abc import Mapping, Sequence
from typing import Any

from tokensieve.report.advice import advice_lines
from tokensieve.report.quantity import percent
from tokensieve.report.tables import layer_table, total_table, unit_table
from tokensieve.report.wholemodel import fc_sentence, whole_model_table
from tokensieve.report.words import UNIT_WORDS
from tokensieve.sim.result import CAUSES, Result

COUNTS_ONLY = "decisions: counts only"
CAPTURED = "decisions: captured, made on real scores"


def header(arch: str, meta: Mapping[str, Any], source: str, level: str = "cycle", sets: Sequence[str] = ()) -> str:
    """Return what was run, on two lines: the machine and its work, and where the decisions came from.

    `meta` is the meta data of the decisions, `source` the name or path that the user gave; `sets` are the overrides of
    the machine.
    """
    shape = [meta["phase"], f"{_some(meta['layers'], 'layer')} of {_some(meta['heads'], 'head')}", f"D = {meta['D']}"]
    if meta["phase"] == "decode":
        shape.insert(1, _some(meta["steps"], "step"))
    model = str(meta["model"]).partition(" (")[0]
    if model != source:
        shape.insert(0, model)
    machine = f"{arch} with {', '.join(sets)}" if sets else arch
    return f"{machine} on {source}: {', '.join(shape)}, level {level}\n{_told(meta)}"


def _told(meta: Mapping[str, Any]) -> str:
    """Return where the decisions and the work records of the top-k come from."""
    if meta["source"] != "counts":
        return CAPTURED
    scores = meta.get("scores")
    return f"{COUNTS_ONLY}; records: {'none needed' if scores is None else f'synthesised, scores {scores}'}"


def _some(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def bottleneck(result: Result) -> str:
    """Return what holds the run up, in one sentence."""
    total = result.cycles["total"]
    waits = {c: result.cycles.get(c, 0) for c in CAUSES}
    cause = max(waits, key=lambda c: waits[c])
    told = f"{percent(waits[cause], total)} of the cycles are {_CAUSE_SENTENCES[cause]}"
    name, used = result.bottleneck, result.utilization.get(result.bottleneck)
    if " " in name:
        return f"Bottleneck: {name}"
    busy = "" if used is None else f", busy {percent(used, 1)} of the time"
    return f"Bottleneck: {UNIT_WORDS.get(name, name)}{busy}; {told}."


_CAUSE_SENTENCES = {
    "compute": "computing",
    "dram_stall": "waiting for DRAM",
    "topk_stall": "waiting for a top-k",
    "softmax_stall": "waiting for the softmax",
    "fill_drain": "filling or draining the pipeline",
}


def levels(result: Result) -> list[str]:
    """Return how far apart two levels of fidelity are, in a sentence, where both were asked for."""
    if result.level_cycles is None or result.levels is None:
        return []
    told = [f"{name} {cycles:,}" for name, cycles in result.level_cycles.items()]
    deviation = result.levels["deviation"]
    return [f"Levels of fidelity: {', '.join(told)} cycles; analytic is {deviation:+.1%} off."]


def played(result: Result) -> list[str]:
    """Return what level `rtl` played on the Verilog, in a sentence, where the run is at that level."""
    told: Mapping[str, Any] | None = result.provenance.get("rtl")
    if told is None:
        return []
    local, ranking = told["commands"]["topk"], told["commands"]["ranking"]
    if not local + ranking:
        return ["Level rtl: no selection of this run searches, so none was played."]
    commands = f"{_some(local, 'local selection')} and {_some(ranking, 'token selection')}"
    verilog = f"the Verilog of {told['engine']}, SHA-256 {told['verilog_sha256']}"
    return [f"Level rtl: {commands} played on {verilog}; it takes the cycles that the run charges."]


def rough(result: Result) -> list[str]:
    """Return what level `analytic` takes for something else, a sentence each; runs at other levels have none."""
    return [f"Rough: {sentence}." for sentence in result.provenance.get("rough", ())]


def assumptions(result: Result) -> str:
    """Return how many assumptions the figures rest on, and where to read them."""
    number = len(result.provenance.get("assumed", ()))
    return f"{_some(number, 'assumption')}, listed under provenance.assumed (--json, or result.json with --out)"


def page(result: Result, head: str, width: int) -> str:
    """Return all that is printed of a run, at most `width` characters wide where tables are concerned."""
    whole = result.end_to_end
    return "\n".join(
        (
            head,
            "",
            layer_table(result).text(width),
            "",
            unit_table(result).text(width),
            "",
            total_table(result).text(width),
            "",
            *(() if whole is None else (whole_model_table(result, whole).text(width), "")),
            bottleneck(result),
            *advice_lines(result),
            *(() if whole is None else (fc_sentence(whole),)),
            *levels(result),
            *rough(result),
            *played(result),
            assumptions(result),
        )
    )
