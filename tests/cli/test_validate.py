"""``tokensieve validate``: what it prints and writes, and when it fails."""

import json

import pytest

from tokensieve.cli.app import call
from tokensieve.validate import catalogue
from tokensieve.validate.row import Row, within
from tokensieve.validate.section import Section
from tokensieve.validate.sections import presets as machine


def plant(monkeypatch, **fields):
    """Put one row in the place of a whole section."""
    made = {"name": "planted", "expected": 100.0, "modelled": 120.0, "unit": "cycles", "source": "nowhere"} | fields
    monkeypatch.setattr(machine, "section", lambda data: Section(rows=(Row(**made),)))


def test_all_rows_in_their_bands_leave_with_0(capsys):
    assert call(["validate", "--section", "machine"]) == 0

    printed = capsys.readouterr()
    assert "K SRAM, spatten" in printed.out
    assert "10 rows: 10 in their band, 0 out of it" in printed.out
    assert "machine: " in printed.err


@pytest.mark.parametrize(
    ("fields", "code", "told"),
    [
        ({"band": within(100, 0.05)}, 1, "out of its band: machine: planted\n"),
        ({"band": within(100, 0.05), "assumptions": ("lengths are ours",)}, 0, "machine: planted (assumption)\n"),
        ({"band": within(100, 0.25)}, 0, "1 rows: 1 in their band"),
        ({}, 0, "1 printed only"),
    ],
)
def test_a_planted_row_fails_where_nothing_excuses_it(fields, code, told, monkeypatch, capsys):
    plant(monkeypatch, **fields)

    assert call(["validate", "--section", "machine"]) == code
    assert told in capsys.readouterr().out


def test_json_has_every_row_with_its_limits_and_says_whether_all_passed(monkeypatch, capsys):
    plant(monkeypatch, band=within(100, 0.05), causes=("a planted one", "and another"), interval=(119, 121.04))

    assert call(["validate", "--section", "machine", "--json", "--quiet"]) == 1
    printed = capsys.readouterr()
    told = json.loads(printed.out)
    assert (told["passed"], printed.err) == (False, "")
    assert told["sections"][0]["rows"] == [
        {
            "name": "planted",
            "expected": 100.0,
            "modelled": 120.0,
            "unit": "cycles",
            "deviation": pytest.approx(0.2),
            "band": {"low": 95.0, "high": 105.0, "text": "±5 %"},
            "verdict": "out",
            "assumption": None,
            "cause": "a planted one; and another; modelled 119 to 121 within the uncertainties of the constants",
            "source": "nowhere",
        }
    ]


def test_missing_data_leave_a_section_out_and_fail_nothing(tmp_path, capsys):
    assert call(["validate", "--section", "rtl", "--data", str(tmp_path)]) == 0

    assert "left out: rtl: spatten-rtl/gpt2_small_rows.csv is not in the folder" in capsys.readouterr().out


def test_out_writes_page_pictures_and_json_even_where_a_row_fails(tmp_path, monkeypatch, capsys):
    plant(monkeypatch, band=within(100, 0.05))
    folder = tmp_path / "page"

    assert call(["validate", "--section", "machine", "--section", "bert", "--out", str(folder)]) == 1
    page = (folder / "accuracy.md").read_text(encoding="utf-8")
    assert "| planted | 100 | 120 | cycles | +20.00 % | OUT, ±5 % | 1 |" in page
    assert (folder / "img" / "bert.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((folder / "accuracy.json").read_text())["passed"] is False
    assert sorted(p.name for p in folder.iterdir()) == ["accuracy.json", "accuracy.md", "img"]


def test_write_goes_to_the_reference_folder_of_where_one_stands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalogue, "SECTIONS", {"machine": "Machines"})

    assert call(["validate", "--write"]) == 2
    assert "docs/reference" in capsys.readouterr().err
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    assert call(["validate", "--write"]) == 0
    assert (tmp_path / "docs" / "reference" / "accuracy.md").is_file()


def test_a_page_of_some_sections_says_so(tmp_path, capsys):
    assert call(["validate", "--section", "reductions", "--section", "machine", "--out", str(tmp_path)]) == 0

    page = (tmp_path / "accuracy.md").read_text(encoding="utf-8")
    assert "**Only these sections were asked for**: machine, reductions." in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--section", "drma"], "section must be one of machine, answers"),
        (["--data", "nowhere"], "--data must be a folder, got 'nowhere'"),
        (["--out", ""], "--out must name a folder, got ''"),
        (["--out", "here", "--write"], "--write and --out exclude each other"),
        (["--section", "machine", "--write"], "--write writes the whole page; for the page of a --section use --out"),
    ],
)
def test_a_mistake_is_one_message_and_nothing_is_written(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    assert call(["validate", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
