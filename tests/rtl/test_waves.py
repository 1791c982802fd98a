"""The pictures on the units' pages are those that the units give."""

import os
import subprocess
import sys

import pytest

from tokensieve.pages.waves import FOLDER, drawn, picture, pictures
from tokensieve.verify.units import find_unit


@pytest.mark.parametrize(("unit", "engine"), [("zero-eliminator", ""), ("topk", "bitserial")])
def test_a_page_shows_what_the_unit_does_today(root, unit, engine):
    shown = (root / FOLDER / f"{engine or unit}.svg").read_text(encoding="utf-8")

    assert picture(find_unit(unit), engine) == shown, "run: .venv/bin/python -m tokensieve.pages.waves"


def test_no_two_pictures_are_one(root):
    texts = [path.read_bytes() for path in (root / FOLDER).glob("*.svg")]

    assert len(set(texts)) == len(texts) >= len(drawn())


@pytest.mark.parametrize(
    ("unit", "telling"),
    [("requant-decision", {"refetch=0", "refetch=1"}), ("local-value-pruner", {"count=1", "count=2", "count=3"})],
)
def test_a_picture_shows_what_the_unit_is_for(root, unit, telling):
    """A decision that asks for LSBs beside one that does not; a packet that is not kept as a whole."""
    shown = (root / FOLDER / f"{unit}.svg").read_text(encoding="utf-8")

    assert any(one in shown for one in telling)
    assert 'fill="#F0E442"' in shown  # a beat waits


def test_another_process_draws_the_same_bytes(tmp_path):
    command = [sys.executable, "-m", "tokensieve.pages.waves", str(tmp_path / "img"), "zero-eliminator"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "7"}, cwd=tmp_path)
    written = {path.stem: path.read_bytes() for path in (tmp_path / "img").iterdir()}

    assert written == {name: text.encode() for name, text in pictures(["zero-eliminator"]).items()}


@pytest.mark.parametrize("unit", drawn())
def test_every_unit_has_its_picture(root, unit):
    wanted = {unit, *filter(None, find_unit(unit).engines())}

    assert wanted <= {path.stem for path in (root / FOLDER).glob("*.svg")}
