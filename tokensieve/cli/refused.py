"""Words for an option's value that is not of its kind: the option, the rule, the value."""

import re
from typing import Any

from tokensieve.arch.errors import nearest

_RULES = {
    "greater_than_equal": "{ge} or more",
    "greater_than": "above {gt}",
    "less_than_equal": "{le} at most",
    "less_than": "below {lt}",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of at most 4,300 digits",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_parsing": "true or false",
}
_CHOICES = re.compile(r"is not one of (.*)$", re.DOTALL)


def refused(problem: Any) -> str | None:
    """Return what is wrong with the value of the option that `problem` is about; None if it is about something else."""
    cause, parameter = problem.__cause__, getattr(problem, "param", None)
    if parameter is None or not hasattr(cause, "errors"):
        return None
    item = cause.errors(include_url=False)[0]
    name, came = max(parameter.opts, key=len), str(item["input"])
    shown = came if len(came) <= _SHOWN else f"{came[: _SHOWN - 3]}..."
    if choices := _CHOICES.search(item["msg"]):
        known = re.findall(r"'([^']*)'", choices[1])
        return f"{name} must be one of {', '.join(known)}, got {shown!r}{nearest(came, known)}"
    if (
        not item["type"].startswith("int") and came.strip().lstrip("+-").lower() == "nan"
    ):  # of which no bound says anything
        return f"{name} must be a number, got {shown!r}"
    if item["type"] in _RULES:
        return f"{name} must be {_RULES[item['type']].format(**item.get('ctx', {}))}, got {shown!r}"
    return f"{name} is invalid ({item['msg']}), got {shown!r}"


def meant_field(problem: Any) -> str:
    """Return a hint at ``--set`` where `problem` is an unknown option with the name of a field; nothing elsewhere."""
    context, option = getattr(problem, "ctx", None), getattr(problem, "option_name", "")
    if context is None or not any("--set" in one.opts for one in context.command.params):
        return ""
    from tokensieve.arch.machine import Arch

    name = option.removeprefix("--").replace("-", "_")
    return f"; a field is set with --set {name}=VALUE" if name in Arch.model_fields else ""


_SHOWN = 64
