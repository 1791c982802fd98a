"""Which fields of a model a function reads, noted while it runs.

A function that depends on nothing but the model it is given takes the same branches, and so returns the same answer,
for two models that agree on every field that it reads of one of them. So nobody has to list these fields, and none is
forgotten.
"""

from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Generic, TypeVar, cast

from pydantic import BaseModel

from tokensieve.arch.base import ArchModel
from tokensieve.arch.machine import Arch

M = TypeVar("M", bound=ArchModel)
T = TypeVar("T")


DERIVED: dict[str, Callable[[Arch], int]] = {"read_clocks": vars(Arch)["read_clocks"].fget}
"""Properties of a machine that are noted as fields are: they have few values, but follow from fields that have many."""


class _Noted:
    """Stand-in for a model that notes the dotted path of each field that is read.

    Properties and methods of the model run on the stand-in, so that what they read is noted too. What takes a model as
    a whole (to compare, hash, copy or dump it) is refused.
    """

    def __init__(self, model: ArchModel, reads: dict[str, None], own: Mapping[str, Any], prefix: str = "") -> None:
        self._model, self._reads, self._own, self._prefix = model, reads, own, prefix

    @property  # type: ignore[misc]
    def __class__(self) -> type[Any]:
        """The model's class, for `isinstance` and for a stand-in of a stand-in."""
        return self._model.__class__

    def __getattr__(self, name: str) -> Any:
        kind = self._model.__class__
        if name in DERIVED and kind is Arch:
            value = self._derive(name)
            setattr(self, name, value)
            return value
        if name in kind.model_fields:
            value = self._read(name)
            setattr(self, name, value)  # from now on it is found here
            return value
        assert not hasattr(BaseModel, name), f"{name} takes {kind.__name__} as a whole; read its fields instead"
        return getattr(kind, name).__get__(self, kind)

    def _derive(self, name: str) -> Any:
        self._reads[name] = None
        return DERIVED[name](cast(Arch, _Noted(self._model, {}, self._own)))

    def _read(self, name: str) -> Any:
        value, path = getattr(self._model, name), self._prefix + name
        if isinstance(value, ArchModel):
            return _Noted(value, self._reads, self._own, f"{path}.")
        self._reads[path] = None
        return self._own.get(path, value)

    def __eq__(self, other: object) -> bool:
        raise AssertionError(f"{self._model.__class__.__name__} is compared as a whole; compare its fields instead")

    __hash__ = None  # type: ignore[assignment]


@cache
def _field_names(kind: type[ArchModel]) -> frozenset[str]:
    return frozenset(kind.model_fields)


def noted(call: Callable[[M], T], model: M, own: Mapping[str, Any] = MappingProxyType({})) -> tuple[T, tuple[str, ...]]:
    """Return ``call(model)``, and the dotted paths of the fields that `call` read, in the order in which it did.

    Fields at the dotted paths of `own` have its values in place of the model's.

    >>> from tokensieve.arch import Arch
    >>> noted(lambda arch: arch.key_lines, Arch())
    (256, ('key_sram.kib', 'qk.multipliers', 'number.onchip_bits'))
    """
    reads: dict[str, None] = {}
    answer = call(cast(M, _Noted(model, reads, own)))
    return answer, tuple(reads)


class Answers(Generic[M, T]):
    """Answers of one function, which is called once for all models that agree on the fields that it reads.

    >>> from tokensieve.arch import load_arch
    >>> lines, called = Answers(), []
    >>> for banks in (8, 24):
    ...     arch = load_arch("spatten", [f"key_sram.banks={banks}"])
    ...     lines.of(lambda arch: called.append(banks) or arch.key_lines, arch)
    256
    256
    >>> called
    [8]
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], dict[tuple[Any, ...], T]] = {}

    def of(self, call: Callable[[M], T], model: M) -> T:
        """Return ``call(model)``; `call` has to be the same function each time."""
        for paths, answers in self._known.items():
            values = _values(model, paths)
            if values in answers:
                return answers[values]
        answer, paths = noted(call, model)
        return self._known.setdefault(paths, {}).setdefault(_values(model, paths), answer)


def _values(model: ArchModel, paths: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(attrgetter(path)(model) for path in paths)
