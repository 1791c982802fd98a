"""A sweep from flags of the command line, alone or on top of a file."""

from collections.abc import Iterable, Mapping
from typing import Any

from tokensieve.arch.base import shown
from tokensieve.arch.errors import SweepError
from tokensieve.arch.yamlio import flag_value
from tokensieve.explore.spec import SweepFile, read_sweep, sweep_from

_OF_WORK = ("workload", "workloads", "trace")


def with_flags(file: str | None, sets: Iterable[str], flags: Mapping[str, Any]) -> SweepFile:
    """Return the sweep in `file`, or one of flags alone; `flags` replace its keys, and `sets` its axes and fields.

    >>> with_flags(None, ["topk.lanes=8,16", "topk.engine=radix"], {}).axes
    {'topk.lanes': (8, 16)}
    """
    axes, fixed = _read(sets)
    if file is None:
        if not axes:
            raise SweepError("a sweep needs a file, or an axis: --set topk.lanes=8,16,32")
        return sweep_from({"axes": axes, "set": fixed, **flags})
    over = dict(flags)
    own = read_sweep(file)
    if set(over) & set(_OF_WORK):  # another piece of work takes the place of whatever the file names
        over |= {name: over.get(name) for name in _OF_WORK}
    left = {name: values for name, values in own.axes.items() if name not in fixed}
    over["axes"] = {**left, **axes}
    over["set"] = {**{name: value for name, value in own.set.items() if name not in axes}, **fixed}
    over["zip"] = [group for one in own.zip if (group := [name for name in one if name not in fixed])]
    over["derived"] = {name: text for name, text in own.derived.items() if name not in axes and name not in fixed}
    return sweep_from({**own.model_dump(exclude=set(over)), **over})


def _read(sets: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return axes, and fields with a single value, of texts such as ``topk.lanes=8,16``."""
    axes: dict[str, Any] = {}
    fixed: dict[str, Any] = {}
    for item in sets:
        name, equals, text = item.partition("=")
        name = name.strip()
        if not equals or not name:
            raise SweepError(f"--set {item}: expected NAME=VALUES, for example topk.lanes=8,16,32")
        if name in axes or name in fixed:
            raise SweepError(f"--set {item}: {name} must be given once, got it twice; all its values go into one --set")
        values = _values(name, text)
        if len(values) > 1 or name in ("arch", "workload", "trace"):
            axes[name] = values
        else:
            fixed[name] = values[0]
    return axes, fixed


def _values(name: str, text: str) -> list[Any]:
    if text.strip()[:1] in ("[", "{"):
        raise SweepError(
            f"--set {name} must be values without brackets, for example {name}=8,16; spans and lists as values go into "
            f"a sweep file; got {shown(text)}"
        )
    found = [flag_value(name, one, SweepError) for one in text.split(",")]
    if None in found:
        raise SweepError(f"--set {name}: {shown(text.split(',')[found.index(None)])} is not one YAML value")
    return found
