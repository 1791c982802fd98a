"""A result made by hand, with figures that can be checked by eye: two layers, 1,000 cycles at 1 GHz."""

from dataclasses import MISSING, fields, replace

from tokensieve.report.schema import result_schema
from tokensieve.sim.result import LayerResult, Reference, Result, Traffic


def _cycles(compute, dram_stall, topk_stall, softmax_stall, fill_drain):
    parts = {
        "compute": compute,
        "dram_stall": dram_stall,
        "topk_stall": topk_stall,
        "softmax_stall": softmax_stall,
        "fill_drain": fill_drain,
    }
    return parts | {"total": sum(parts.values())}


def _traffic(query, key_msb, key_lsb, value, output):
    parts = {"query": query, "key_msb": key_msb, "key_lsb": key_lsb, "value": value, "output": output}
    return parts | {"total": sum(parts.values())}


def least(schema):
    """Return the smallest value that a schema allows."""
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    if isinstance(schema["type"], list):
        return None
    if schema["type"] == "object":
        return {name: least(schema["properties"][name]) for name in schema.get("required", ()) if name != "total"}
    return {"array": [], "integer": 0, "number": 0.0, "string": ""}[schema["type"]]


def result(**given):
    """Return a result of these fields; each other one that has no default has the least value that its schema allows.

    So a field that is added to the result needs none here.
    """
    schemas = result_schema()["properties"]
    lacking = [f.name for f in fields(Result) if f.name not in given and f.default is f.default_factory is MISSING]
    return Result(**given, **{name: least(schemas[name]) for name in lacking})


RESULT = result(
    level="cycle",
    seconds=1e-6,
    cycles=_cycles(200, 600, 100, 60, 40),
    busy_cycles={"dram": 930, "qk": 150, "topk": 250},
    layers=(
        LayerResult(
            layer=0,
            cycles=_cycles(150, 400, 100, 30, 20),
            tokens=512,
            heads=12,
            dram_bytes=_traffic(0, 2_000_000, 125_000, 1_000_000, 0),
        ),
        LayerResult(
            layer=1,
            cycles=_cycles(50, 200, 0, 30, 20),
            tokens=256.5,
            heads=9.25,
            dram_bytes=_traffic(0, 500_000, 0, 375_000, 0),
        ),
    ),
    traffic=Traffic(
        vectors={"key": 1_283_172, "value": 255_180},
        lsb_rows=323,
        dram_bytes=_traffic(0, 2_500_000, 125_000, 1_375_000, 0),
    ),
    actions={"qk": {"multiply": 640_000}, "dram": {"activate": 4_000}},
    energy_j={"dram": 3e-6, "qk": 1e-6, "total": 4e-6},
    energy_j_interval=(2e-6, 7e-6),
    area_mm2={"qk": 1.5, "key_sram": 0.5, "total": 2.0},
    area_mm2_interval=(1.0, 3.0),
    operations={"effective": 1_000_000, "dense_equivalent": 12_000_000},
    utilization={"dram": 0.93, "qk": 0.15},
    bottleneck="dram",
    reference=Reference(
        kind="dense",
        cycles=4_500,
        dram_bytes=16_000_000,
        energy_j=14e-6,
        layer_cycles=(2_500, 2_000),
        layer_dram_bytes=(9_000_000, 7_000_000),
    ),
    labels={
        "cycles": "modelled",
        "seconds": "modelled",
        "busy_cycles": "modelled",
        "busy_cycles.topk": "verified",
        "traffic": "modelled",
        "energy_j": "assumed",
        "energy_j_interval": "assumed",
        "power_w": "assumed",
        "area_mm2": "assumed",
        "area_mm2_interval": "assumed",
        "throughput_gops": "modelled",
    },
    provenance={"assumed": ["one thing", "another thing"], "seed": 0},
)

ALONE = replace(RESULT, reference=None)

COUNTS = {
    "phase": "decode",
    "steps": 32,
    "layers": 2,
    "heads": 12,
    "D": 64,
    "model": "gpt2-small",
    "source": "counts",
    "scores": "minilm-resampled",
}
CAPTURED = COUNTS | {"phase": "prefill", "steps": 1, "model": "minilm", "source": "captured"}
