"""``tokensieve prove``: what is claimed of a unit's hardware, proved or refuted."""

import json as json_text
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokensieve.cli.options import JsonOption, say

if TYPE_CHECKING:
    from tokensieve.rtl.flow.formal import Proof

app = typer.Typer(add_completion=False, rich_markup_mode=None)


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
    json: JsonOption = False,
) -> None:
    """Prove what is claimed of a unit's hardware, at small sizes, by SymbiYosys and Yices from pip.

    A claim holds always (induction) or for some cycles after reset (bmc); each line says which, and how long it took.
    Exit code 1 if a claim fails or stays open.
    """
    from tokensieve.rtl.flow.claims import claims_of
    from tokensieve.rtl.flow.formal import check_tools
    from tokensieve.rtl.flow.formal import prove as run

    if listed:
        for one in claims_of(unit or "all"):
            say(f"{one.unit} {one.name}: {one.says}")
        return
    if unit is None:
        raise typer.BadParameter("name a unit, or 'all'; --list shows them")
    claims = claims_of(unit, claim)
    if not claims:
        raise typer.BadParameter(f"{unit} has no claim {claim!r}; --list shows them")
    check_tools()
    fault, proofs = _fault(mutant), []
    for one in claims:
        proofs.append(run(one, fault))
        print(_line(proofs[-1]), file=sys.stderr if json else sys.stdout, flush=True)
    if json:
        print(json_text.dumps({"results": [_object(proof) for proof in proofs]}, indent=2))
    if any(proof.status != "proved" for proof in proofs):
        raise typer.Exit(1)


def _fault(name: str | None) -> Any:
    """Return the mutant called ``UNIT:NAME``."""
    from tokensieve.rtl.flow.mutants.base import find_mutant

    if name is None:
        return None
    unit, _, own = name.partition(":")
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
