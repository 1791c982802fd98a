"""What the installed package's own metadata says it needs, and what of it is there."""

import re
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata

CORE = "core"

_DISTRIBUTION = {
    "yaml": "pyyaml",
    "distributed": "dask",
    "importlinter": "import-linter",
    "cocotbext": "cocotbext-axi",
    "cocotb_tools": "cocotb",
    "find_libpython": "cocotb",
    "serial": "pyserial",
}
"""Distributions whose import name is another one."""


@dataclass(frozen=True)
class Package:
    """A Python package that tokensieve, or one of its extras, needs."""

    name: str
    """Name of the distribution."""

    bounds: str
    """Versions that will do, as in ``>=2.6,<3``."""

    extra: str
    """Extra that brings it, or ``core``."""

    @cached_property
    def version(self) -> str | None:
        """Version that is installed."""
        try:
            return metadata.version(self.name)
        except metadata.PackageNotFoundError:
            return None

    @property
    def suits(self) -> bool:
        """Whether a version within the bounds is installed."""
        return self.version is not None and within(self.version, self.bounds)

    @property
    def hint(self) -> str:
        """Command that installs it."""
        return "pip install -e ." if self.extra == CORE else f"pip install -e '.[{self.extra}]'"


def needed() -> list[Package]:
    """Return every package of the core and of the extras, in the order in which pyproject.toml declares them.

    Empty where tokensieve itself is not installed but run from a folder.
    """
    try:
        lines = metadata.requires("tokensieve") or []
    except metadata.PackageNotFoundError:
        return []
    return [package for line in lines if (package := parsed(line)).name != "tokensieve"]


def parsed(line: str) -> Package:
    """Return the package that a ``Requires-Dist`` line names.

    >>> parsed('torch<2.14,>=2.6; extra == "golden"')
    Package(name='torch', bounds='<2.14,>=2.6', extra='golden')
    """
    requirement, _, marker = line.partition(";")
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    bounds = re.sub(r"\[.*\]", "", requirement.removeprefix(name))
    extra = re.search(r"""extra == ['"](.+?)['"]""", marker)
    return Package(name, bounds.strip(), extra[1] if extra else CORE)


def provider(module: str) -> Package | None:
    """Return the package of ours that would provide a top-level module, or nothing."""
    wanted = _DISTRIBUTION.get(module, module).replace("_", "-").lower()
    return next((p for p in needed() if p.name.lower() == wanted), None)


def within(version: str, bounds: str) -> bool:
    """Return whether a version lies within bounds made of ``>=`` and ``<``.

    >>> within("2.13.0+cpu", ">=2.6,<2.14"), within("2.14.1", ">=2.6,<2.14")
    (True, False)
    """
    return all(_holds(version, bound.strip()) for bound in bounds.split(",") if bound.strip())


def _holds(version: str, bound: str) -> bool:
    came, limit = _release(version), _release(bound.lstrip("<>="))
    return came >= limit if bound.startswith(">=") else came < limit


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, without trailing zeros, so that 2.6 and 2.6.0 are one.

    >>> _release("2.13.0+cpu")
    (2, 13)
    """
    digits = re.match(r"\d+(\.\d+)*", version)
    numbers = [int(n) for n in digits[0].split(".")] if digits else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
