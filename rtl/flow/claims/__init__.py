"""What is claimed of the hardware, and proved. All sizes are small: 4 lanes or fewer, packets of 4 to 16 items."""

from tokensieve.arch.errors import TokensieveError, nearest
from tokensieve.rtl.flow.claims import cascade, fixed_length_pruner, gather, packing, storage, streams, topk
from tokensieve.rtl.flow.formal import Claim

CLAIMS: tuple[Claim, ...] = (
    *storage.CLAIMS, *packing.CLAIMS, *topk.CLAIMS, *fixed_length_pruner.CLAIMS, *gather.CLAIMS,
    *cascade.CLAIMS, *streams.CLAIMS,
)  # fmt: skip


def unit_names() -> list[str]:
    """Return the units of which something is claimed."""
    return list(dict.fromkeys(claim.unit for claim in CLAIMS))


def claims_of(unit: str, name: str | None = None) -> list[Claim]:
    """Return the claims of `unit`, or of all units for ``all``; only those called `name`, if a name is given."""
    if unit != "all" and unit not in unit_names():
        raise TokensieveError(
            f"unit must be all or one of {', '.join(unit_names())}, got {unit!r}{nearest(unit, unit_names())}"
        )
    return [claim for claim in CLAIMS if unit in ("all", claim.unit) and name in (None, claim.name)]
