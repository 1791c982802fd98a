"""A CPU or GPU known by its peak numbers alone."""

from functools import cache
from importlib import resources
from typing import Annotated

from pydantic import Field

from tokensieve.arch.base import ArchModel, Name, build
from tokensieve.arch.errors import ArchError, nearest
from tokensieve.arch.yamlio import parse_yaml

Peak = Annotated[float, Field(ge=1e-3, le=1e9)]


class Device(ArchModel):
    """A processor by its roofline: no program runs faster than its arithmetic, nor than its memory."""

    name: Name
    """Name printed in reports."""

    title: Annotated[str, Field(min_length=1)]
    """Name in full."""

    gflops: Peak
    """Peak rate in 32-bit floating point, in 10^9 operations per second, a fused multiply-add being two."""

    gb_per_s: Peak
    """Peak bandwidth of its memory, in 10^9 bytes per second."""

    source: Annotated[str, Field(min_length=1)]
    """Where the numbers are from."""


@cache
def _shipped() -> dict[str, Device]:
    source = "devices.yaml"
    text = (resources.files("tokensieve.arch") / source).read_text(encoding="utf-8")
    data, lines = parse_yaml(text, source, ArchError)
    return {name: build(Device, {"name": name, **fields}, ArchError, lines, source) for name, fields in data.items()}


def device_names() -> list[str]:
    """Return the names of the devices that ship with the package."""
    return list(_shipped())


def find_device(given: str) -> Device:
    """Return the device called `given`, or the one that ``GFLOPS,GB_PER_S`` describes.

    >>> find_device("titan-xp").gflops, find_device("100,25.6").gb_per_s
    (12150.0, 25.6)
    """
    if given in _shipped():
        return _shipped()[given]
    gflops, comma, bandwidth = given.partition(",")
    try:
        peaks = {"gflops": float(gflops), "gb_per_s": float(bandwidth)}
    except ValueError:
        known = device_names()
        hint = nearest(given, known) if not comma else ""
        rule = f"roofline must be one of {', '.join(known)} or GFLOPS,GB_PER_S"
        raise ArchError(f"{rule}, got {given!r}{hint}") from None
    fields = {"name": f"{gflops.strip()} GFLOP/s, {bandwidth.strip()} GB/s", "title": "given by its peaks", **peaks}
    return build(Device, {**fields, "source": "given by the user"}, ArchError, source="roofline")
