"""The numba kernels: plain loops over arrays."""

from pathlib import Path


def compiled() -> bool:
    """Return whether numba's cache holds the main kernel, so that a run need not compile first.

    The cache lies beside the source, or in the folder that NUMBA_CACHE_DIR names.
    """
    from numba.core.caching import FunctionCache

    from tokensieve.sim.kernels.fetch import simulate

    cache = FunctionCache(simulate.py_func)
    folder = Path(cache.cache_path)
    return any(folder.glob("fetch.simulate-*.nbc"))
