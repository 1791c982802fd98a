"""Columns have numbers that nobody counted: none is handed out twice, and none is left out."""

import ast
import inspect

import pytest

from tokensieve.sim.kernels import critical, dram_state, released_state, tables
from tokensieve.sim.kernels import tables as t
from tokensieve.sim.kernels.columns import Columns
from tokensieve.sim.result import TENSORS

MODULES = (tables, dram_state, released_state, critical)
FETCHES = {"KEY": t.STREAM_KEY, "LSB": t.STREAM_LSB, "VALUE": t.STREAM_VALUE}


def test_columns_are_handed_out_one_after_another():
    table = Columns()

    assert [table.take(), table.take(3), *table.block(2), table.take()] == [0, 1, 4, 5, 6]
    assert table.count == 7


def test_as_many_names_as_columns_are_needed():
    with pytest.raises(ValueError, match="too many values to unpack"):
        _one, _two = Columns().block(3)


def assigned(module):
    """Yield the names and the value of each assignment of a module, as they are written."""
    for line in ast.parse(inspect.getsource(module)).body:
        if isinstance(line, ast.Assign):
            target = line.targets[0]
            yield [name.id for name in (target.elts if isinstance(target, ast.Tuple) else line.targets)], line.value


def columns_of(module):
    """Return of each table of a module the columns that were handed out, in order."""
    columns = {}
    for names, value in assigned(module):
        match value:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=table), attr="block")):
                columns.setdefault(table, []).extend(getattr(module, name) for name in names)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=table), attr="take"), args=args):
                places = eval(ast.unparse(args[0]), vars(module)) if args else 1
                first = getattr(module, names[0])
                columns.setdefault(table, []).extend(range(first, first + places))
    return columns


@pytest.mark.parametrize("module", MODULES)
def test_the_columns_of_a_table_fill_it_and_do_not_overlap(module):
    columns = columns_of(module)

    assert columns
    assert columns == {table: list(range(getattr(module, table).count)) for table in columns}


@pytest.mark.parametrize("module", MODULES[:3])
def test_the_width_of_a_table_is_taken_behind_its_last_column(module):
    widths = {
        names[0]: value.value.id
        for names, value in assigned(module)
        if isinstance(value, ast.Attribute) and (names[0].startswith("N_") or names[0] == "HEADER")
    }
    widths.pop("N_GIVEN", None)  # the columns so far

    assert widths
    assert {name: getattr(module, name) for name in widths} == {
        name: getattr(module, table).count for name, table in widths.items()
    }


@pytest.mark.parametrize("module", MODULES)
def test_no_column_is_numbered_by_hand(module):
    written = {
        name
        for names, value in assigned(module)
        for name in names
        if not any(isinstance(part, ast.Name) and part.id != "range" for part in ast.walk(value))
        and any(isinstance(part, ast.Constant) and isinstance(part.value, int) for part in ast.walk(value))
    }

    assert written <= {"FAR", "ALL", "SLICE", "FAW_ACTS", "FUSED", "REQUEST_RING", "FINAL", "FIRST", "FIRED"}


@pytest.mark.parametrize("stream", FETCHES)
def test_all_streams_have_the_same_columns(stream):
    begin = t.R_JOBS + FETCHES[stream] * t.N_JOB
    offsets = {name.removeprefix("J_"): place for name, place in vars(t).items() if name.startswith("J_")}

    assert len(offsets) == t.N_JOB
    assert {name: getattr(t, f"R_{stream}_{name}") - begin for name in offsets} == offsets


@pytest.mark.parametrize("sram", ["KEY", "VALUE"])
def test_the_shares_of_both_srams_have_the_same_columns(sram):
    begin = getattr(t, f"R_{sram}_SHARE")
    offsets = {name.removeprefix("H_"): place for name, place in vars(t).items() if name.startswith("H_")}

    assert len(offsets) == t.N_SHARE
    assert {name: getattr(t, f"R_{sram}_{name}") - begin for name in offsets} == offsets


@pytest.mark.parametrize("what", ["BYTES", "BASE"])
def test_what_a_row_knows_of_its_tensors_stands_in_their_order(what):
    names = {"key_msb": "KEY", "key_lsb": "LSB"}
    columns = [getattr(t, f"R_{names.get(tensor, tensor.upper())}_{what}") for tensor in TENSORS]

    assert columns == [getattr(t, f"R_{what}") + place for place in range(len(TENSORS))]


@pytest.mark.parametrize("stream", FETCHES)
def test_the_events_of_a_fetch_have_the_number_of_its_stream(stream):
    assert getattr(t, f"E_{stream}") == t.E_KEY + FETCHES[stream] - t.STREAM_KEY
    assert t.EVENT_UNITS[getattr(t, f"E_{stream}")] == f"{stream.lower()}_fetch"
