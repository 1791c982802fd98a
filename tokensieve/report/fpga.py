"""What a unit would take of an FPGA, as one object and as a page."""

from collections.abc import Mapping
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from tokensieve.arch.datapath import Topk
from tokensieve.arch.fixed_length_law import SequenceWork
from tokensieve.arch.fixed_length_pruner import FixedLengthPruner
from tokensieve.arch.fpga_model import COMMON, FIELDS, UNIT, estimate, told
from tokensieve.arch.fpga_pruner import pruner_cells
from tokensieve.report.quantity import count
from tokensieve.report.table import Column, Table

_EXTRAPOLATED = ("extrapolated", "fmax_extrapolated")
_RESOURCES = {"lut": "LUT", "ff": "FF", "bram": "BRAM", "dsp": "DSP"}


def estimate_object(topk: Topk, device: str, available: Mapping[str, int]) -> dict[str, Any]:
    """Return what ``--json`` prints. Raises `ArchError` for an engine that there is no RTL of."""
    one = asdict(estimate(topk))
    return {
        "unit": UNIT,
        "parameters": {name: getattr(topk, name) for name in ("engine", *COMMON, *FIELDS[topk.engine])},
        "device": device,
        **one,
        **{name: list(one[name]) for name in _EXTRAPOLATED},
        "available": dict(available),
        "fits": all(one[name] <= available[name] for name in _RESOURCES),
        "errors": told()["errors"],
        "runs": told()["runs"],
        "runs_placed": told()["runs_placed"],
        "tools": told()["tools"],
        "label": "modelled",
    }


def estimate_page(one: Mapping[str, Any], width: int) -> str:
    """Return what is printed for a person, at most `width` characters wide."""
    sizes = ", ".join(f"{name} {value}" for name, value in one["parameters"].items())
    have = one["available"]
    rows = [
        (title, count(one[name]), count(have[name]), f"{one[name] / have[name]:.0%}", *_errors(one, name))
        for name, title in _RESOURCES.items()
    ]
    rows.append(("Fmax, MHz", f"{one['fmax_mhz']:.1f}", "", "", *_errors(one, "fmax_mhz")))
    heads = ("", "estimate", "available", "share", "median\nerror", "worst\nerror")
    table = Table(title=f"{one['unit']} on {one['device']} (modelled; no tool was run)",
                  columns=tuple(Column(title=head) for head in heads), rows=tuple(rows))  # fmt: skip
    lines = [f"{sizes}.", *_outside(one)]
    lines.append(
        f"Errors are those of {one['runs']} recorded runs of Yosys, of which nextpnr placed {one['runs_placed']}, each "
        "predicted from all others. Engines were placed alone, out of context: paths from and to ports do not count."
    )
    if not one["fits"]:
        lines.append(f"It does not fit {one['device']}.")
    return "\n".join([table.text(width), "", *(part for line in lines for part in wrap(line, width))])


def pruner_object(pruner: FixedLengthPruner, device: str, family: str, available: Mapping[str, int]) -> dict[str, Any]:
    """Return what ``--json`` prints of a fixed-length pruner with its host link; `available` has `memory_bits` too."""
    pruner.require_plain("behind a host link")
    one = asdict(pruner_cells(pruner, family))
    least = {"lut": one["lut"]["least"], "ff": one["ff"]["least"], "memory_bits": one["memory_bits"]}
    most = {"lut": one["lut"]["most"], "ff": one["ff"]["most"], "memory_bits": one["memory_bits"]}
    surely, maybe = (all(need[name] <= available[name] for name in need) for need in (most, least))
    return {
        "unit": "fixed-length-pruner",
        "parameters": {name: getattr(pruner, name) for name in _PRUNER} | {"engines": pruner.engine_count},
        "device": device,
        **one,
        "available": dict(available),
        "fits": "yes" if surely else "perhaps" if maybe else "no",
        "interval": pruner.law.interval,
        "latency": int(pruner.law.latency(SequenceWork(tokens=pruner.max_tokens))),
        "label": "modelled",
    }


_PRUNER = ("max_tokens", "keep", "lanes", "score_bits", "id_bits", "engine")


def pruner_page(one: Mapping[str, Any], width: int) -> str:
    """Return what is printed of that for a person, at most `width` characters wide."""
    have = one["available"]
    rows = [
        (title, count(one[name]["least"]), count(one[name]["most"]), count(have[name]))
        for name, title in (("lut", "LUT"), ("ff", "FF"))
    ]
    rows.append(("memory bits", count(one["memory_bits"]), count(one["memory_bits"]), count(have["memory_bits"])))
    heads = ("", "at least", "at most", "available")
    table = Table(title=f"{one['unit']} with its host link on {one['device']} (modelled; no tool was run)",
                  columns=tuple(Column(title=head) for head in heads), rows=tuple(rows))  # fmt: skip
    sizes = ", ".join(f"{name} {value}" for name, value in one["parameters"].items())
    lines = [
        f"{sizes}: a sequence every {one['interval']} cycles, {one['latency']} cycles from its first token in to out.",
        _FITS[one["fits"]].format(device=one["device"]),
        "The clock is not estimated: `tokensieve fpga build` measures it.",
    ]
    return "\n".join([table.text(width), "", *(part for line in lines for part in wrap(line, width))])


_FITS = {
    "yes": "It fits {device}.",
    "perhaps": "It may fit {device}: a build tells.",
    "no": "It does not fit {device}.",
}


def _errors(one: Mapping[str, Any], name: str) -> tuple[str, str]:
    found = one["errors"][name]
    if name in ("bram", "dsp"):
        return f"{found['median']:g}", f"{found['worst']:g}"
    return f"{found['median']:.0%}", f"{found['worst']:.0%}"


def _outside(one: Mapping[str, Any]) -> list[str]:
    """Return what is extrapolated; of Fmax alone, if that is less than of all."""
    beyond, of_fmax = (one[name] for name in _EXTRAPOLATED)
    only = [text for text in of_fmax if text.partition(" (")[0] not in [known.partition(" (")[0] for known in beyond]]
    told = [f"Extrapolated, errors may be larger: {'; '.join(beyond)}."] if beyond else []
    return told + ([f"Fmax is extrapolated, its error may be larger: {'; '.join(only)}."] if only else [])
