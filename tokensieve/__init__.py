"""Simulate, verify and build accelerators that prune the tokens of a transformer's attention."""

__version__ = "0.1.0"


_HOMES = {"open_result": "tokensieve.explore.result_file", "sweep": "tokensieve.run.sweeps"}


def __getattr__(name: str) -> object:
    """Import `open_result` or `sweep` when it is asked for: what the command line starts with stays small."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'tokensieve' has no attribute {name!r}")
