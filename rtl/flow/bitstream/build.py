"""The whole way from a unit to a bitstream, with a clock that place and route has met.

First all seeds are placed for the family's usual clock. The PLL is then set to its largest step that is at most 0.95 x
the clock of the worst seed, and no faster than the usual clock where Fmax is not to be trusted. The design is
synthesised for the PLL's clock (the link counts bits with it), and placed with it as the constraint, best seed first,
until one meets it. Every placement is of the whole design on the board's pins, and is packed: no figure is from a run
without a bitstream.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from amaranth.lib import wiring

from tokensieve.arch.errors import TokensieveError, ToolError
from tokensieve.arch.primitives import Primitives
from tokensieve.rtl.flow.bitstream.boards import Board
from tokensieve.rtl.flow.bitstream.constraints import Wire, constraints, wiring_of
from tokensieve.rtl.flow.bitstream.devices import Device
from tokensieve.rtl.flow.bitstream.place import Placed, place
from tokensieve.rtl.flow.bitstream.pll import Setting, fastest
from tokensieve.rtl.flow.bitstream.synthesis import Netlist, synthesise
from tokensieve.rtl.flow.bitstream.toolchain import Toolchain
from tokensieve.rtl.flow.bitstream.top import BoardTop

MARGIN = 0.95
"""Share of the worst seed's clock that the PLL may have."""

_NO_ROOM = ("no BELs remaining", "Unable to place cell", "Failed to expand region", "Unable to find a placement")
"""What nextpnr says of a design with more cells than there are places."""

_SECONDS_PER_CELL = {"synthesis": 6e-3, "place": 15e-3}
"""Seconds of each stage for a cell, on the machine where the flow was written: for the time left, no more."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be built."""

    make: Callable[[float], wiring.Component]
    """Returns the design for a clock in MHz."""

    pins: wiring.Signature
    """Its members, all of which are pins."""

    device: Device
    board: Board
    chain: Toolchain
    seeds: int
    """Placements to choose from: seeds 1, 2, ..."""

    clock_mhz: float | None
    """Clock that is asked for; None: the fastest one that is met."""

    cells: int
    """About how many cells it takes: for the time left."""

    suits: Callable[[float], bool]
    """Whether the design can be made for a clock in MHz."""

    instead: str
    """What would fit where this does not, as the end of a sentence."""

    primitives: Primitives = "generic"
    engine: str = ""
    """Its search engine, which synthesis has options for."""


@dataclass(frozen=True, kw_only=True)
class Built:
    """What came out: all figures are of `placed`, whose bitstream is the one that is handed out."""

    netlist: Netlist
    placed: Placed
    setting: Setting
    wires: Sequence[Wire]
    pins: str
    """File of constraints."""

    per_seed: dict[int, float]
    """Clock of each seed in MHz, all asked for `trial_mhz`."""

    trial_mhz: float
    seconds: dict[str, float]
    """Time of each stage."""

    @property
    def met(self) -> bool:
        """Whether the PLL's clock is met."""
        return self.placed.fmax_mhz >= float(self.setting.mhz)


@dataclass
class _Run:
    plan: Plan
    tell: Callable[[str], None]
    seconds: dict[str, float] = field(default_factory=dict)
    """Time that the last stage of each kind took."""

    ahead: list[str] = field(default_factory=list)
    """Stages that are expected, by kind."""

    def left(self) -> float:
        """Return the seconds that all stages ahead may take: as before, or as the size says on a host so fast."""
        first = {kind: each * self.plan.cells for kind, each in _SECONDS_PER_CELL.items()}
        pace = self.seconds["synthesis"] / first["synthesis"] if "synthesis" in self.seconds else 1.0
        return sum(self.seconds.get(kind, first[kind] * pace) for kind in self.ahead)

    @contextmanager
    def stage(self, kind: str, text: str) -> Iterator[None]:
        """Say that a stage begins and how long all may still take, and keep its time."""
        self.tell(f"{text} (about {self.left():.0f} s left)")
        begun = time.monotonic()
        yield
        self.seconds[kind] = time.monotonic() - begun
        self.ahead = self.ahead[1:]


def netlist_alone(plan: Plan, tell: Callable[[str], None]) -> tuple[Netlist, float]:
    """Return the netlist, and the PLL's clock in MHz that it is for: the one that is asked for, or the usual one."""
    run = _Run(plan, tell, ahead=["synthesis"])
    asked = plan.clock_mhz or plan.device.goal_mhz
    setting = fastest(plan.device.family, plan.board.clock_mhz, asked, plan.suits)
    return _synthesised(run, setting)[0], float(setting.mhz)


def build(plan: Plan, tell: Callable[[str], None]) -> Built:
    """Build a bitstream, and `tell` what is being done."""
    run, begun = _Run(plan, tell), time.monotonic()
    clock, family = plan.board.clock_mhz, plan.device.family
    run.ahead = ["synthesis", *["place"] * plan.seeds, *([] if plan.clock_mhz else ["synthesis", "place"])]
    setting = fastest(family, clock, plan.clock_mhz or plan.device.goal_mhz, plan.suits)
    netlist, wires, pins = _synthesised(run, setting)
    trials = []
    for seed in range(1, plan.seeds + 1):
        trials.append(_placed(run, netlist, pins, setting, seed, f"seed {seed} of {plan.seeds}"))
    trials.sort(key=lambda one: -one.fmax_mhz)
    per_seed, trial_mhz, placed = {one.seed: one.fmax_mhz for one in trials}, float(setting.mhz), trials[0]
    limit = MARGIN * trials[-1].fmax_mhz if plan.device.trusted else min(MARGIN * trials[-1].fmax_mhz, trial_mhz)
    step = fastest(family, clock, limit, plan.suits) if plan.clock_mhz is None else setting
    if step.mhz != setting.mhz:
        setting = step
        netlist, wires, pins = _synthesised(run, setting)
        for trial in trials:
            placed = _placed(
                run, netlist, pins, setting, trial.seed, f"seed {trial.seed}, {float(setting.mhz):.2f} MHz"
            )
            if placed.fmax_mhz >= setting.mhz:
                break
    return Built(
        netlist=netlist, placed=placed, setting=setting, wires=wires, pins=pins, trial_mhz=trial_mhz,
        per_seed=dict(sorted(per_seed.items())), seconds={**run.seconds, "all": time.monotonic() - begun},
    )  # fmt: skip


def _synthesised(run: _Run, setting: Setting) -> tuple[Netlist, list[Wire], str]:
    plan = run.plan
    with run.stage("synthesis", f"synthesis for {float(setting.mhz):.2f} MHz, Yosys {plan.chain.yosys.version}"):
        wires = wiring_of(plan.pins, plan.board)
        top = BoardTop(
            lambda: plan.make(float(setting.mhz)), plan.pins, plan.device.family, setting, plan.board.pll_pad
        )
        netlist = synthesise(top, plan.device.family, plan.chain, plan.primitives, plan.engine)
    device = plan.device
    for used, have, what in (
        (netlist.lut, device.lut, "LUTs"), (netlist.ff, device.ff, "flip-flops"),
        (netlist.bram, device.bram, "block memories"), (netlist.dsp, device.dsp, "multipliers"),
    ):  # fmt: skip
        if used > have:
            raise TokensieveError(f"{_small(plan)}: synthesis takes {used:,} {what}, and it has {have:,}{plan.instead}")
    return netlist, wires, constraints(plan.device.family, wires, plan.board.clock_mhz)


def _placed(run: _Run, netlist: Netlist, pins: str, setting: Setting, seed: int, text: str) -> Placed:
    plan = run.plan
    with run.stage("place", f"place, route and pack, {text}"):
        try:
            return place(netlist, plan.board, plan.device.family, pins, float(setting.mhz), seed, plan.chain)
        except ToolError as problem:
            if any(words in str(problem) for words in _NO_ROOM):
                raise TokensieveError(f"{_small(plan)}: nextpnr finds no room for all cells{plan.instead}") from None
            raise


def _small(plan: Plan) -> str:
    return f"--device {plan.device.name} is too small"
