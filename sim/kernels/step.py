"""Decorator for a step of a kernel: a function that has a name for its reader and costs no call."""

import numba

step = numba.njit(cache=True, inline="always")
"""Compiles a function into each of its callers: a call would count references to every array that it passes."""
