"""Situations of the token gather. A vector is one packet of tokens."""

from tokensieve.verify.situations.base import Seen, Situation, longest_stall, reset, twin


def _granules(seen: Seen) -> list[int]:
    """Return the granules of each vector that is fetched."""
    from tokensieve.verify.units.token_gather import granules_per_vector

    return [count for index in seen.which for count in granules_per_vector(seen.arch, seen.vectors, index)]


def _high_address(seen: Seen) -> bool:
    """Return whether a vector lies in the upper half of what addresses reach."""
    half = 1 << seen.arch.gather.address_bits - 1
    last = [tokens.max() if len(tokens) else 0 for tokens in seen.items("tokens")]
    ends = [
        base + size * (token + 1)
        for base, size, token in zip(seen.numbers("base"), seen.numbers("row_bytes"), last, strict=True)
    ]
    return any(end > half for end in ends)


def _carries(seen: Seen) -> bool:
    """Return whether a vector begins behind a boundary of 16 MiB, in front of which the base lies."""
    return any(
        (tokens * size + base >> 24 != base >> 24).any()
        for base, size, tokens in zip(
            seen.numbers("base"), seen.numbers("row_bytes"), seen.items("tokens"), strict=True
        )
    )


def _legal(seen: Seen) -> list[int]:
    """Return the packets that are fetched."""
    return [index for index in seen.which if not seen.vectors.expected["status"][index]]


def _beats(seen: Seen) -> int:
    """Return the beats of the packet that has the most."""
    tokens = [len(seen.vectors.item("inputs", "tokens", index)) for index in _legal(seen)]
    return -(-max(tokens, default=0) // seen.arch.topk.lanes)


def _wraps(seen: Seen) -> bool:
    """Return whether the places of the queue of granules are used up and begin again."""
    return sum(_granules(seen)) >= seen.arch.gather.outstanding


SITUATIONS = (
    twin("a granule has come that is behind an empty packet", "granule-eaten"),
    twin("a request waits", "overwritten-request"),
    twin("no place is free", "no-room"),
    twin("a vector waits behind another", "lost-vector"),
    twin("a vector comes before its sink is ready", "waits-for-ready"),
    twin("tokens wait for their command", "no-command"),
    twin("a command waits for its tokens", "no-tokens"),
    Situation("a packet of several beats", "lane-goes-on", lambda seen: _beats(seen) > 1),
    Situation("a packet follows another", "lane-stays", lambda seen: len(seen.which) > 1),
    Situation("a vector of three granules or more", "two-granules", lambda seen: max(_granules(seen), default=0) > 2),
    Situation("an address with its top bit set", "half-the-memory", _high_address),
    Situation("a carry through the whole base", "carry-of-the-base", _carries),
    Situation("more granules than places", "place-sticks", _wraps),
    Situation("an illegal command with several beats of tokens", "illegal-fetched",
              lambda seen: any(seen.vectors.work["dropped"][index] for index in seen.which)),
    reset("a vector's granules are asked for in part", "step-without-reset"),
    reset("a beat's tokens are sent on in part", "lane-without-reset"),
    longest_stall("o", "impatient"),
    longest_stall("request", "impatient-request"),
)  # fmt: skip
