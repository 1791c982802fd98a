"""The numba kernels: plain loops over arrays."""
