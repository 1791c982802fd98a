import enum

import pytest
from amaranth.hdl import signed, unsigned
from amaranth.lib.data import ArrayLayout, StructLayout
from hypothesis import given
from hypothesis import strategies as st

from tokensieve.rtl.flow.pack import codec


def numbers(shape):
    least, most = (-(1 << shape.width - 1), (1 << shape.width - 1) - 1) if shape.signed else (0, (1 << shape.width) - 1)
    return st.integers(least, most)


shapes = st.builds(lambda width, sign: signed(width) if sign else unsigned(width), st.integers(1, 40), st.booleans())
leaves = shapes.map(lambda shape: (shape, numbers(shape)))


def grown(inner):
    arrays = st.tuples(inner, st.integers(0, 4)).map(
        lambda pair: (ArrayLayout(pair[0][0], pair[1]), st.lists(pair[0][1], min_size=pair[1], max_size=pair[1]))
    )
    structs = st.dictionaries(st.sampled_from("abcd"), inner, min_size=1).map(
        lambda fields: (
            StructLayout({name: shape for name, (shape, _) in fields.items()}),
            st.fixed_dictionaries({name: values for name, (_, values) in fields.items()}),
        )
    )
    return arrays | structs


payloads = st.recursive(leaves, grown, max_leaves=6).flatmap(lambda pair: pair[1].map(lambda value: (pair[0], value)))


@given(payloads)
def test_what_is_packed_is_unpacked(payload):
    layout, value = payload

    packed = codec(layout).pack(value)

    assert codec(layout).unpack(packed) == value
    assert packed >> codec(layout).width == 0


@given(payloads)
def test_packing_is_amaranths(payload):
    layout, value = payload
    if not isinstance(layout, StructLayout | ArrayLayout):
        layout, value = StructLayout({"it": layout}), {"it": value}

    assert codec(layout).pack(value) == layout.const(value).as_bits()


@pytest.mark.parametrize(
    ("layout", "value", "message"),
    [
        (unsigned(4), 16, r"payload must be in 0\.\.15, got 16"),
        (signed(4), 8, r"payload must be in -8\.\.7, got 8"),
        (ArrayLayout(4, 2), [1, 2, 3], r"payload must have 2 elements, got 3"),
        (ArrayLayout(4, 2), [1, -1], r"payload\[1\] must be in 0\.\.15, got -1"),
        (StructLayout({"n": 4, "k": 4}), {"n": 1}, r"payload must have the fields k, n, got n"),
        (StructLayout({"n": StructLayout({"k": 2})}), {"n": {"k": 4}}, r"payload\.n\.k must be in 0\.\.3, got 4"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_path(layout, value, message):
    with pytest.raises(ValueError, match=message):
        codec(layout).pack(value)


def test_bits_beyond_the_layout_are_refused():
    with pytest.raises(ValueError, match="does not fit in 4 bits"):
        codec(unsigned(4)).unpack(16)


def test_enumerations_are_whole_numbers():
    class Kind(enum.IntEnum):
        ROW = 2
        END = 3

    layout = StructLayout({"kind": Kind, "n": 2})

    assert codec(layout).unpack(codec(layout).pack({"kind": Kind.END, "n": 1})) == {"kind": 3, "n": 1}
