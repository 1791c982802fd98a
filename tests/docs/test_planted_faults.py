"""The lists of planted faults on the pages of the units."""

import json
import re

import pytest
from conftest import ROOT

from tokensieve.arch.datapath import ENGINES
from tokensieve.pages import mutants, situations
from tokensieve.rtl.flow.mutants.base import mutants_of
from tokensieve.verify.situations import situations_of
from tokensieve.verify.units import UNITS

PAGES = {f"units/{name}": [name] for name in [*UNITS, *ENGINES] if not name.startswith("axi-")}
PAGES["units/axi"] = [name for name in UNITS if name.startswith("axi-")]
PAGES["host-link"] = ["host-link"]


def own_faults(name):
    """Return the names of a unit's faults; those of an engine are on the engine's page."""
    others = {fault.name for engine in ENGINES for fault in mutants_of(engine)} if name not in ENGINES else set()
    return {fault.name for fault in mutants_of(name)} - others


@pytest.mark.parametrize("page", PAGES)
def test_page_lists_the_faults_that_can_be_planted(page):
    text = (ROOT / f"docs/reference/{page}.md").read_text(encoding="utf-8")
    [section] = re.findall(r"^## Planted faults\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    listed = re.findall(r"`([a-z0-9]+(?:-[a-z0-9]+)*)`", section)

    assert set(listed) == set().union(*map(own_faults, PAGES[page]))


def test_page_shows_the_recorded_campaign():
    folder = ROOT / "docs/reference/units"
    rows = json.loads((folder / "found-faults.json").read_text(encoding="utf-8"))

    assert mutants.show(rows) in (folder / "found-faults.md").read_text(encoding="utf-8")
    assert {(row["unit"], row["mutant"]) for row in rows} == {(name, one.name) for name, one in mutants.planted()}
    assert all(map(mutants.found, rows))


def test_page_shows_the_recorded_situations_and_each_occurred():
    folder = ROOT / "docs/reference/units"
    rows = json.loads((folder / "seen-situations.json").read_text(encoding="utf-8"))

    assert situations.show(rows) in (folder / "seen-situations.md").read_text(encoding="utf-8")
    assert {(row["unit"], row["engine"]) for row in rows} == {(unit, engine) for unit, engine, _ in situations.wanted()}
    assert {(row["unit"], row["situation"]) for row in rows} == {
        (name, one.name) for name in UNITS for one in situations_of(name)
    }
    assert all(row["cases"] for row in rows)
