"""The words and marks of reports: causes, tensors and units as they are printed, and the labels of numbers."""

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
MARKS = {"modelled": "m", "verified": "v", "measured": "t", "assumed": "a"}
"""Letter behind a number, and the word it stands for."""


def label(result: Result, field: str) -> str:
    """Return the label of the number at the dotted `field`: its own, or that of a group around it."""
    parts = field.split(".")
    paths = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((result.labels[p] for p in paths if p in result.labels), "-")


def mark(result: Result, field: str) -> str:
    """Return the letter that stands behind the number at the dotted `field`."""
    return MARKS.get(label(result, field), "-")


def legend() -> str:
    """Return the line that explains the marks.

    >>> legend()
    'm modelled, v verified, t measured, a assumed'
    """
    return ", ".join(f"{mark} {word}" for word, mark in MARKS.items())
