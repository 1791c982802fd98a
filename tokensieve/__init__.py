"""Simulate, verify and build accelerators that prune the tokens of a transformer's attention."""

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import `open_result` when it is asked for: what the command line starts with stays small."""
    if name == "open_result":
        from importlib import import_module

        return import_module("tokensieve.explore.result_file").open_result
    raise AttributeError(f"module 'tokensieve' has no attribute {name!r}")
