"""The Verilog of a unit as it is handed out: with a header that says what it was made from, and linted."""

import re

from tokensieve import __version__
from tokensieve.arch.errors import TokensieveError
from tokensieve.arch.machine import Arch
from tokensieve.arch.primitives import Primitives
from tokensieve.verify.units.base import Unit


def module_name(unit: Unit, prefix: str = "") -> str:
    """Return the name of the unit's Verilog module, behind `prefix`.

    Raises `TokensieveError` for a prefix with which it would be no plain Verilog name.
    """
    if prefix and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", prefix):
        rule = "must be letters, digits and underscores, and not begin with a digit"
        raise TokensieveError(f"--prefix {rule}, got {prefix!r}")
    return "_".join(filter(None, [prefix, unit.name.replace("-", "_")]))


def emitted(unit: Unit, arch: Arch, prefix: str = "", note: str = "") -> str:
    """Return the Verilog of a unit, with a header that says what it was made from, and `note`.

    `prefix` begins its modules' names.

    Raises `ArchError` for packets that are longer than Verilog is written for.
    """
    name = module_name(unit, prefix)
    arch.topk.require_rtl_length()
    from tokensieve.rtl.flow.verilog import unit_verilog

    return with_header(unit, arch, unit_verilog(unit.harness().component(arch), name, arch.primitives), note)


def lint_warnings(name: str, text: str, primitives: Primitives = "generic") -> list[str]:
    """Return what Verilator's lint says of the module `name`, made of `primitives`, except what is waived.

    Of a model of an FPGA's cells nothing is said.
    """
    from tokensieve.rtl.flow.cells import models_in
    from tokensieve.rtl.flow.lint import lint

    return lint(name, text, models_in(text, primitives))


def with_header(unit: Unit, arch: Arch, body: str, note: str = "") -> str:
    """Return Verilog with a comment at the top: unit, parameters, version, digest, and `note` if there is one."""
    from tokensieve.rtl.flow.verilog import header

    fields = {**arch.identity, "pruner": arch.pruner.settled}
    parameters = {f"{group}.{name}": value for group in unit.groups for name, value in fields[group].items()}
    facts = {"tokensieve": __version__, "arch": arch.name, "arch digest": f"sha256 {arch.digest}", **parameters}
    facts |= {} if arch.primitives == "generic" else {"primitives": arch.primitives}
    facts |= {"note": note} if note else {}
    return header(unit.name, facts) + body
