"""The DRAM oracle: cycles that two public DRAM simulators take for the same streams, and what our DRAM takes.

`dram_oracle.csv` names simulator, configuration, stream, way of issuing and cycles. Bands are those that the project set
itself: 3 % where requests are pushed as fast as the queue takes them, 5 % through a port of 16 outstanding, 2 % on
average, for each configuration.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tokensieve.arch import load_dram
from tokensieve.arch.errors import WorkloadError
from tokensieve.sim.dramrun import pattern, replay
from tokensieve.study.validate.row import Row, agreement, at_most, within
from tokensieve.study.validate.section import Data, Section

FILE = "dram-oracle/dram_oracle.csv"
CONFIGS = {
    ("dramsim3", "1ch"): "dramsim3",
    ("ramulator2_v2.0a", "artefact"): "ramulator-release",
    ("ramulator2_v2.0a", "v21timings_chw128"): "ramulator-v21",
}
"""Ours by simulator and configuration of the file."""

BANDS = {"sat": 0.03, "axi16": 0.05}
MEAN = 0.02
NO_TARGET = "Ramulator serves a request of 64 B by one access: more bytes a cycle than its bus carries; no target"
