"""How the bits of an address are dealt out to channels, banks, rows and columns."""

import re

ADDRESS_PARTS = ("ro", "ba", "bg", "co", "pc", "ch")
"""Row, bank, bank group, column, pseudo-channel, channel."""

_NAME = re.compile(r"(?:[A-Z][a-z])+|(?:[a-z]{2})+")
_WITH = {"ba": "bg", "ra": "pc"}


def address_order(mapping: str) -> tuple[str, ...]:
    """Return the parts of an address that `mapping` names, highest first.

    Parts are joined by ``-``, or written as the public simulators write them: ``RoBaRaCoCh`` (Ramulator) or
    ``rorabgbachco`` (DRAMsim3). There a bank group that is not named stands below its bank, and a pseudo-channel that
    is not named below the rank. A rank may be named; there is one, so that it takes no bits. Raises `ValueError`.

    >>> address_order("RoBaRaCoCh")
    ('ro', 'ba', 'bg', 'pc', 'co', 'ch')
    """
    parts = mapping.split("-")
    if len(parts) == 1 and _NAME.fullmatch(mapping):
        named = [mapping[i : i + 2].lower() for i in range(0, len(mapping), 2)]
        parts = [p for name in named for p in ([name, _WITH[name]] if _WITH.get(name, name) not in named else [name])]
    order = tuple(p for p in parts if p != "ra")
    if sorted(order) != sorted(ADDRESS_PARTS) or len(parts) > len(order) + 1:
        raise ValueError(
            f"must hold each of {', '.join(ADDRESS_PARTS)} once (and ra at most once), or be a name such as "
            f"RoBaRaCoCh, got {mapping!r}"
        )
    return order
