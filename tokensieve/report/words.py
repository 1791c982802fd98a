"""The words of reports: causes, tensors and units as they are printed, and the labels of numbers."""

from collections.abc import Mapping

from tokensieve.sim.result import Result

CAUSE_WORDS = {
    "compute": "compute",
    "dram_stall": "DRAM wait",
    "topk_stall": "top-k wait",
    "softmax_stall": "softmax wait",
    "fill_drain": "fill, drain",
}
TENSOR_WORDS = {"query": "Q", "key_msb": "K MSB", "key_lsb": "K LSB", "value": "V", "output": "out"}
UNIT_WORDS = {
    "dram": "DRAM",
    "fetcher": "fetcher",
    "qk": "Q x K",
    "softmax": "softmax",
    "requant": "progressive quantization",
    "topk": "local top-k",
    "pv": "Prob x V",
    "ranking": "token and head top-k",
    "importance": "importance accumulators",
    "key_sram": "K SRAM",
    "value_sram": "V SRAM",
    "gather": "token gathers",
    "converter": "bitwidth converters",
    "dram_background": "DRAM standby",
    "pipeline": "pipeline latency",
}
POWER_WORDS = {"compute": "compute", "sram": "K and V SRAM", "dram": "DRAM"}
USUAL = "modelled"
"""Label of a number that none stands beside."""


def label(result: Result, field: str) -> str:
    """Return the label of the number at the dotted `field`: its own, or that of a group around it."""
    parts = field.split(".")
    paths = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((result.labels[p] for p in paths if p in result.labels), "-")


def exceptions(result: Result, fields: Mapping[str, str]) -> str:
    """Return which numbers are not labelled as usual, and how instead; `fields` maps words to the dotted names."""
    told = {word: label(result, field) for word, field in fields.items()}
    return ", ".join(f"{word} {name}" for word, name in told.items() if name not in (USUAL, "-"))
