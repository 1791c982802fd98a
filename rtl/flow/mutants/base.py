"""Planted faults: a unit is built from sources in which one text is replaced by another.

The sources of `tokensieve.rtl` (without `flow`) are imported anew with the edit in place, and put back afterwards, so
that production code holds no hooks.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import CodeType, ModuleType

from tokensieve.arch.errors import TokensieveError, nearest

_ROOM = "tokensieve.rtl"
_FLOW = f"{_ROOM}.flow"


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One planted fault."""

    name: str
    """Name on the command line, unique within its unit."""

    module: str
    """Module whose source is edited, for example ``tokensieve.rtl.compactor``."""

    old: str
    """Text of that source; it occurs exactly once."""

    new: str
    """Text that stands there instead."""

    why: str
    """What fault this is."""

    engine: str = ""
    """Engine of the unit that the fault lies in; any of them if empty."""

    fields: tuple[tuple[str, object], ...] = ()
    """Fields of the unit's section, with values, without which there is no part that the fault could lie in."""

    only: str = ""
    """Where it is a fault at one size only: at which, and why not at the other."""

    def planted(self) -> AbstractContextManager[None]:
        """Return a context within which hardware is built with the fault."""
        return planted(self)


def mutants_of(unit: str) -> tuple[Mutant, ...]:
    """Return the mutants of `unit`; none where it has no list."""
    name = f"{__package__}.{unit.replace('-', '_')}"
    if importlib.util.find_spec(name) is None:
        return ()
    return tuple(import_module(name).MUTANTS)


def find_mutant(unit: str, name: str) -> Mutant:
    """Return the mutant of `unit` called `name`."""
    known = {mutant.name: mutant for mutant in mutants_of(unit)}
    if name not in known:
        choice = f"must be one of {', '.join(known)}" if known else f"cannot be given, {unit} has none"
        raise TokensieveError(f"mutant {choice}, got {name!r}{nearest(name, known)}")
    return known[name]


def source_of(module: str) -> str:
    """Return the source text of `module`."""
    spec = importlib.util.find_spec(module)
    assert spec is not None, module
    assert spec.origin is not None, module
    return Path(spec.origin).read_text(encoding="utf-8")


def edited(mutant: Mutant) -> str:
    """Return the source with the fault in it."""
    source = source_of(mutant.module)
    found = source.count(mutant.old)
    assert found == 1, f"mutant {mutant.name}: its text occurs {found} times in {mutant.module}, once is expected"
    return source.replace(mutant.old, mutant.new)


@contextmanager
def planted(mutant: Mutant | None) -> Iterator[None]:
    """Have what is imported from `tokensieve.rtl` contain the fault. The component must be built within."""
    if mutant is None:
        yield
        return
    finder = _Finder(mutant.module, edited(mutant))
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_hardware(name)}
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in [name for name in sys.modules if _is_hardware(name)]:
            del sys.modules[name]
        sys.modules.update(before)
        for name, module in before.items():
            _bind(name, module)


def _is_hardware(name: str) -> bool:
    return name.startswith(f"{_ROOM}.") and name != _FLOW and not name.startswith(f"{_FLOW}.")


def _bind(name: str, module: ModuleType) -> None:
    """Make `module` its parent's attribute again: importing the edited one has replaced it."""
    parent, _, own = name.rpartition(".")
    if parent in sys.modules:
        setattr(sys.modules[parent], own, module)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module, and gives it another source."""

    def __init__(self, module: str, source: str) -> None:
        self._module, self._source = module, source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return a spec for the edited module, and nothing for all others."""
        if fullname != self._module:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None and spec.origin is not None:
                loader = _Loader(fullname, spec.origin, self._source)
                return importlib.util.spec_from_file_location(fullname, spec.origin, loader=loader)
        return None


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles a text that is given, and neither reads nor writes a bytecode file."""

    def __init__(self, fullname: str, path: str, source: str) -> None:
        super().__init__(fullname, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        """Return the edited module, compiled."""
        return compile(self._source, self.path, "exec", dont_inherit=True)
