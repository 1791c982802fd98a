"""JSON Schema of `result.json`, from whose descriptions the reference page is made."""

from typing import Any

from tokensieve.sim.result import CAUSES, SCHEMA_VERSION, TENSORS

Schema = dict[str, Any]

LABELS = ("modelled", "verified", "measured", "assumed")
_NAME = {"pattern": r"^[A-Za-z0-9_]+$"}


def result_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) that every result of version 1 meets."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tokensieve result, version 1",
        **_group("What one run leaves behind.", _fields()),
    }


def _fields() -> dict[str, Schema]:
    return {
        "schema_version": {"const": SCHEMA_VERSION, "description": "Version of this format."},
        "level": {"enum": ["analytic", "cycle", "rtl"], "description": "Level of fidelity that made the figures."},
        "seconds": _number("Time that the accelerator takes, cycles.total at its clock, in s."),
        "cycles": _cycles("Accelerator cycles on the critical path, by cause. The causes exclude one another."),
        "busy_cycles": _by_unit(_whole("Cycles in which the unit works."), "Cycles in which each unit works."),
        "layers": {
            "type": "array",
            "description": "Share of each layer, over all steps, in order.",
            "items": _group("One layer.", _layer_fields()),
        },
        "traffic": _group("What was moved.", _traffic_fields()),
        "actions": _by_unit(
            _map(_whole("Times that the action happened."), "Actions of one unit."), "Actions of each unit, by name."
        ),
        "energy_j": _by_unit(_number("Energy, in J."), "Energy of each unit and its sum, `total`, in J.", "total"),
        "energy_j_interval": {
            "type": "array",
            "description": "Lowest and highest total energy within the uncertainties of the constants, in J.",
            "prefixItems": [_number("Lowest."), _number("Highest.")],
            "minItems": 2,
            "items": False,
        },
        "area_mm2": _by_unit(_number("Area, in mm2."), "Area of each unit and its sum, `total`, in mm2.", "total"),
        "throughput_gops": _group(
            "Arithmetic rate, two operations per multiply-accumulate, in 10^9 operations per s.",
            {
                "effective": _number("Of the operations that were done."),
                "dense_equivalent": _number("Of the operations that the un-pruned work would have taken."),
            },
        ),
        "utilization": _by_unit(_number("Share of its peak, 0 to 1."), "Share of its peak at which each unit works."),
        "bottleneck": {"type": "string", "description": "What holds the run up."},
        "reference": _or_null(_group("The un-pruned run on the same machine.", _reference_fields())),
        "speedup": _or_null(_number("reference.cycles / cycles.total.")),
        "dram_reduction": _or_null(_number("reference.dram_bytes / traffic.dram_bytes.total.")),
        "energy_saving": _or_null(_number("reference.energy_j / energy_j.total.")),
        "levels": {
            "type": ["object", "null"],
            "description": "Cycles of the run at two levels of fidelity (`--confirm`). Null where not asked for.",
            "properties": {
                "analytic": _whole("Cycles at level `analytic`."),
                "cycle": _whole("Cycles at level `cycle`."),
                "rtl": _whole("Cycles at level `rtl`."),
                "deviation": {"type": "number", "description": "`analytic` over the other one, less 1."},
            },
            "required": ["analytic", "deviation"],
            "additionalProperties": False,
        },
        "labels": {
            "type": "object",
            "description": (
                "How each number was come by, under its dotted name; the name of a group labels all below it. "
                "`modelled`: by the simulator. `verified`: by a law that a test compares with the RTL. `measured`: on "
                "a tool or a board. `assumed`: a constant or a rule that nobody checked."
            ),
            "additionalProperties": {"enum": list(LABELS)},
        },
        "provenance": {
            "type": "object",
            "description": "Where the figures came from: versions, digests, seed and times.",
            "properties": {
                "assumed": {
                    "type": "array",
                    "description": "What was filled in by rule or taken without proof, one sentence each.",
                    "items": {"type": "string"},
                }
            },
        },
    }


def _layer_fields() -> dict[str, Schema]:
    return {
        "layer": _whole("Number of the layer, from 0."),
        "cycles": _cycles("Cycles of the layer on the critical path, by cause."),
        "tokens": _number("Keys alive, mean over the steps."),
        "heads": _number("Heads alive, mean over the steps."),
        "dram_bytes": _traffic("Bytes that cross the DRAM interface for the layer, by tensor."),
    }


def _traffic_fields() -> dict[str, Schema]:
    return {
        "vectors": _group(
            "Rows of K and V that were fetched, without the rounding to whole lines.",
            {"key": _whole("Rows of K."), "value": _whole("Rows of V.")},
        ),
        "lsb_rows": _whole("Times that low bits were fetched: head rows in decode, heads in prefill."),
        "dram_bytes": _traffic("Bytes that cross the DRAM interface, by tensor."),
    }


def _reference_fields() -> dict[str, Schema]:
    return {
        "kind": {
            "enum": ["dense", "fp32"],
            "description": "`dense`: K and V at the on-chip width in one pass. `fp32`: 32 bits.",
        },
        "cycles": _whole("Its cycles."),
        "dram_bytes": _whole("Its DRAM traffic, in bytes."),
        "energy_j": _number("Its energy, in J."),
    }


_CAUSE_MEANING = {
    "compute": "The datapath works.",
    "dram_stall": "It waits for DRAM.",
    "topk_stall": "It waits for a top-k.",
    "softmax_stall": "It waits for the softmax.",
    "fill_drain": "The pipeline fills or drains.",
}
_TENSOR_MEANING = {
    "query": "Queries.",
    "key_msb": "MSB plane of K.",
    "key_lsb": "LSB plane of K, and second passes over it.",
    "value": "V.",
    "output": "Attention output.",
}


def _cycles(description: str) -> Schema:
    return _group(description, {c: _whole(_CAUSE_MEANING[c]) for c in CAUSES} | {"total": _whole("Sum of the causes.")})


def _traffic(description: str) -> Schema:
    parts = {t: _whole(_TENSOR_MEANING[t]) for t in TENSORS}
    return _group(description, parts | {"total": _whole("Sum of the tensors.")})


def _group(description: str, fields: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "description": description,
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _map(item: Schema, description: str) -> Schema:
    return {"type": "object", "description": description, "propertyNames": _NAME, "additionalProperties": item}


def _by_unit(item: Schema, description: str, *required: str) -> Schema:
    return _map(item, description) | {"required": list(required)}


def _whole(description: str) -> Schema:
    return {"type": "integer", "minimum": 0, "description": description}


def _number(description: str) -> Schema:
    return {"type": "number", "minimum": 0, "description": description}


def _or_null(schema: Schema) -> Schema:
    return schema | {
        "type": [schema["type"], "null"],
        "description": f"{schema['description']} Null without reference.",
    }
