"""The arithmetic units of the attention pipeline, in the order in which a query meets them (paper IV, Fig. 8)."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from tokensieve.arch.accumulators import SumsLaw
from tokensieve.arch.base import ArchModel
from tokensieve.arch.errors import ArchError
from tokensieve.arch.limits import MAX_RTL_TOKENS, MAX_TOKENS
from tokensieve.arch.memory import require_powers_of_two
from tokensieve.arch.timing import SoftmaxLaw, StreamLaw
from tokensieve.arch.topklaw import BitonicLaw, BitserialLaw, QuickselectLaw, RadixLaw, TopkLaw

Stages = Annotated[int, Field(ge=0, le=64)]
Lanes = Annotated[int, Field(ge=1, le=1024)]
SearchEngine = Literal["quickselect", "radix", "bitserial", "bitonic"]
ENGINES: tuple[SearchEngine, ...] = get_args(SearchEngine)
_RECORDS: dict[SearchEngine, str] = {"quickselect": "quick", "radix": "radix"}
"""Kind of work record that the time of an engine depends on; the others take the same time whatever the scores."""


class Clock(ArchModel):
    """Clock of the accelerator."""

    mhz: Annotated[int, Field(ge=1, le=10_000)] = 1000
    """Frequency, in MHz."""


class MultiplierArray(ArchModel):
    """Broadcast, multiply and reduce: the block that both Q x K and Prob x V are made of (paper IV-E, IV-G)."""

    multipliers: Annotated[int, Field(ge=8, le=1 << 16)] = 512
    """Multipliers; `multipliers / D` vectors are used in a cycle."""

    broadcast_stages: Stages = 1
    """Registers that fan the query (or the probabilities) out."""

    multiply_stages: Stages = 1
    """Registers of the multipliers."""

    accumulate_stages: Stages = 0
    """Registers of the accumulation over lines, after the tree."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_powers_of_two(self, "multipliers")
        return self

    def vectors_per_cycle(self, head_dim: int) -> int:
        """Return the vectors of width `head_dim` that one line holds."""
        return self.multipliers // head_dim

    def law(self, head_dim: int, terms: int, read_latency: int) -> StreamLaw:
        """Return the law for vectors of `head_dim` elements and an adder tree over `terms` inputs."""
        tree = max(terms - 1, 0).bit_length()
        latency = read_latency + self.broadcast_stages + self.multiply_stages + tree + self.accumulate_stages
        return StreamLaw(lanes=self.vectors_per_cycle(head_dim), latency=latency, interval=1)


class Softmax(ArchModel):
    """Fixed-point softmax with the maximum subtracted first.

    The paper's unit is floating point with a fifth-order Taylor series (IV-F); the formats here are this project's
    choice.
    """

    kind: Literal["taylor5", "lut"] = "taylor5"
    """How exp is computed: a fifth-order series after range reduction by ln 2, or a table."""

    scan: Literal["pass", "streamed"] = "pass"
    """What exponentials wait for. `pass`: the maximum of all scores, which is subtracted. `streamed`: nothing; they
    follow the scores as these come, as in the paper's floating-point unit. It changes time alone: numbers, energy and
    area stay those of `pass`."""

    lanes: Lanes = 8
    """Scores per cycle."""

    fifo_lines: Annotated[int, Field(ge=1, le=MAX_TOKENS)] = 128
    """Depth of the line buffer between two passes; the longest packet of scores must fit."""

    exp_frac_bits: Annotated[int, Field(ge=8, le=30)] = 20
    """Fraction bits of exp's argument and result."""

    table_bits: Annotated[int, Field(ge=4, le=12)] = 8
    """Address bits of the exp table (kind `lut`)."""

    divider_bits: Annotated[int, Field(ge=16, le=48)] = 32
    """Width of the divider's quotient before it is rounded."""

    probability_bits: Annotated[int, Field(ge=8, le=24)] = 12
    """Width of a probability: unsigned, the value is the integer / 2^bits, rounded half to even, saturated."""

    dequant_latency: Stages = 7
    exp_latency: Stages = 21
    accumulate_latency: Stages = 23
    divide_latency: Stages = 29
    quantize_latency: Stages = 7
    """Pipeline depths, in cycles (the authors' behavioural model, bert.cpp)."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_powers_of_two(self, "lanes")
        return self

    @property
    def law(self) -> SoftmaxLaw:
        """Cycle law of the three passes."""
        return SoftmaxLaw(
            lanes=self.lanes,
            scan_latency=self.dequant_latency,
            exp_latency=self.exp_latency + self.accumulate_latency,
            divide_latency=self.divide_latency + self.quantize_latency,
            streamed=self.scan == "streamed",
        )


class Requant(ArchModel):
    """Progressive-quantization decision: is a query's largest probability below the threshold? (paper III-D)"""

    queue_rows: Annotated[int, Field(ge=1, le=1024)] = 16
    """Packets of probabilities that may wait behind a query that is being recomputed."""

    tree_stages: Stages = 3
    """Registers of the max tree over the lanes."""

    def law(self, softmax: Softmax) -> StreamLaw:
        """Return the cycle law of one packet of the softmax's output: the tree, and the register of the verdict."""
        return StreamLaw(lanes=softmax.lanes, latency=self.tree_stages + 1, interval=1)


class Topk(ArchModel):
    """Top-k engine (paper IV-B). There are two alike: one for local values, one for tokens and heads."""

    engine: SearchEngine = "quickselect"
    """How the k-th largest score is found: quickselect, rounds against a pivot (the paper's); radix, digits from the
    top; bitserial, one bit of all scores at a time; bitonic, a sorter of the whole packet."""

    lanes: Annotated[int, Field(ge=1, le=64)] = 16
    """Scores that enter and leave per cycle, and that the search compares unless `comparators` tells."""

    comparators: Annotated[int | None, Field(ge=1, le=64)] = None
    """Scores that a round of the search compares per cycle (`quickselect`, `radix`), more or fewer than `lanes`;
    `lanes` unless given. The RTL has one width."""

    round_cycles: Annotated[int | None, Field(ge=0, le=64)] = None
    """Cycles of a round beyond streaming its set (`quickselect`, `radix`); those of the RTL unless given."""

    max_tokens: Annotated[int, Field(ge=2, le=MAX_TOKENS)] = 1024
    """Longest packet of scores; a longer context is refused."""

    score_bits: Annotated[int, Field(ge=4, le=32)] = 12
    """Width of an unsigned score."""

    digit_bits: Annotated[int, Field(ge=1, le=8)] = 4
    """Bits that one radix digit decides."""

    first_digit: Literal["linear", "log"] = "log"
    """First radix digit: the top bits, or the position of the highest set bit and the next bit."""

    count_stages: Annotated[int, Field(ge=1, le=10)] = 3
    """Registers of the population count over all scores and of its comparison (engine `bitserial`)."""

    queue_lines: Annotated[int, Field(ge=1, le=1 << 16)] = 128
    """Lines of kept probabilities (of `softmax.lanes` each) that may wait for their values."""

    compactor: Literal["low_latency", "balanced", "max_frequency"] = "low_latency"
    """Registers of the zero eliminator: after prefix sum and shifter only, after every second one of their layers, or
    after each."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_powers_of_two(self, "lanes", *(("comparators",) if self.comparators is not None else ()))
        if self.record is None and self.search_lanes != self.lanes:
            raise ValueError(
                f".comparators must be lanes = {self.lanes} or null with engine = {self.engine}, whose search has no "
                f"rounds, got {self.comparators}"
            )
        if self.record is None and self.round_cycles is not None:
            raise ValueError(
                f".round_cycles must be null with engine = {self.engine}, whose search has no rounds, "
                f"got {self.round_cycles}"
            )
        return self

    def require_rtl(self) -> None:
        """Raise `ArchError` where the RTL is not what these fields say: one width, its own rounds, a longest packet."""
        self.require_rtl_length()
        if self.search_lanes != self.lanes:
            raise ArchError(
                f"topk.comparators must be topk.lanes = {self.lanes} or null for RTL, which has one width, "
                f"got {self.comparators}"
            )
        if self.round_cycles not in (None, self._rtl_round_cycles):
            raise ArchError(
                f"topk.round_cycles must be {self._rtl_round_cycles} or null for the RTL of engine = {self.engine}, "
                f"got {self.round_cycles}"
            )

    def require_rtl_length(self) -> None:
        """Raise `ArchError` where packets of scores are longer than any unit's Verilog is written for."""
        if self.max_tokens > MAX_RTL_TOKENS:
            raise ArchError(f"topk.max_tokens must be at most {MAX_RTL_TOKENS} for RTL, got {self.max_tokens}")

    @property
    def search_lanes(self) -> int:
        """Scores that a round of the search compares per cycle."""
        return self.lanes if self.comparators is None else self.comparators

    @property
    def record(self) -> str | None:
        """Kind of work record that the engine's time depends on (`tokensieve.arch.records.KINDS`); None without one."""
        return _RECORDS.get(self.engine)

    @property
    def digit_rule(self) -> str:
        """Rule by which radix digits are cut, as written in work records."""
        return f"radix digit_bits={self.digit_bits} first_digit={self.first_digit}"

    @property
    def compactor_stages(self) -> int:
        """Registers of the drain's zero eliminator."""
        return self._zero_stages(self.lanes)

    @property
    def search_compactor_stages(self) -> int:
        """Registers of the zero eliminators of the search."""
        return self._zero_stages(self.search_lanes)

    def _zero_stages(self, lanes: int) -> int:
        layers = max(1, (lanes - 1).bit_length())
        return 2 * {"low_latency": 1, "balanced": -(-layers // 2), "max_frequency": layers}[self.compactor]

    @property
    def eliminator_law(self) -> StreamLaw:
        """Cycle law of the zero eliminator, which streams a packet's lanes whether they are marked or not."""
        return StreamLaw(lanes=self.lanes, latency=self.compactor_stages + 2, interval=1)

    @property
    def beats(self) -> int:
        """Beats of `lanes` scores in the longest packet."""
        return -(-self.max_tokens // self.lanes)

    @property
    def drain_latency(self) -> int:
        """Cycles of a drain beyond reading its lines.

        The verdict's register, those before the zero eliminator, the zero eliminator, its beat buffer and the last
        beat, which leaves a cycle after the others.
        """
        return 1 + self.drain_stages + self.compactor_stages + 2

    @property
    def drain_stages(self) -> int:
        """Registers before the drain's zero eliminator.

        The side buffer and its output register, the comparison with the threshold, the count of ties, the mask.
        """
        return 5

    @property
    def turnaround(self) -> int:
        """Cycles between a threshold and the next command's first beat: verdict handed over, command taken."""
        return 2

    @property
    def law(self) -> TopkLaw:
        """Cycle law of one engine."""
        lanes, drain, turn = self.lanes, self.drain_latency, self.turnaround
        match self.engine:
            case "quickselect":
                return QuickselectLaw(
                    lanes=lanes,
                    comparators=self.search_lanes,
                    bypass_cycles=1,
                    start_cycles=1,
                    round_cycles=self._charged_round_cycles,
                    drain_latency=drain,
                    turnaround=turn,
                )
            case "radix":
                return RadixLaw(
                    lanes=lanes,
                    comparators=self.search_lanes,
                    bypass_cycles=1,
                    first_cycles=self.radix_first_cycles,
                    round_cycles=self._charged_round_cycles,
                    drain_latency=drain,
                    turnaround=turn,
                )
            case "bitserial":
                return BitserialLaw(
                    lanes=lanes,
                    bypass_cycles=1,
                    places=self.beats * min(lanes, self.max_tokens),
                    bits=self.score_bits,
                    step_cycles=self.bitserial_step_cycles,
                    verdict_cycles=1,
                    drain_latency=drain,
                    turnaround=turn,
                )
            case "bitonic":
                passes = self.bitonic_passes
                return BitonicLaw(
                    lanes=lanes,
                    bypass_cycles=1,
                    places=1 << passes,
                    sort_layers=passes**2,
                    route_layers=3 * passes,
                    verdict_cycles=1,
                    drain_latency=drain,
                    turnaround=turn,
                )

    @property
    def _charged_round_cycles(self) -> int:
        return self._rtl_round_cycles if self.round_cycles is None else self.round_cycles

    @property
    def _rtl_round_cycles(self) -> int:
        match self.engine:
            case "radix":
                return self.radix_round_cycles
            case _:
                return self.quickselect_round_cycles

    @property
    def bitserial_step_cycles(self) -> int:
        """Cycles of bit-serial selection for one bit: the registers of count and comparison, and the decision."""
        return self.count_stages + 1

    @property
    def bitonic_passes(self) -> int:
        """Passes of a bitonic sort, of as many layers each: log2 of the longest packet, padded to a power of two."""
        return (self.max_tokens - 1).bit_length()

    @property
    def quickselect_round_cycles(self) -> int:
        """Cycles of a round of quickselect beyond streaming its set.

        The FIFO's read, the comparison, the zero eliminator, which has written all survivors when the next set is
        known, and the product that numbers the next pivot. The pivot's line is read in that cycle, a cycle before
        the first line of its set. Meanwhile, both sides are counted, added up and compared: if these registers are more
        than those of the zero eliminator, they count.
        """
        return 2 + max(self.search_compactor_stages, self.quickselect_count_stages + 2) + 1

    @property
    def quickselect_count_stages(self) -> int:
        """Registers of the count of a beat's marks: as many as those of the zero eliminator's prefix sum."""
        return self.search_compactor_stages // 2

    @property
    def radix_first_cycles(self) -> int:
        """Cycles from the last score in to the first radix digit decided.

        Its registers: the beat, the bins that it reaches, the population counts, their totals, the comparison with k,
        the chosen bin, the two totals around it, what is left.
        """
        return 9

    @property
    def radix_round_cycles(self) -> int:
        """Cycles between a radix pass's last line being read and the next pass's first, beyond one for that line.

        A pass begins as soon as its first line meets what is decided, or finds what the pass before has written,
        whichever is later. The way to the decision has ten registers (the FIFO's, the line, the test, the digit, its
        bins, counts, totals, comparison, the chosen bin, what is decided), less the two that the next line also takes.
        The way to the FIFO: its own, the line, the test, the zero eliminator, and the line to write.
        """
        return max(10 - 2, 3 + self.search_compactor_stages + 2) - 1


class Importance(ArchModel):
    """Accumulators of token importance (probabilities) and head importance (|output|), paper III-A, III-B."""

    lanes: Lanes = 8
    """Probabilities added per cycle, `softmax.lanes` unless given; with fewer, the softmax waits for them."""

    token_bits: Annotated[int, Field(ge=8, le=48)] = 24
    """Width of a token's unsigned accumulator; it saturates."""

    head_bits: Annotated[int, Field(ge=8, le=62)] = 40
    """Width of a head's unsigned accumulator; it saturates."""

    stages: Annotated[int, Field(ge=1, le=64)] = 2
    """Registers from a probability to the memory of the sums."""

    max_heads: Annotated[int, Field(ge=1, le=1024)] = 64
    """Heads that there are sums for."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        require_powers_of_two(self, "lanes")
        return self

    def law(self, topk: Topk) -> SumsLaw:
        """Return the cycle law of either accumulator, read by and pruned for the engine `topk`.

        To be read, a line of sums passes the memory's output register and the one behind the ranking shift. To be kept,
        it passes the former, the compactor and the beat buffer, which holds the last beat back for 2 cycles.
        """
        keep = 1 + topk.compactor_stages + 2
        return SumsLaw(
            lanes=self.lanes, read_lanes=topk.lanes, stages=self.stages, read_stages=2, keep_stages=keep
        )  # fmt: skip


class Number(ArchModel):
    """Number formats that the rooms share (contracts, section 1)."""

    onchip_bits: Annotated[int, Field(ge=8, le=16)] = 12
    """Width of Q, K and V on chip, two's complement; the MSB plane is the top bits of these."""

    lsb_bits: Annotated[int, Field(ge=1, le=8)] = 4
    """Bits of the K LSB plane that progressive quantization fetches on demand."""

    scale_bits: Annotated[int, Field(ge=8, le=24)] = 16
    """Width of the unsigned multiplier that scales a score (1/sqrt(D) included); a shift follows."""

    output_bits: Annotated[int, Field(ge=8, le=24)] = 12
    """Width of one element of the attention output, two's complement."""


class Control(ArchModel):
    """How heads and layers follow one another."""

    barrier: Literal["output", "ranking", "none"] = "output"
    """What a layer waits for. `output`: its queries wait for the last output of the layer before, from which they are
    computed. `ranking`: only for the kept ids, where the layer before ended with a token or head top-k. `none`: for
    nothing, as in the authors' test bench."""
