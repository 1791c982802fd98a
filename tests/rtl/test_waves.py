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


def test_another_process_draws_the_same_bytes(tmp_path):
    command = [sys.executable, "-m", "tokensieve.pages.waves", str(tmp_path / "img"), "zero-eliminator"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": "7"}, cwd=tmp_path)
    written = {path.stem: path.read_bytes() for path in (tmp_path / "img").iterdir()}

    assert written == {name: text.encode() for name, text in pictures(["zero-eliminator"]).items()}


@pytest.mark.parametrize("unit", drawn())
def test_every_unit_has_its_picture(root, unit):
    wanted = {unit, *filter(None, find_unit(unit).engines())}

    assert wanted <= {path.stem for path in (root / FOLDER).glob("*.svg")}
