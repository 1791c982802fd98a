"""Stores with made-up points, and processes that end badly."""

import hashlib
import multiprocessing
import os

from tokensieve.arch import Arch
from tokensieve.explore import Store
from tokensieve.explore.columns import TOTALS
from tokensieve.explore.stored import Base, Point, packed

MODEL = "a" * 64
"""Version of the cycle model that points are stored under where a test names no other."""


def key(number):
    return hashlib.sha256(str(number).encode()).digest()[:16]


def totals(number):
    """Totals that differ from point to point."""
    made = {"int": number + 1, "float": number + 0.5, "text": "softmax"}
    return {column.name: made[column.kind] for column in TOTALS}


def opened(path, model=MODEL, **options):
    return Store.open(path, model=model, **options)


def numbers(store, sweep="sweep"):
    """Numbers of a machine, a workload and a sweep."""
    arch = Arch()
    base = store.base(Base(digest=arch.digest, arch=arch.model_dump(mode="json"), text="spatten"))
    return {
        "base": base,
        "workload": store.workload("w", "bert-base-cola", {"workload": "bert-base-cola", "seed": 0}),
        "sweep": store.sweep(sweep, "{}"),
    }


def point(number, where, **changes):
    """Point of a number: every tenth is refused, and every seventh of the others has a whole result."""
    told = {
        "key": key(number), "level": "analytic", "overrides": {"topk.lanes": number % 64 + 1}, "totals": totals(number),
        "full": None if number % 7 else packed(f'{{"n": {number}}}'), **where,
    }  # fmt: skip
    if number % 10 == 9:
        told |= {"status": "refused", "message": "topk.lanes must be a power of two", "totals": None, "full": None}
    return Point(**told | changes)


def fill(path, wanted, **options):
    """Store points of some numbers."""
    with opened(path, **options) as store:
        where = numbers(store)
        store.add(point(number, where) for number in wanted)


def resume(path, wanted):
    """Store those of some points that are not there, and return how many were."""
    with opened(path) as store:
        where = numbers(store)
        known = store.known([key(number) for number in wanted])
        store.add(point(number, where) for number in wanted if key(number) not in known)
    return len(known)


def rows(path):
    """All points by key, without what their order of arrival gives them."""
    with Store.open(path, write=False) as store:
        return {
            one.key: (one.level, one.sweep, dict(one.overrides), one.status, one.message, one.totals, one.full)
            for one in store.points()
        }


def in_a_process(work, *arguments):
    """Run `work` in a process of its own and return its exit code; negative is the signal that ended it."""
    process = multiprocessing.get_context("fork").Process(target=work, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def without_rights():
    """Become a user who may not write what root may."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
