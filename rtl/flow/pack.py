"""Payloads as whole numbers and back, from Amaranth's layouts: LSB first, as Verilog sees them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from amaranth.hdl import Shape
from amaranth.lib.data import ArrayLayout, Layout, View

ShapeLike = Any
"""What Amaranth takes for a shape: a layout, a shape, a width."""

Pack = Callable[[Any, str], int]
Unpack = Callable[[int], Any]

_REMEMBERED = 64


@dataclass(frozen=True)
class Codec:
    """Packs and unpacks payloads of one layout: structs are dicts, arrays are lists, the rest are whole numbers."""

    width: int
    _pack: Pack
    _unpack: Unpack

    def pack(self, value: Any) -> int:
        """Return `value` as one whole number; a wrong name, length or size is a `ValueError`."""
        return self._pack(value, "payload")

    def unpack(self, packed: int) -> Any:
        """Return the fields that `packed` holds."""
        if packed < 0 or packed >> self.width:
            raise ValueError(f"{packed:#x} does not fit in {self.width} bits")
        return self._unpack(packed)

    @property
    def ones(self) -> Any:
        """The fields of a payload with all its bits set: what stands in lanes that must not count."""
        return self._unpack((1 << self.width) - 1)


_codecs: dict[int, tuple[ShapeLike, Codec]] = {}


def codec(layout: ShapeLike) -> Codec:
    """Return the codec of `layout`; that of the same object is remembered for a while.

    >>> from amaranth.lib.data import StructLayout
    >>> hex(codec(StructLayout({"low": 4, "lanes": ArrayLayout(8, 2)})).pack({"low": 1, "lanes": [2, 3]}))
    '0x3021'
    >>> codec(ArrayLayout(4, 3)).unpack(0x321)
    [1, 2, 3]
    """
    known = _codecs.get(id(layout))
    if known is not None and known[0] is layout:
        return known[1]
    if len(_codecs) >= _REMEMBERED:
        _codecs.pop(next(iter(_codecs)))
    made = _make(layout)
    _codecs[id(layout)] = layout, made
    return made


def _make(layout: ShapeLike) -> Codec:
    if isinstance(layout, ArrayLayout):
        return _array(_make(layout.elem_shape), layout.length)
    if isinstance(layout, Layout):
        return _struct(layout)
    if isinstance(layout, type) and issubclass(layout, View):
        return _make(layout.__layout__)  # type: ignore[attr-defined]  # a data.Struct
    return _number(cast(Shape, Shape.cast(layout)))


def _number(shape: Shape) -> Codec:
    width, signed = int(shape.width), bool(shape.signed)
    mask = (1 << width) - 1
    least, most = (-(1 << width - 1), mask >> 1) if signed and width else (0, mask)

    def pack_number(value: Any, where: str) -> int:
        number = int(value)
        if not least <= number <= most:
            raise ValueError(f"{where} must be in {least}..{most}, got {number}")
        return number & mask

    def unpack_number(packed: int) -> int:
        return packed - (1 << width) if signed and packed > most else packed

    return Codec(width, pack_number, unpack_number)


def _array(element: Codec, length: int) -> Codec:
    step, mask, of = element.width, (1 << element.width) - 1, element._unpack

    def pack_array(value: Sequence[Any], where: str) -> int:
        if len(value) != length:
            raise ValueError(f"{where} must have {length} elements, got {len(value)}")
        packed = 0
        for place, item in enumerate(value):
            packed |= element._pack(item, f"{where}[{place}]") << place * step
        return packed

    def unpack_array(packed: int) -> list[Any]:
        return [of(packed >> place * step & mask) for place in range(length)]

    return Codec(step * length, pack_array, unpack_array)


def _struct(layout: Layout) -> Codec:
    fields = [(str(name), field.offset, _make(field.shape)) for name, field in layout]
    names = {name for name, _, _ in fields}
    parts = [(name, offset, (1 << inner.width) - 1, inner._unpack) for name, offset, inner in fields]

    def pack_struct(value: Mapping[str, Any], where: str) -> int:
        if value.keys() != names:
            raise ValueError(f"{where} must have the fields {', '.join(sorted(names))}, got {', '.join(sorted(value))}")
        packed = 0
        for name, offset, inner in fields:
            packed |= inner._pack(value[name], f"{where}.{name}") << offset
        return packed

    def unpack_struct(packed: int) -> dict[str, Any]:
        return {name: of(packed >> offset & mask) for name, offset, mask, of in parts}

    return Codec(layout.size, pack_struct, unpack_struct)
