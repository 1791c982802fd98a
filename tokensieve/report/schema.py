"""JSON Schema of `result.json`, from whose descriptions the reference page is made."""

from collections.abc import Mapping
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
        "energy_j_interval": _interval(
            "Lowest and highest total energy within the uncertainties of the constants, in J."
        ),
        "power_w": _group(
            "Mean power, energy over time, split as the paper does, in W.",
            {
                "compute": _number("Everything on chip but K and V SRAM; queues and leakage are here."),
                "sram": _number("K and V SRAM."),
                "dram": _number("DRAM: commands, data and background."),
                "total": _number("Sum of the three."),
            },
        ),
        "area_mm2": _by_unit(_number("Area, in mm2."), "Area of each unit and its sum, `total`, in mm2.", "total"),
        "area_mm2_interval": _interval(
            "Lowest and highest total area within the uncertainties of the constants, in mm2."
        ),
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
        "end_to_end": _group("The whole model, with --end-to-end; else null.", _whole_model_fields())
        | {"type": ["object", "null"]},
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
            "enum": ["dense", "dense-int8", "fp32"],
            "description": "`dense`: K and V at the on-chip width in one pass. `dense-int8`: 8 bits. `fp32`: 32 bits.",
        },
        "cycles": _whole("Its cycles."),
        "dram_bytes": _whole("Its DRAM traffic, in bytes."),
        "energy_j": _number("Its energy, in J."),
    }


def _whole_model_fields() -> dict[str, Schema]:
    parts = {"attention": "Attention", "fc": "Fully connected layers", "total": "Both"}
    return {
        "model": {"type": "string", "description": "Shape of the model."},
        "weight_bits": {"enum": [8, 12], "description": "Width of a weight in DRAM."},
        **{f"{part}_cycles": _whole(f"{words}, in cycles.") for part, words in parts.items()},
        **{f"{part}_seconds": _number(f"{words}, in s.") for part, words in parts.items()},
        "operations": _group(
            "Arithmetic operations, two per multiply-accumulate.",
            {part: _whole(f"{words}.") for part, words in parts.items()},
        ),
        "energy_j": _group("Energy, in J.", {part: _number(f"{words}.") for part, words in parts.items()}),
        "reference": _or_null(
            _group("The un-pruned model, in cycles.", {part: _whole(f"{words}.") for part, words in parts.items()})
        ),
        "speedup": _or_null(_number("total_cycles of the reference over those of this run.")),
        "fc": _group("The fully connected layers.", _fc_fields()),
    }


def _fc_fields() -> dict[str, Schema]:
    matrices = {
        "qkv": "Q, K and V projections.",
        "output": "Output projection.",
        "ffn_in": "First matrix of the feed-forward network.",
        "ffn_out": "Its second matrix.",
    }
    tensors = {
        "weights": "Weights; again for each block of tokens where the inputs do not fit on chip.",
        "activations_read": "Activations read: the attention output, and what found no room on chip.",
        "activations_written": "Activations written: Q, K and V, and what found no room on chip.",
    }
    return {
        "macs": _whole("Multiply-accumulates."),
        "weight_bytes": _whole("Bytes of the weights, once for each layer and step that uses them."),
        "dram_bytes": _summed("Bytes that cross the DRAM interface.", tensors),
        "cycles": _summed("Cycles, by kind of matrix.", matrices),
        "busy_cycles": _group(
            "Cycles that each would take if it never waited.",
            {"dram": _whole("The data bus of DRAM."), "arrays": _whole("The two arrays.")},
        ),
        "bound": {
            "enum": ["dram", "compute", "latency"],
            "description": "Which of the two is busier; `latency` where neither is busy for half of the cycles.",
        },
        "stream": _group(
            "Steady state of a sequential read stream, measured on the DRAM model.",
            {
                "bytes_per_cycle": _number("Bytes per accelerator cycle."),
                "efficiency": _number("Share of the peak bandwidth."),
                "spread": _number("Largest distance of a refresh interval from the mean, as a share of the mean."),
            },
        ),
        "actions": _by_unit(
            _map(_whole("Times that the action happened."), "Actions of one unit."), "Actions of each unit, by name."
        ),
        "energy_j": _by_unit(_number("Energy, in J."), "Energy of each unit and its sum, `total`, in J.", "total"),
        "energy_j_interval": _interval("Lowest and highest energy within the uncertainties of the constants, in J."),
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


def _summed(description: str, meaning: Mapping[str, str]) -> Schema:
    return _group(description, {name: _whole(text) for name, text in meaning.items()} | {"total": _whole("Their sum.")})


def _interval(description: str) -> Schema:
    return {
        "type": "array",
        "description": description,
        "prefixItems": [_number("Lowest."), _number("Highest.")],
        "minItems": 2,
        "items": False,
    }


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
