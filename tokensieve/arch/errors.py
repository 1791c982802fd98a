"""What can go wrong by a user's hand, and the exit code that it ends in."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar


class TokensieveError(Exception):
    """Base of every error that is a user's to mend: one message, no traceback."""

    exit_code: ClassVar[int] = 2


class ArchError(TokensieveError):
    """An architecture that cannot be built: wrong field, wrong value or an impossible combination."""


class WorkloadError(TokensieveError):
    """A workload, trace, schedule or text that cannot be used."""


class SweepError(TokensieveError):
    """A sweep that cannot be run: an axis that names no field, a formula, a sampler."""


class ToolError(TokensieveError):
    """A tool or an optional package is missing or too old."""

    exit_code: ClassVar[int] = 3


class CheckError(TokensieveError):
    """A check that ran and failed."""

    exit_code: ClassVar[int] = 1


class LinkError(TokensieveError):
    """A board that does not answer as it should, after all tries."""

    exit_code: ClassVar[int] = 1


class StoreError(TokensieveError):
    """A store of results that cannot be opened, written or read as asked."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the valid name nearest to `name`, or nothing."""
    by_lower = {k.lower(): k for k in known}
    found = get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.5)
    return f"; did you mean {by_lower[found[0]]!r}?" if found else ""
