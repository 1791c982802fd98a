"""Decorators of kernels: of those that Python calls, of the functions that they are made of, and of steps of these.

None of them makes an array, so that no references are counted (`_nrt`), and nothing divides by zero, so that nobody
looks for it.
"""

import numba

kernel = numba.njit(cache=True, error_model="numpy", _nrt=False)
"""Compiles a function that Python calls."""

part = numba.njit(cache=True, error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Compiles a function that only kernels call: a call from Python crashes. The missing way in saves compilation."""

step = numba.njit(cache=True, inline="always")
"""Compiles a function into each of its callers: it has a name for its reader and costs no call."""
