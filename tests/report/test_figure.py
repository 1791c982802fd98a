import hashlib
import subprocess
import sys
from dataclasses import replace

import matplotlib
import pytest
from report.sample import ALONE, RESULT

from tokensieve.report import figure


def size(png):
    return int.from_bytes(png[16:20]), int.from_bytes(png[20:24])


def test_the_picture_is_a_png_of_the_same_bytes_in_another_process(root):
    code = (
        f"import sys; sys.path.insert(0, {str(root / 'tests')!r})\n"
        "import hashlib\nfrom report.sample import RESULT\nfrom tokensieve.report.figure import cycles_png\n"
        "print(hashlib.sha256(cycles_png(RESULT, 'title')).hexdigest())"
    )
    png = figure.cycles_png(RESULT, "title")
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert png.startswith(b"\x89PNG\r\n")
    assert hashlib.sha256(png).hexdigest() == other.stdout.strip()


def test_the_reader_s_own_style_changes_nothing_and_stays():
    before = figure.cycles_png(RESULT, "title")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        after = figure.cycles_png(RESULT, "title")
        kept = matplotlib.rcParams["font.size"]

    assert before == after
    assert kept == 30


@pytest.mark.parametrize("title", [r"$\nosuch$", "$", "漢字", "a\nb"])
@pytest.mark.filterwarnings("error")
def test_any_title_can_be_drawn(title):
    assert size(figure.cycles_png(RESULT, title)) == (1650, 660)


@pytest.mark.parametrize("layers", [0, 1, 25, 96])
def test_any_number_of_layers_can_be_drawn(layers):
    many = tuple(replace(RESULT.layers[0], layer=i) for i in range(layers))
    reference = replace(RESULT.reference, layer_cycles=(9,) * layers, layer_dram_bytes=(9,) * layers)

    assert size(figure.cycles_png(replace(RESULT, layers=many, reference=reference), "title")) == (1650, 660)


def test_the_bars_have_the_heights_of_the_result(monkeypatch):
    drawn = []
    monkeypatch.setattr(figure, "_bars", lambda axes, layers, parts, *rest: drawn.append((layers, parts)))
    figure.cycles_png(RESULT, "title")

    assert drawn[0] == ([0, 1], [one.cycles for one in RESULT.layers])
    assert drawn[1] == ([0, 1], [one.dram_bytes for one in RESULT.layers])


def test_the_reference_has_a_bar_beside_each_layer_s(monkeypatch):
    pictures = [figure.cycles_png(one, "title") for one in (RESULT, ALONE)]
    drawn = []
    monkeypatch.setattr(figure, "_bars", lambda *bars: drawn.append(bars[-1]))
    figure.cycles_png(RESULT, "title")
    figure.cycles_png(ALONE, "title")

    assert [one and one.heights for one in drawn] == [(2_500, 2_000), (9_000_000, 7_000_000), None, None]
    assert pictures[0] != pictures[1]


def test_a_colour_means_one_thing_in_the_whole_picture():
    colours = [*figure.CAUSE_COLOURS.values(), *figure.TENSOR_COLOURS.values(), figure.REFERENCE_COLOUR]

    assert len(set(colours)) == len(colours) == 11
