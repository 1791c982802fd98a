"""The reference page of a sweep file is what its command prints."""

from pathlib import Path

from tokensieve.pages.sweep import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "sweep-file.md"


def test_reference_page_is_generated():
    assert PAGE.read_text(encoding="utf-8") == page() + "\n"
