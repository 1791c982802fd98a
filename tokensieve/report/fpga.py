"""What a unit would take of an FPGA, as one object and as a page."""

from collections.abc import Mapping
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from tokensieve.arch.datapath import Topk
from tokensieve.arch.fpga_model import COMMON, FIELDS, UNIT, estimate, told
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
