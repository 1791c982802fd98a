"""Search cores: four ways to find the k-th largest score of a row."""

from importlib import import_module
from typing import Any

from tokensieve.arch.datapath import Topk

_CORES = {
    "quickselect": "QuickselectCore",
    "radix": "RadixCore",
    "bitserial": "BitserialCore",
    "bitonic": "BitonicCore",
}


def search_core(topk: Topk) -> Any:
    """Return the search core of ``topk.engine``, a component with the ports of `rtl.search.base.search_ports`."""
    return getattr(import_module(f"tokensieve.rtl.search.{topk.engine}"), _CORES[topk.engine])(topk)
