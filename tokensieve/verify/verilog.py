"""The Verilog of a unit as it is handed out: with a header that says what it was made from, and linted."""

from tokensieve import __version__
from tokensieve.arch.machine import Arch
from tokensieve.verify.units.base import Unit


def module_name(unit: Unit) -> str:
    """Return the name of the unit's Verilog module."""
    return unit.name.replace("-", "_")


def emitted(unit: Unit, arch: Arch) -> str:
    """Return the Verilog of a unit, with a header that says what it was made from.

    Raises `ArchError` for packets that are longer than Verilog is written for.
    """
    arch.topk.require_rtl_length()
    from tokensieve.rtl.flow.verilog import verilog_body

    return with_header(unit, arch, verilog_body(unit.harness().component(arch), module_name(unit)))


def lint_warnings(unit: Unit, text: str) -> list[str]:
    """Return what Verilator's lint says of a unit's Verilog, except what is waived."""
    from tokensieve.rtl.flow.lint import lint

    return lint(module_name(unit), text)


def with_header(unit: Unit, arch: Arch, body: str) -> str:
    """Return Verilog with a comment at the top: unit, parameters, version, digest."""
    from tokensieve.rtl.flow.verilog import header

    fields = arch.model_dump(mode="json")
    parameters = {f"{group}.{name}": value for group in unit.groups for name, value in fields[group].items()}
    facts = {"tokensieve": __version__, "arch": arch.name, "arch digest": f"sha256 {arch.digest}", **parameters}
    return header(unit.name, facts) + body
