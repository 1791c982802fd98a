"""Search cores: ways to find the k-th largest score of a packet."""

from importlib import import_module
from typing import Any

from tokensieve.arch.datapath import Topk


def search_core(topk: Topk) -> Any:
    """Return the search core of ``topk.engine``, a component with the ports of `rtl.search.base.search_ports`.

    The core of engine ``radix``, for instance, is the class ``RadixCore`` of the module `rtl.search.radix`.
    """
    return getattr(import_module(f"tokensieve.rtl.search.{topk.engine}"), f"{topk.engine.capitalize()}Core")(topk)
