"""Gathering vectors from memory: what is read for the kept tokens, and what they get (contracts, section 3)."""

import torch
from torch import Tensor


def gathered_vectors(memory: Tensor, base: int, row_bytes: int, tokens: Tensor) -> Tensor:
    """Return the vectors of `tokens` out of the bytes of `memory`, ``(tokens, row_bytes)``.

    Token t's vector begins at base + t * row_bytes.

    >>> gathered_vectors(torch.arange(20), 3, 2, torch.tensor([0, 4])).tolist()
    [[3, 4], [11, 12]]
    """
    return memory[_places(base, row_bytes, tokens)]


def touched_granules(base: int, row_bytes: int, tokens: Tensor, granule_bytes: int) -> Tensor:
    """Return the numbers of the granules that the vectors touch, vector after vector, ascending within each.

    A granule that two vectors share is in there twice: each asks for all that it touches.

    >>> touched_granules(16, 48, torch.tensor([0, 1, 3]), 32).tolist()
    [0, 1, 2, 3, 5, 6]
    """
    granules = _places(base, row_bytes, tokens) // granule_bytes
    ahead = torch.roll(granules, 1, dims=1)
    ahead[:, 0] = -1  # the first byte of a vector always begins a granule for it
    return granules[granules != ahead]


def _places(base: int, row_bytes: int, tokens: Tensor) -> Tensor:
    """Return the address of every byte of every vector."""
    return base + tokens[:, None] * row_bytes + torch.arange(row_bytes)
