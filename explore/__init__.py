"""Sweeps over many designs: what is swept, which combinations are refused, what they cost, which one to take."""

from tokensieve.explore.result_file import open_result
from tokensieve.explore.store import Store, open_store
from tokensieve.explore.store_reader import Where

__all__ = ["Store", "Where", "open_result", "open_store"]
