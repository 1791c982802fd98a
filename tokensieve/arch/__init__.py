"""What the machine is: frozen models of every unit, number formats, timing laws, technology and presets."""

from tokensieve.arch.errors import ArchError, CheckError, StoreError, TokensieveError, ToolError, WorkloadError
from tokensieve.arch.machine import Arch
from tokensieve.arch.presets import dram_names, load_arch, load_dram, preset_names

__all__ = [
    "Arch",
    "ArchError",
    "CheckError",
    "StoreError",
    "TokensieveError",
    "ToolError",
    "WorkloadError",
    "dram_names",
    "load_arch",
    "load_dram",
    "preset_names",
]
