"""Groups inside a result: which keys they have and what each of them means.

A group is a mapping. One with fixed keys is `Annotated` with a class below: `Annotated[Mapping[str, int], ByCause]`. In
one with a key for each unit or action the values are `Annotated` with their meaning.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Generic, NotRequired, TypedDict, TypeVar

from tokensieve.sim.result_part import Mark, Name, Signed

Number = TypeVar("Number", int, float)

Interval = tuple[Annotated[float, "Lowest."], Annotated[float, "Highest."]]

Actions = Mapping[
    Name, Annotated[Mapping[Name, Annotated[int, "Times that the action happened."]], "Actions of one unit."]
]
BusyCycles = Mapping[Name, Annotated[int, "Cycles in which the unit works."]]
Joules = Annotated[Mapping[Name, Annotated[float, "Energy, in J."]], Mark.SUMMED]
SquareMillimetres = Annotated[Mapping[Name, Annotated[float, "Area, in mm2."]], Mark.SUMMED]


class ByCause(TypedDict):
    """Keys of cycles."""

    compute: int
    """The datapath works."""

    dram_stall: int
    """It waits for DRAM."""

    topk_stall: int
    """It waits for a top-k."""

    softmax_stall: int
    """It waits for the softmax."""

    fill_drain: int
    """The pipeline fills or drains."""

    total: int
    """Sum of the causes."""


class ByTensor(TypedDict):
    """Keys of DRAM traffic."""

    query: int
    """Queries."""

    key_msb: int
    """MSB plane of K."""

    key_lsb: int
    """LSB plane of K, and second passes over it."""

    value: int
    """V."""

    output: int
    """Attention output."""

    total: int
    """Sum of the tensors."""


class Vectors(TypedDict):
    """Keys of the vectors fetched."""

    key: int
    """Vectors of K."""

    value: int
    """Vectors of V."""


class Power(TypedDict):
    """Keys of the power."""

    compute: float
    """Everything on chip except K and V SRAM; queues and leakage are here."""

    sram: float
    """K and V SRAM."""

    dram: float
    """DRAM: commands, data and background."""

    total: float
    """Sum of the three."""


class Throughput(TypedDict):
    """Keys of the arithmetic rate."""

    effective: float
    """Of the operations that were done."""

    dense_equivalent: float
    """Of the operations that the un-pruned work would have taken."""


class Levels(TypedDict):
    """Keys of a comparison of two levels."""

    analytic: int
    """Cycles at level `analytic`."""

    cycle: NotRequired[int]
    """Cycles at level `cycle`."""

    rtl: NotRequired[int]
    """Cycles at level `rtl`."""

    deviation: Signed
    """Analytic cycles divided by the other level's cycles, minus 1."""


class Records(TypedDict):
    """Keys of where the work records of the top-k came from."""

    sampled: NotRequired[str]
    """Where not every search was drawn: how many of how many queries of a layer were."""

    scores: str | None
    """Distribution of the scores that the records of the local top-k were drawn from, where they are synthesised."""

    rankings: str | None
    """That of the scores of token and head selections."""

    searches: int
    """Queries whose local top-k searches."""

    rounds: Mapping[Name, Annotated[float, "Mean rounds of a local search, by the records of one kind."]]
    """Rounds of this run's searches."""

    ratio: Mapping[Name, Annotated[float, "Mean rounds of such scores divided by those of captured ones."]]
    """How near `scores` is to captured traces (`benchmarks/scores.py`)."""


class Machine(TypedDict, total=False):
    """Keys of the machine that have a fixed form here; all others are those of an architecture file."""

    name: str
    """Name printed in reports."""

    technology: str
    """Table of energy and area constants; of a file its name and the digest of what it holds."""


class Provenance(TypedDict, total=False):
    """The keys of the provenance that have a fixed form."""

    records: Annotated[Mapping[str, Any], Records]
    """Where the work records of the top-k came from."""
    arch: str
    """Name of the machine."""

    set: list[str]
    """Overrides of the machine (`--set`), in the order in which they were given."""

    machine: Annotated[Mapping[str, Any], Machine]
    """The machine in full: every field, with defaults, presets, files and overrides resolved."""

    assumed: list[str]
    """What was filled in by rule or taken without proof, one sentence each."""

    rough: list[str]
    """At level `analytic`, where there is any: what is taken for something else, and a sweep refuses."""


class ByMatrix(TypedDict):
    """Keys of the cycles of fully connected layers."""

    qkv: int
    """Q, K and V projections."""

    output: int
    """Output projection."""

    ffn_in: int
    """First matrix of the feed-forward network."""

    ffn_out: int
    """Its second matrix."""

    total: int
    """Their sum."""


class FcTraffic(TypedDict):
    """Keys of the DRAM traffic of fully connected layers."""

    weights: int
    """Weights; again for each block of tokens where the inputs do not fit on chip."""

    activations_read: int
    """Activations read: the attention output, and those that do not fit on chip."""

    activations_written: int
    """Activations written: Q, K and V, and those that do not fit on chip."""

    total: int
    """Their sum."""


class FcBusy(TypedDict):
    """Keys of the busy cycles of fully connected layers."""

    dram: int
    """The data bus of DRAM."""

    arrays: int
    """The two arrays."""


class Stream(TypedDict):
    """Keys of the steady state of a stream."""

    bytes_per_cycle: float
    """Bytes per accelerator cycle."""

    efficiency: float
    """Share of the peak bandwidth."""

    spread: float
    """Largest distance of a refresh interval from the mean, as a share of the mean."""


class ByPart(TypedDict, Generic[Number]):
    """Keys of a figure of the whole model."""

    attention: Number
    """Attention."""

    fc: Number
    """Fully connected layers."""

    total: Number
    """Both."""
