"""Columns of the authors' CSV traces: their names, and what each may hold."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches

from tokensieve.arch.limits import MAX_TOKENS
from tokensieve.arch.wholes import whole_number

Value = int | float | bool


@dataclass(frozen=True)
class Column:
    """One column: how a field is read, and in words what it may hold."""

    rule: str
    """What the field must be."""

    parse: Callable[[str], Value | None]
    """Returns the field's value, or None where it breaks the rule."""


_DECIMAL = re.compile(r"-?\d{1,9}(\.\d{1,18})?([eE]-?\d{1,2})?")


def _integer(low: int, high: int, but: int | None = None) -> Callable[[str], int | None]:
    def parse(text: str) -> int | None:
        value = whole_number(text)
        return value if value is not None and (low <= value <= high or value == but) else None

    return parse


def _choice(*choices: int) -> Callable[[str], int | None]:
    def parse(text: str) -> int | None:
        value = whole_number(text)
        return value if value in choices else None

    return parse


def _width(text: str) -> int | None:
    value = whole_number(text)
    return value if value is not None and 1 <= value <= 4096 else None


def _threshold(text: str) -> float | None:
    value = float(text) if _DECIMAL.fullmatch(text) else -2.0
    return value if value == -1 or 0 <= value <= 1 else None


def _flag(text: str) -> bool | None:
    number = whole_number(text)
    known: dict[str | int, bool] = {"true": True, "false": False, 1: True, 0: False}
    return known.get(text.lower() if number is None else number)


_ID = Column("a whole number from 0", _integer(0, (1 << 20) - 1))
_COUNT = Column(f"a whole number in 1..{MAX_TOKENS}", _integer(1, MAX_TOKENS))
_BITS = Column("one of -1, 4, 6, 8, 10, 12", _choice(-1, 4, 6, 8, 10, 12))
_QUERY_BITS = Column("one of -1, 4, 6, 8, 10, 12, 16", _choice(-1, 4, 6, 8, 10, 12, 16))
_INCREMENT = Column("-1 or a whole number in 1..8", _integer(1, 8, but=-1))
_FLAG = Column("True or False", _flag)
_WIDTH = Column("a whole number in 1..4096, such as 64.0", _width)
_THRESHOLD = Column("-1 or a number in 0..1", _threshold)
_TOPK = Column(f"-1 or a whole number in 1..{MAX_TOKENS}", _integer(1, MAX_TOKENS, but=-1))

GPT2 = {
    "iteration_id": _ID,
    "layer_id": _ID,
    "head_id": _ID,
    "embedding_length_D": _WIDTH,
    "sentence_length_L": _COUNT,
    "key_fetch_num": _COUNT,
    "quant_key_bit": _BITS,
    "quant_query_bit": _QUERY_BITS,
    "auto_requant_thres": _THRESHOLD,
    "if_requant": _FLAG,
    "auto_requant_incre": _INCREMENT,
    "value_fetch_num": _COUNT,
    "quant_value_bit": _BITS,
    "if_accumulate_importance": _FLAG,
    "if_rescale_previous_importance": _FLAG,
    "if_topk": _FLAG,
    "topk": _TOPK,
}
"""The 17 columns of the decode traces that the authors' hardware is run on."""

BERT = {
    "layer_id": _ID,
    "head_id": _ID,
    "embedding_length_D": _WIDTH,
    "sentence_length_L": _COUNT,
    "key_value_query_fetch_num": _COUNT,
    "quant_key_bit": _BITS,
    "quant_value_bit": _BITS,
    "quant_query_bit": _QUERY_BITS,
    "auto_requant_thres": _THRESHOLD,
    "if_requant": _FLAG,
    "auto_requant_incre": _INCREMENT,
    "auto_requant_num": Column(f"-1 or a whole number in 0..{MAX_TOKENS}", _integer(0, MAX_TOKENS, but=-1)),
    "if_accumulate_importance": _FLAG,
    "if_topk": _FLAG,
    "topk": _TOPK,
}
"""The 15 columns of the prefill traces that the authors' behavioural model reads. No sample is published."""


def kind_of_header(names: list[str]) -> dict[str, Column] | None:
    """Return the columns that a header names, `GPT2` or `BERT`, each once and in any order; None for another header."""
    return next((kind for kind in (GPT2, BERT) if sorted(names) == sorted(kind)), None)


def header_problem(names: list[str]) -> str:
    """Return what is wrong with a header that is none of the two known ones."""
    known = list(GPT2) if len(names) >= len(GPT2) or "iteration_id" in names else list(BERT)
    missing = [name for name in known if name not in names]
    for place, name in enumerate(names):
        if name in names[:place]:
            return f"column {place + 1}, {name!r}, is there twice"
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            if not missing:
                return f"{len(known)} columns are expected, got {len(names)}: {name!r} is none of them"
            wanted = known[place] if place < len(known) and known[place] in missing else missing[0]
            return f"column {place + 1} must be {wanted!r}, got {name!r}{hint}"
    return f"column {missing[0]!r} is missing ({len(known)} columns are expected)"
