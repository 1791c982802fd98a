"""Calls into the code of others, a model's or a tokenizer's: what goes wrong there is said of it, in one message."""

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tokensieve.arch.errors import TokensieveError, WorkloadError


class Unfit(Exception):  # noqa: N818  (a reason, which `foreign` makes an error of)
    """Why a model cannot be captured, raised by our own code that the model calls."""


class _Inside(Exception):  # noqa: N818  (it carries an error and is none)
    """Carries an exception of our own attention through a model's code."""

    def __init__(self, problem: Exception) -> None:
        self.problem = problem


def refusal(name: str, reason: str) -> WorkloadError:
    """Return the error that says why the model called `name` cannot be captured."""
    return WorkloadError(f"{name} cannot be captured: {reason}")


def described(problem: BaseException) -> str:
    """Return the kind of an exception, and the first line of what it says."""
    return f"{type(problem).__name__}: {(str(problem).strip() or 'no reason given').splitlines()[0]}"


@contextmanager
def foreign(name: str, reason_of: Callable[[BaseException], str] = described) -> Iterator[None]:
    """Turn whatever the code of others raises inside the block into `WorkloadError`: `name` cannot be captured.

    `reason_of` returns what is said of an exception. The block is quiet: what libraries warn of is not for our user.
    """
    try:
        with warnings.catch_warnings():
            if not sys.warnoptions:  # whoever asks for warnings has them
                warnings.simplefilter("ignore")
            yield
    except _Inside as carried:
        raise carried.problem from None
    except Unfit as problem:
        raise refusal(name, str(problem)) from None
    except (TokensieveError, MemoryError):
        raise
    except BaseException as problem:  # foreign code raises whatever it likes
        if not isinstance(problem, Exception) and type(problem).__name__ != _PANIC:
            raise
        raise refusal(name, reason_of(problem)) from None


_PANIC = "PanicException"
"""What libraries written in Rust raise where they fail; it is no `Exception`."""


@contextmanager
def ours() -> Iterator[None]:
    """Let what our own code raises inside the block, called by a model, pass the model's `foreign` block as it is."""
    try:
        yield
    except Exception as problem:  # carried as it is, so that it is not taken for the model's
        raise _Inside(problem) from problem
