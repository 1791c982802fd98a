"""The reference page of technologies prints what its commands print, and no workload is needed for areas."""

from pathlib import Path

import pytest

from tokensieve.pages.technology import tables
from tokensieve.validate.power import area_rows, row_table

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "technology.md").read_text()
TABLES = tables()


@pytest.mark.parametrize("title", TABLES)
def test_reference_page_prints_every_table(title):
    assert TABLES[title] in PAGE


def test_reference_page_prints_the_areas_beside_the_paper_s():
    assert row_table(area_rows()) in PAGE
