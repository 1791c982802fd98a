"""What the head of an emitted file tells a reader who has the Verilog alone."""

import re
from functools import cache

import pytest
from bench.units import small

from tokensieve.arch import load_arch
from tokensieve.rtl.flow.border import border_of
from tokensieve.rtl.flow.outer import outer_text
from tokensieve.verify.units import UNITS, find_unit
from tokensieve.verify.units.axi import WITH_REGISTERS, on_axi, with_registers
from tokensieve.verify.verilog import with_header

WRAPPED = (
    [("", name) for name in UNITS] + [("axi", name) for name in UNITS] + [("lite", name) for name in WITH_REGISTERS]
)
PLAIN = [name for name in UNITS if not name.startswith("axi-")]


@cache
def component(wrapper, name):
    """Return the hardware of a small unit, of the first engine."""
    unit = find_unit(name)
    unit = {"": unit, "axi": on_axi(unit), "lite": with_registers(unit) if wrapper == "lite" else unit}[wrapper]
    return unit.harness().component(unit.arch(small(), unit.engines()[0]))


@pytest.mark.parametrize(("wrapper", "name"), WRAPPED)
def test_no_header_names_a_python_class(wrapper, name):
    remarks = re.findall(r"//.*", outer_text("unit", component(wrapper, name)))

    assert len(remarks) > 10
    assert re.findall(r"\b[A-Z][a-z]+(?:[A-Z][a-z]*)+\b", " ".join(remarks)) == []  # words in CamelCase
    assert "beats." not in " ".join(remarks)


@pytest.mark.parametrize(
    ("name", "stream", "told"),
    [
        ("topk", "command", "TDATA: 3:0 n, 11:8 k, 31:16 seed."),
        ("topk", "score", "TDATA, 4 lanes of 8 bits, of lane 0: 7:0 scores."),
        ("topk", "o", "TDATA, 4 lanes of 16 bits, of lane 0: 3:0 items_index, 15:8 items_score."),
        ("token-gather", "o", "TDATA, 96 lanes of 8 bits, of lane 0: 7:0 data."),
        (
            "importance-accumulator",
            "command",
            "TDATA: 2:0 op (0 CLEAR, 1 GROW, 2 ADD, 3 KEEP, 4 READ), 11:8 n, 16 pin.",
        ),
        ("bitwidth-converter", "msb", "TDATA: 255:0 data."),
    ],
)
def test_header_of_a_bus_says_where_its_fields_are(name, stream, told):
    [says] = [bundle.says for bundle in border_of(component("axi", name)).bundles if bundle.name == stream]

    assert says.endswith(told)


@pytest.mark.parametrize("name", WITH_REGISTERS)
def test_registers_say_what_the_command_is(name):
    [command] = [bundle.says for bundle in border_of(component("", name)).bundles if bundle.name == "command"]
    [block] = [bundle.says for bundle in border_of(component("lite", name)).bundles if bundle.name == "registers"]

    assert block.endswith(command)


@pytest.mark.parametrize("name", PLAIN)
def test_header_says_what_every_stream_is_and_every_field_of_a_command(name):
    for bundle in border_of(component("", name)).bundles:
        assert bundle.says, bundle.name
        if bundle.name in ("command", "fetch"):
            fields = {pin.name.removeprefix(f"{bundle.name}_") for pin in bundle.pins} - {"op"}
            assert fields <= set(re.findall(r"\w+", bundle.says)), bundle.name


@pytest.mark.parametrize("name", ["head-accumulator", "cascade-pruner"])
def test_header_states_the_order_of_heads(name):
    [command] = [bundle for bundle in border_of(component("", name)).bundles if bundle.name == "command"]

    assert "must first be added to in ascending order, none left out before another" in command.says
    for operation in command.pins[0].says.split(", "):
        assert f"{operation.split()[1]}: " in command.says or f"{operation.split()[1]} of" in command.says, operation


def test_a_header_says_how_many_engines_the_pruner_has_where_that_was_left_to_it():
    assert "// pruner.engines: 3\n" in with_header(find_unit("fixed-length-pruner"), load_arch(), "")
