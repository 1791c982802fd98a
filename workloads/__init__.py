"""What is asked of the machine: model shapes, schedules, benchmarks, decisions and traces.

Names are imported when they are first used, so that importing this package costs nothing. No name here is that of a
module beside it (`complete` is a module, and its function is imported from there).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokensieve.workloads.benchmarks import find_workload, load_workload, workload_names
    from tokensieve.workloads.builder import DecisionsBuilder
    from tokensieve.workloads.complete import Counts
    from tokensieve.workloads.csvtrace import read_csv
    from tokensieve.workloads.decisions import Decisions
    from tokensieve.workloads.distributions import distribution_names, scores
    from tokensieve.workloads.meta import make_meta
    from tokensieve.workloads.models import Macs, ModelShape, model_names, model_shape
    from tokensieve.workloads.ragged import Ragged
    from tokensieve.workloads.records import quick_record, quick_records, radix_record, radix_records
    from tokensieve.workloads.reference import dense
    from tokensieve.workloads.schedule import Schedule, schedule_from
    from tokensieve.workloads.traces import default_trace, load_trace
    from tokensieve.workloads.vectors import Vectors
    from tokensieve.workloads.workload import Workload, read_workload, workload_schema

_HOMES = {
    "benchmarks": ("find_workload", "load_workload", "workload_names"),
    "builder": ("DecisionsBuilder",),
    "complete": ("Counts",),
    "csvtrace": ("read_csv",),
    "decisions": ("Decisions",),
    "distributions": ("distribution_names", "scores"),
    "meta": ("make_meta",),
    "models": ("Macs", "ModelShape", "model_names", "model_shape"),
    "ragged": ("Ragged",),
    "records": ("quick_record", "quick_records", "radix_record", "radix_records"),
    "reference": ("dense",),
    "schedule": ("Schedule", "schedule_from"),
    "traces": ("default_trace", "load_trace"),
    "vectors": ("Vectors",),
    "workload": ("Workload", "read_workload", "workload_schema"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Counts",
    "Decisions",
    "DecisionsBuilder",
    "Macs",
    "ModelShape",
    "Ragged",
    "Schedule",
    "Vectors",
    "Workload",
    "default_trace",
    "dense",
    "distribution_names",
    "find_workload",
    "load_trace",
    "load_workload",
    "make_meta",
    "model_names",
    "model_shape",
    "quick_record",
    "quick_records",
    "radix_record",
    "radix_records",
    "read_csv",
    "read_workload",
    "schedule_from",
    "scores",
    "workload_names",
    "workload_schema",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value
