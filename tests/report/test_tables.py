import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report.sample import ALONE, RESULT

from tokensieve.report.table import Column, Table
from tokensieve.report.tables import layer_table, total_table, unit_table

TABLE = Table(
    title="Layers",
    columns=(Column(title="layer"), *(Column(title=f"c{i}\nB", group="ab"[i // 3]) for i in range(6))),
    rows=tuple(tuple(str(10**i * (row + 1)) for i in range(7)) for row in range(2)),
)


def test_a_table_that_fits_is_one_piece():
    assert TABLE.text(100) == (
        "Layers\n"
        "       c0   c1    c2     c3      c4       c5\n"
        "layer   B    B     B      B       B        B\n"
        "-----  --  ---  ----  -----  ------  -------\n"
        "    1  10  100  1000  10000  100000  1000000\n"
        "    2  20  200  2000  20000  200000  2000000"
    )


def test_groups_stay_together_while_they_fit():
    titles = [[c.title for c in piece.columns] for piece in TABLE.pieces(40)]

    assert titles == [["layer", "c0\nB", "c1\nB", "c2\nB"], ["layer", "c3\nB", "c4\nB", "c5\nB"]]


def test_later_pieces_say_that_they_continue():
    assert TABLE.text(40).count("Layers, continued\n") == 1


@given(st.integers(15, 120))
def test_every_column_is_in_one_piece_and_no_line_is_too_wide(width):
    pieces = TABLE.pieces(width)

    assert [c for piece in pieces for c in piece.columns[1:]] == list(TABLE.columns[1:])
    assert all(len(line) <= width for line in TABLE.text(width).splitlines() if not line.startswith("Layers"))


@pytest.mark.parametrize("width", [1, 8, 12])
def test_a_width_that_nothing_fits_still_shows_every_column(width):
    assert len(TABLE.pieces(width)) == 6


def test_words_are_set_to_the_left():
    table = Table(
        title="t", columns=(Column(title="unit", left=True), Column(title="n")), rows=(("a", "1"), ("bcdef", "22"))
    )

    assert table.text(80).splitlines()[3:] == ["a       1", "bcdef  22"]


def test_the_rows_of_the_layers_sum_to_the_row_of_all():
    table = layer_table(RESULT)
    numbers = [[float(cell.rstrip(" %").replace(",", "")) for cell in row[3:]] for row in table.rows]

    assert table.rows[-1][0] == "all"
    assert numbers[0][0] + numbers[1][0] == numbers[2][0] == 1000
    assert [a + b for a, b in zip(*numbers[:2], strict=True)] == numbers[2]


def test_a_layer_shows_tokens_heads_cycles_by_cause_and_bytes_by_tensor():
    table = layer_table(RESULT)
    first = {c.title.replace("\n", " "): cell for c, cell in zip(table.columns, table.rows[0], strict=True)}

    assert first == {
        "layer": "0",
        "tokens": "512",
        "heads": "12",
        "cycles": "700",
        "share": "70.0 %",
        "compute": "150",
        "DRAM wait": "400",
        "top-k wait": "100",
        "softmax wait": "30",
        "fill, drain": "20",
        "Q MB": "0",
        "K MSB MB": "2.000",
        "K LSB MB": "0.125",
        "V MB": "1.000",
        "out MB": "0",
        "sum MB": "3.125",
    }


def test_the_totals_stand_beside_those_of_the_reference():
    rows = {row[0].strip(): row[1:] for row in total_table(RESULT).rows}

    assert rows["cycles"] == ("", "1,000", "4,500", "4.50x", "modelled")
    assert rows["time"] == ("us", "1", "4.5", "4.50x", "modelled")
    assert rows["DRAM traffic"] == ("MB", "4", "16", "4.00x", "modelled")
    assert rows["energy"] == ("uJ", "4", "14", "3.50x", "assumed")
    assert rows["throughput"] == ("Top/s", "1", "-", "-", "modelled")
    assert rows["dense-equivalent"] == ("Top/s", "12", "-", "-", "modelled")
    assert rows["area"] == ("mm2", "2", "-", "-", "assumed")


def test_without_a_reference_there_is_no_column_for_it():
    table = total_table(ALONE)

    assert [c.title for c in table.columns] == ["total", "unit", "this run", "basis"]
    assert ("cycles", "", "1,000", "modelled") in table.rows


def test_every_unit_has_a_row_that_says_which_of_its_numbers_are_not_modelled():
    rows = {row[0]: row[1:] for row in unit_table(RESULT).rows}

    assert rows["DRAM"] == ("930", "93.0 %", "3.000", "75.0 %", "", "", "energy assumed")
    assert rows["local top-k"] == ("250", "", "", "", "", "", "busy verified")
    assert rows["K SRAM"] == ("", "", "", "", "0.500", "25.0 %", "area assumed")
    assert rows["Q x K"] == ("150", "15.0 %", "1.000", "25.0 %", "1.500", "75.0 %", "energy assumed, area assumed")
    assert list(rows)[-1] == "total"


def test_where_all_is_modelled_no_column_says_so():
    table = unit_table(replace(RESULT, labels=dict.fromkeys(RESULT.labels, "modelled")))

    assert table.columns[-1].title == "area\nshare"
    assert table.title == "Units (modelled)"


def test_no_cell_of_a_table_has_a_unit_of_its_own():
    for table in (layer_table(RESULT), unit_table(RESULT), total_table(RESULT)):
        for column, cells in zip(table.columns, zip(*table.rows, strict=True), strict=True):
            if not column.left:
                assert all(re.fullmatch(r"[\d.,e-]*( %|x)?|all", cell) for cell in cells), (column, cells)


def test_the_parts_of_a_total_have_its_unit():
    small = replace(RESULT, energy_j={**RESULT.energy_j, "total": 9e-4}, energy_j_interval=(4e-4, 1.4e-3))
    rows = total_table(small).rows
    energy = next(i for i, row in enumerate(rows) if row[0] == "energy")

    assert [row[:3] for row in rows[energy : energy + 3]] == [
        ("energy", "uJ", "900"), ("  lowest", "uJ", "400"), ("  highest", "uJ", "1,400"),
    ]  # fmt: skip
