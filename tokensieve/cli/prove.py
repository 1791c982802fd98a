"""``tokensieve prove``: what is claimed of a unit's hardware, proved or refuted."""

import json as json_text
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import ArchOption, JsonOption, SetOption, say
from tokensieve.cli.reduced import own_arch

if TYPE_CHECKING:
    from tokensieve.rtl.flow.formal import Claim, Proof
    from tokensieve.verify.valid_free import ValidFree

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_ALL, _PRESET = "all", "spatten"


@app.command()
def prove(
    unit: Annotated[str | None, typer.Argument(metavar="[UNIT|all]", help="Unit, or all of them.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="List units and claims, and leave.")] = False,
    claim: Annotated[
        str | None, typer.Option("--claim", metavar="NAME", help="One claim of the unit; all unless given.")
    ] = None,
    mutant: Annotated[
        str | None, typer.Option("--mutant", metavar="UNIT:NAME", help="Plant a fault of `cosim --list`.")
    ] = None,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="E", help="Engine for valid-free; every one unless given.")
    ] = None,
    arch: ArchOption = _PRESET,
    sets: SetOption = None,
    json: JsonOption = False,
) -> None:
    """Prove what is claimed of a unit's hardware, by SymbiYosys, Yosys and Yices from pip.

    A claim holds always (induction) or for some cycles after reset (bmc), at small sizes; each line says which, and how
    long it took. valid-free holds of the netlist: --engine, --arch and --set choose which. Exit code 1 if a claim fails
    or stays open.
    """
    from tokensieve.rtl.flow.formal import check_tools
    from tokensieve.rtl.flow.formal import prove as run
    from tokensieve.verify.valid_free import NAME

    if listed:
        _list(unit or _ALL)
        return
    if unit is None:
        raise typer.BadParameter("name a unit, or 'all'; --list shows them")
    if claim != NAME and (engine is not None or arch != _PRESET or sets):
        raise typer.BadParameter(f"--engine, --arch and --set are for --claim {NAME}: all other claims have one size")
    claims, netlists = _claims(unit, claim), _netlists(unit) if claim in (None, NAME) else []
    if not claims and not netlists:
        raise typer.BadParameter(f"{unit} has no claim {claim!r}; --list shows them")
    check_tools()
    fault, stream = _fault(mutant), sys.stderr if json else sys.stdout
    objects, proved = list[dict[str, Any]](), True
    for one in claims:
        proof = run(one, fault)
        print(_line(proof), file=stream, flush=True)
        objects.append(_object(proof))
        proved &= proof.status == "proved"
    for told in _valid_free(netlists, engine, arch, sets or [], fault):
        print(_netlist_line(told), file=stream, flush=True)
        objects.append(_netlist_object(told))
        proved &= told.status == "proved"
    if json:
        print(json_text.dumps({"results": objects}, indent=2))
    if not proved:
        raise typer.Exit(1)


def _claims(unit: str, name: str | None) -> "list[Claim]":
    """Return what SymbiYosys proves of `unit`."""
    from tokensieve.arch.errors import TokensieveError, nearest
    from tokensieve.rtl.flow.claims import claims_of, unit_names
    from tokensieve.verify.units import UNITS

    known = list(dict.fromkeys([*unit_names(), *UNITS]))
    if unit not in (_ALL, *known):
        raise TokensieveError(f"unit must be all or one of {', '.join(known)}, got {unit!r}{nearest(unit, known)}")
    return claims_of(unit, name) if unit in (_ALL, *unit_names()) else []


def _netlists(unit: str) -> list[str]:
    """Return the units whose netlists are looked at for `unit`."""
    from tokensieve.verify.units import UNITS

    return [name for name in UNITS if unit in (_ALL, name)]


def _valid_free(names: list[str], engine: str | None, arch: str, sets: list[str], fault: Any) -> "Iterator[ValidFree]":
    """Yield what comes of valid-free for each of the units with each engine, or with the one asked for."""
    from tokensieve.arch import load_arch
    from tokensieve.verify.units import find_engine, find_unit
    from tokensieve.verify.valid_free import valid_free

    machine = load_arch(arch, sets)
    for unit in map(find_unit, names):
        asked = engine or (fault.engine if fault else None) or None
        for one in unit.engines() if asked is None else [find_engine(unit, asked, machine)]:
            own_arch(unit, machine, one, sets, every=asked is None)
            yield valid_free(unit, one, machine, fault)


def _list(unit: str) -> None:
    """Print what is claimed."""
    from tokensieve.verify.valid_free import NAME, SAYS

    for one in _claims(unit, None):
        say(f"{one.unit} {one.name}: {one.says}")
    for name in _netlists(unit):
        say(f"{name} {NAME}: {SAYS}")


def _fault(name: str | None) -> Any:
    """Return the mutant called ``UNIT:NAME``, or raise `TokensieveError`."""
    from tokensieve.arch.errors import TokensieveError
    from tokensieve.rtl.flow.mutants.base import find_mutant

    if name is None:
        return None
    unit, colon, own = name.partition(":")
    if not colon or not own:
        raise TokensieveError(f"--mutant must be UNIT:NAME, for example topk:valid-waits, got {name!r}")
    return find_mutant(unit, own)


def _line(proof: "Proof") -> str:
    """Return what is printed of a proof."""
    one = proof.claim
    lines = [f"{one.unit} {one.name}: {proof.status} ({one.holds}, {proof.seconds} s)", f"  {one.says}"]
    if proof.status == "failed":
        lines += [f"  does not hold: {proof.why}", f"  waves {proof.folder / 'engine_0' / 'trace.vcd'}"]
    return "\n".join(lines)


def _object(proof: "Proof") -> dict[str, Any]:
    one = proof.claim
    return {
        "unit": one.unit,
        "claim": one.name,
        "says": one.says,
        "status": proof.status,
        "method": one.method,
        "depth": one.depth,
        "seconds": proof.seconds,
        "why": proof.why,
    }


def _netlist_line(told: "ValidFree") -> str:
    """Return what is printed of valid-free for a unit with an engine."""
    from tokensieve.verify.valid_free import HOLDS, NAME, SAYS

    name = " ".join(filter(None, [told.unit, told.engine, NAME]))
    lines = [f"{name}: {told.status} ({HOLDS}, {told.seconds} s)", f"  {SAYS}"]
    if told.way:
        lines += [f"  {'does not hold' if told.status == 'failed' else 'not known'}: {told.why}"]
        lines += [f"  way {' > '.join(map(str, told.way))}"]
    lines += [f"  waves {told.waves}"] if told.waves else []
    return "\n".join(lines)


def _netlist_object(told: "ValidFree") -> dict[str, Any]:
    from tokensieve.verify.valid_free import NAME, SAYS

    return {
        "unit": told.unit,
        "engine": told.engine or None,
        "claim": NAME,
        "says": SAYS,
        "status": told.status,
        "method": "netlist",
        "depth": None,
        "seconds": told.seconds,
        "why": told.why,
        "way": [str(step) for step in told.way],
    }
