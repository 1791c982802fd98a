"""The token gather: how many granules it may have asked for, its registers, and how long it takes."""

from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from pydantic import Field, model_validator

from tokensieve.arch.base import ArchModel
from tokensieve.arch.memory import require_powers_of_two
from tokensieve.arch.timing import Count

MOST_ROW_BYTES = 1024
"""Longest vector of any gather, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherWork:
    """Work of gathering the vectors of one packet of tokens, and the memory that they come from."""

    rows: Count
    """Tokens, each of which has one vector. A packet may have none."""

    granules: Count
    """Granules that the vectors touch, all of them together; one that two vectors share is read twice."""

    memory_latency: Count
    """Cycles from a request to its granule, the same for all; at least 1."""

    dropped: Count = 0
    """Beats of an illegal command's packet, but for the last one, which is a packet without tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatherLaw:
    """Cycle law of the token gather with a memory of fixed latency that takes a request and gives a granule a cycle.

    A granule occupies one of `outstanding` places from the cycle before its request until it is taken out of the queue.
    Where the memory is so slow that all of them are occupied, requests leave in bursts of `outstanding`.

    >>> law = GatherLaw(request_latency=5, return_latency=5, empty_latency=9, place_cycles=4, outstanding=64)
    >>> law.cycles(GatherWork(rows=100, granules=300, memory_latency=40))
    350
    >>> law.cycles(GatherWork(rows=100, granules=300, memory_latency=80))
    470
    >>> law.cycles(GatherWork(rows=0, granules=0, memory_latency=80))
    10
    """

    request_latency: int
    """Cycles from the first tokens in to the first request out."""

    return_latency: int
    """Cycles from a vector's last granule in to the vector out."""

    empty_latency: int
    """Cycles from the transfer in to the transfer out of a packet that has no tokens."""

    place_cycles: int
    """Cycles, beyond the memory's latency, from a request to the one that takes over its place."""

    outstanding: int
    """Granules that may be on their way or in the queue."""

    @property
    def latency(self) -> int:
        """Cycles from a token in to its vector out, if the vector is one granule, without those of the memory."""
        return self.request_latency + self.return_latency

    def last_request(self, work: GatherWork) -> Count:
        """Return the cycles from the first request to the last one."""
        last = np.maximum(np.asarray(work.granules) - 1, 0)
        period = np.maximum(np.asarray(work.memory_latency) + self.place_cycles, self.outstanding)
        cycles = last % self.outstanding + last // self.outstanding * period
        return int(cycles) if cycles.ndim == 0 else cycles

    def cycles(self, work: GatherWork) -> Count:
        """Return the cycles from the first tokens in to the last vector out."""
        fetched = self.latency + np.asarray(self.last_request(work)) + np.asarray(work.memory_latency)
        cycles = np.where(np.asarray(work.rows) == 0, self.empty_latency + np.asarray(work.dropped), fetched) + 1
        return int(cycles) if cycles.ndim == 0 else cycles


class TokenGather(ArchModel):
    """Kept tokens go in, and their K or V vectors come out of memory, one granule a cycle.

    Granules and channels are those of `dram`, tokens and their lanes those of `topk`.
    """

    address_bits: Annotated[int, Field(ge=16, le=48)] = 32
    """Width of a byte address."""

    max_row_bytes: Annotated[int, Field(ge=1, le=MOST_ROW_BYTES)] = 96
    """Longest vector, in bytes: 64 elements of 12 bit in the paper. The length itself comes with the command."""

    outstanding: Annotated[int, Field(ge=2, le=4096)] = 64
    """Granules that may be on their way or wait to be packed: the depth of the queue. A memory whose latency is above
    `outstanding` less 4 cycles slows the gather down."""

    multiply_stages: Annotated[int, Field(ge=1, le=16)] = 2
    """Registers over which the product of token and vector length is added up."""

    align_stages: Annotated[int, Field(ge=1, le=16)] = 2
    """Registers over which a granule is rotated to where its vector begins."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_powers_of_two(self, "outstanding")
        return self

    @property
    def vector_bits(self) -> int:
        """Width of a number of bytes of a vector, 0..max_row_bytes."""
        return self.max_row_bytes.bit_length()

    @property
    def request_latency(self) -> int:
        """Cycles from a token in to its first request: the register of its beat, the product, the base, the request."""
        return 1 + self.multiply_stages + 1 + 1

    @property
    def queue_latency(self) -> int:
        """Cycles from a granule in to the head of the queue: the queue's memory, written and read."""
        return 2

    @property
    def return_latency(self) -> int:
        """Cycles from a vector's last granule in to the vector out: the queue, the rotation, the vector's register."""
        return self.queue_latency + self.align_stages + 1

    @property
    def law(self) -> GatherLaw:
        """Cycle law of the gather."""
        return GatherLaw(
            request_latency=self.request_latency,
            return_latency=self.return_latency,
            # What the queue is told of a request is there a cycle before the request itself.
            empty_latency=self.request_latency - 1 + self.return_latency,
            # The request's register, the queue, and the count of free places.
            place_cycles=1 + self.queue_latency + 1,
            outstanding=self.outstanding,
        )
