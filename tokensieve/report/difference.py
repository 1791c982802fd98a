"""What makes two results differ, as tables and in one sentence."""

from collections.abc import Mapping
from textwrap import wrap
from typing import Any

from tokensieve.explore.diff import GROUPS, Change, Difference
from tokensieve.report.designs import scale, shown, told, word_of
from tokensieve.report.quantity import count, percent
from tokensieve.report.table import Column, Table
from tokensieve.report.words import CAUSE_WORDS, TENSOR_WORDS, UNIT_WORDS

_HEADLINE = (
    "seconds", "energy_j.total", "area_mm2.total", "traffic.dram_bytes.total", "power_w.total", "edp_js",
    "tokens_per_second", "gops_per_watt", "gops_per_mm2",
)  # fmt: skip
_TITLES = {
    "cycles": "Cycles by cause",
    "energy_j": "Energy by unit",
    "traffic.dram_bytes": "DRAM traffic by tensor",
    "area_mm2": "Area by unit",
}
_SAID = {"seconds": "cycles", "energy_j.total": "energy_j", "area_mm2.total": "area_mm2"}
"""Figures of the sentence, and the group that explains each."""

_NOUNS = {"seconds": "time", "energy_j.total": "energy", "area_mm2.total": "area"}
_LEAST = 5e-4
"""Share below which a figure is called the same."""

_MOST_FIELDS = 3
"""Fields that the sentence names."""

_WORK = "the work"


def difference_page(found: Difference, width: int) -> str:
    """Return all that `tokensieve diff` prints."""
    tables = [_headline(found), _fields(found), *(_parts(found, group) for group in GROUPS)]
    parts = [table.text(width) for table in tables if table is not None and table.rows]
    return "\n\n".join([*parts, "\n".join(wrap(sentence(found), width))])


def difference_object(found: Difference) -> dict[str, Any]:
    """Return a difference as JSON has it."""
    pairs = {name: {"a": a, "b": b} for name, (a, b) in found.fields.items()}
    return {
        "a": found.a.name,
        "b": found.b.name,
        "fields": pairs,
        "about": {name: {"a": a, "b": b} for name, (a, b) in found.about.items()},
        "figures": {name: {"a": one.a, "b": one.b, "delta": one.delta} for name, one in found.figures.items()},
        "answer": sentence(found),
    }


def sentence(found: Difference) -> str:
    """Return in a sentence how b differs from a, and what made the difference."""
    changed = [_said(found, name) for name in _SAID if _is_apart(found.figures.get(name))]
    if not changed:
        what = "B costs what A costs" if found.figures else "Nothing of A and B can be compared"
    else:
        what = f"B takes {_listed(changed)}"
    unknown = "" if found.work_known else "; whether the work is the same cannot be told of a point and a result"
    return f"{what}; {_why(found)}{unknown}."


def _said(found: Difference, name: str) -> str:
    one = found.figures[name]
    parts = found.parts(_SAID[name])
    more = "more" if one.delta > 0 else "less"
    share = f"{100 * abs(one.delta / one.a):.1f} %" if one.a else told(name, abs(one.delta))
    led = next((part for part in parts if part.delta * one.delta > 0), None)
    mostly = f" ({_part(led.name)} {_signed(led)})" if led else ""
    return f"{share} {more} {_NOUNS[name]}{mostly}"


def _signed(part: Change) -> str:
    sign, size = ("+" if part.delta > 0 else "-"), abs(part.delta)
    return f"{sign}{count(size)} cycles" if part.name.startswith("cycles.") else f"{sign}{told(part.name, size)}"


def _why(found: Difference) -> str:
    reasons = [f"{name} {shown(a)} -> {shown(b)}" for name, (a, b) in list(found.fields.items())[:_MOST_FIELDS]]
    left = len(found.fields) - len(reasons)
    reasons += [f"{left} more fields"] if left else []
    others = [_about(name) for name in found.about]  # the name and the digest of the work are both the work
    if not reasons and not others:
        return "machine and work are the same"
    machines = f"the machines differ in {_listed(reasons)}" if reasons else "the machines are the same"
    if not others:
        return machines
    what, one = _listed(list(dict.fromkeys(others))), set(others) == {_WORK}
    if reasons:
        return f"{machines}, and so {'does' if one else 'do'} {what}"
    return f"{machines}, and {what} {'differs' if one else 'differ'}"


def _about(name: str) -> str:
    return {"level": "the levels", "model": "the versions of the cycle model"}.get(name, _WORK)


def _listed(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + (" and " if len(parts) > 1 else "") + parts[-1]


def _is_apart(one: Change | None) -> bool:
    return one is not None and abs(one.delta) > _LEAST * max(abs(one.a), abs(one.b))


def _headline(found: Difference) -> Table:
    """Return the figures of both sides; A and B are named in the title."""
    columns = (
        Column(title="figure", left=True), Column(title="A"), Column(title="B"), Column(title="B / A"),
    )  # fmt: skip
    ones = [found.figures[name] for name in _HEADLINE if name in found.figures]
    cells = tuple(
        (word_of(one.name), told(one.name, one.a), told(one.name, one.b), f"{one.ratio:.3f}" if one.ratio else "-")
        for one in ones
    )
    return Table(title=f"A: {found.a.name}\nB: {found.b.name}", columns=columns, rows=cells)


def _fields(found: Difference) -> Table:
    columns = (Column(title="field", left=True), Column(title="A"), Column(title="B"))
    every: Mapping[str, tuple[Any, Any]] = {**found.about, **found.fields}
    cells = tuple((name, _short(a), _short(b)) for name, (a, b) in every.items())
    return Table(title="What differs", columns=columns, rows=cells)


def _parts(found: Difference, group: str) -> Table | None:
    """Return the members of a group that differ, and the share of each in the whole difference."""
    parts, whole = found.parts(group), found.figures.get(GROUPS[group])
    if whole is None or not parts:
        return None
    factor, own = scale(whole.name, max(abs(whole.a), abs(whole.b)))
    moved = sum(abs(part.delta) for part in parts)
    columns = (
        Column(title="part", left=True),
        *(Column(title=f"{head}\n{own}".rstrip()) for head in ("A", "B", "B - A")),
        Column(title="share of\nall changes"),
    )
    cells = tuple(
        (
            _part(part.name),
            *(_number(value, factor, own) for value in (part.a, part.b, part.delta)),
            percent(abs(part.delta), moved),
        )
        for part in (*parts, whole)
    )
    last = (_part(whole.name), *cells[-1][1:-1], "")
    return Table(title=_TITLES[group], columns=columns, rows=(*cells[:-1], last))


def _number(value: float, factor: float, unit: str) -> str:
    return f"{value / factor:,.3f}" if unit else count(value)


def _part(name: str) -> str:
    """Return what a cause, a unit or a tensor is called."""
    last = name.rpartition(".")[2]
    return CAUSE_WORDS.get(last) or TENSOR_WORDS.get(last) or UNIT_WORDS.get(last) or last.replace("_", " ")


def _short(value: Any) -> str:
    text = shown(value)
    return text if len(text) <= 24 else f"{text[:12]}..."
