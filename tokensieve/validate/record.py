"""Outcomes as programs read them: one JSON object."""

import json
import math
from collections.abc import Sequence
from typing import Any

from tokensieve.validate.row import Row
from tokensieve.validate.section import Outcome, passed


def to_json(outcomes: Sequence[Outcome]) -> str:
    """Return the text of `accuracy.json`."""
    return json.dumps(document(outcomes), indent=2, allow_nan=False) + "\n"


def document(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return all outcomes as one JSON object."""
    return {
        "passed": passed(outcomes),
        "sections": [
            {
                "name": outcome.name,
                "title": outcome.title,
                "left_out": outcome.left_out,
                "notes": list(outcome.section.notes) if outcome.section else [],
                "agreement": _agreements(outcome),
                "rows": [_row(row) for row in outcome.rows],
            }
            for outcome in outcomes
        ],
    }


def _agreements(outcome: Outcome) -> dict[str, dict[str, float | None]]:
    found = outcome.section.agreements if outcome.section else {}
    return {
        name: {"rows": one.rows, "mean": one.mean, "largest": one.largest, "correlation": one.correlation}
        for name, one in found.items()
    }


def _row(row: Row) -> dict[str, Any]:
    band = row.band
    return {
        "name": row.name,
        "expected": row.expected,
        "modelled": row.modelled,
        "unit": row.unit,
        "deviation": row.deviation,
        "band": None if band is None else {"low": _finite(band.low), "high": _finite(band.high), "text": band.text},
        "verdict": row.verdict,
        "assumption": row.assumption,
        "cause": row.cause,
        "source": row.source,
    }


def table3_object(row: Row) -> dict[str, Any]:
    """Return a row of Table III as ``tokensieve compare --table3 --json`` has it; its band is a share."""
    return {
        "name": row.name,
        "expected": row.expected,
        "modelled": row.modelled,
        "unit": row.unit,
        "band": row.band.share if row.band else None,
        "source": row.source,
        "causes": row.causes,
        "assumptions": row.assumptions,
        "deviation": row.deviation,
        "in_band": None if row.band is None else row.verdict == "in",
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
