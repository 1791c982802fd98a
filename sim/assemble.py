"""From what a level of fidelity counts to a `Result`: time, energy, area, shares and bottleneck follow from it."""

from collections.abc import Mapping
from typing import Unpack

import numpy as np
import numpy.typing as npt

from tokensieve.arch.machine import Arch
from tokensieve.arch.technology import load_technology
from tokensieve.sim.cost.area import area
from tokensieve.sim.cost.energy import energy
from tokensieve.sim.result import CAUSES, TENSORS, Counted, LayerResult, Level, Result
from tokensieve.sim.work import RowWork

I64 = npt.NDArray[np.int64]

_PACED = ("qk", "pv", "softmax", "topk", "ranking", "dram")
"""Units that can set the pace; what else is busy goes along with one of them."""


def assemble(level: Level, arch: Arch, work: RowWork, causes: I64, granules: I64, **counted: Unpack[Counted]) -> Result:
    """Return what `work` cost on `arch`, without reference and provenance.

    `causes` holds cycles by layer and cause, `granules` those of DRAM by layer and tensor.
    """
    cycles, busy = cycles_by_cause(causes.sum(axis=0)), counted["busy_cycles"]
    seconds = cycles["total"] / (arch.clock.mhz * 1e6)
    technology = load_technology(arch.technology)
    spent, silicon = energy(arch, technology, counted["actions"], seconds), area(arch, technology)
    performed = operations(work)
    return Result(
        level=level,
        seconds=seconds,
        cycles=cycles,
        layers=_layers(arch, work, causes, granules),
        energy_j={**spent.joules, "total": spent.total},
        energy_j_interval=spent.interval,
        area_mm2={**silicon.mm2, "total": silicon.total},
        area_mm2_interval=silicon.interval,
        operations={"effective": performed, "dense_equivalent": performed},
        utilization={unit: one / cycles["total"] for unit, one in busy.items()},
        bottleneck=str(bottleneck(cycles, busy, counted["actions"]["fetcher"]["request"] / arch.fetcher.ports)),
        **counted,
    )


def cycles_by_cause(cycles: I64) -> dict[str, int]:
    """Return cycles by cause, and their total."""
    return _with_total(dict(zip(CAUSES, cycles.tolist(), strict=True)))


def bytes_by_tensor(arch: Arch, granules: I64) -> dict[str, int]:
    """Return the bytes of granules by tensor, and their total."""
    return _with_total(dict(zip(TENSORS, (granules * arch.dram.granule_bytes).tolist(), strict=True)))


def _with_total(parts: Mapping[str, int]) -> dict[str, int]:
    return {**parts, "total": sum(parts.values())}


def _layers(arch: Arch, work: RowWork, causes: I64, granules: I64) -> tuple[LayerResult, ...]:
    """Return the share of each layer; tokens and heads are means over the steps that reach it."""
    steps = np.bincount(np.unique(work.group) % work.layers, minlength=work.layers)
    heads = np.bincount(work.layer, minlength=work.layers)
    tokens = np.bincount(work.layer, work.keys, work.layers)
    return tuple(
        LayerResult(
            layer=layer,
            cycles=cycles_by_cause(causes[layer]),
            tokens=float(tokens[layer] / max(heads[layer], 1)),
            heads=float(heads[layer] / max(steps[layer], 1)),
            dram_bytes=bytes_by_tensor(arch, granules[layer]),
        )
        for layer in range(work.layers)
    )


def operations(work: RowWork) -> int:
    """Return the arithmetic operations of Q x K and Prob x V, two per multiply-accumulate, each score counted once."""
    return 2 * work.head_dim * int(work.keys[work.query_row].sum() + work.values.sum())


def bottleneck(
    cycles: Mapping[str, npt.ArrayLike], busy: Mapping[str, npt.ArrayLike], addressed: npt.ArrayLike
) -> npt.NDArray[np.str_]:
    """Return the unit behind the largest cause of critical-path cycles; of one run, or of many, figures then arrays.

    Of two behind one cause the busier one counts: DRAM may be kept waiting by the fetcher, which takes `addressed`
    cycles for its addresses, and the softmax by the accumulators of importance. Where registers are the largest cause,
    but some unit works longer than that, it is that unit.
    """
    every = np.stack([cycles[cause] for cause in CAUSES])
    largest = every.argmax(axis=0)
    paced = np.stack([busy[unit] for unit in _PACED])
    busiest = np.array(_PACED)[paced.argmax(axis=0)]
    units = {
        "compute": _busier(("qk", busy["qk"]), ("pv", busy["pv"])),
        "dram_stall": _busier(("dram", busy["dram"]), ("fetcher", addressed)),
        "topk_stall": _busier(("topk", busy["topk"]), ("ranking", busy["ranking"])),
        "softmax_stall": _busier(("softmax", busy["softmax"]), ("importance", busy["importance"])),
        "fill_drain": np.where(paced.max(axis=0) >= every.max(axis=0), busiest, "pipeline"),
    }
    found: npt.NDArray[np.str_] = np.choose(largest, [units[cause] for cause in CAUSES])
    return found


def _busier(first: tuple[str, npt.ArrayLike], second: tuple[str, npt.ArrayLike]) -> npt.NDArray[np.str_]:
    return np.where(np.asarray(first[1]) >= second[1], first[0], second[0])
