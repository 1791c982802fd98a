"""What code and pages point to exists: links, files, modules, sections of the contracts, numbers of checks."""

import re
from importlib import import_module
from importlib.util import find_spec

import pytest
from conftest import ROOT

from tokensieve.validate.catalogue import SECTIONS

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = ("benchmarks", "explore", "golden", "rtl", "scripts", "sim", "tests", "tokensieve", "workloads")
SOURCES = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
FENCED = re.compile(r"```.*?```", re.DOTALL)

LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
FILE = re.compile(rf"(?<![\w./-])((?:docs|{'|'.join(FOLDERS)})/[\w./-]+\.(?:md|py|sh|yaml|npz))\b")
MODULE = re.compile(r"(?<![\w./-])tokensieve(?:\.[a-z_]\w*){2,}")
CONTRACT = re.compile(r"contracts(?:\]\([^)]*\))?,?\s+(?:section )?(\d+)")
CHECKS = re.compile(r"\b[Cc]hecks? (\d+(?:(?:, | and | to )\d+)*)")


def short(path):
    return str(path.relative_to(ROOT))


def anchors(page):
    """Return the anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text()), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def numbers(text):
    """Return the numbers of a list such as ``1, 2 and 5`` or ``23 to 26``."""
    found = [int(number) for number in re.findall(r"\d+", text)]
    return set(range(found[0], found[-1] + 1)) if " to " in text else set(found)


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_link_leads_to_a_file_and_a_heading(page):
    for target, anchor in LINK.findall(FENCED.sub("", page.read_text())):
        file = (page.parent / target).resolve() if target else page

        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_file_that_a_page_names_is_there(page):
    today = page.read_text(encoding="utf-8").partition("## Old paths")[0]
    named = [name for name in FILE.findall(today) if not re.search(r"[A-Z]{4,}", name)]

    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_module_that_a_page_names_can_be_imported(page):
    assert [name for name in set(MODULE.findall(page.read_text())) if not is_there(name)] == []


def is_there(name):
    """Return whether `name` is a module, or what a module has; what needs a package that is missing counts."""
    parent, _, own = name.rpartition(".")
    try:
        return find_spec(name) is not None or hasattr(import_module(parent), own)
    except ModuleNotFoundError as missing:
        return not (missing.name or "").startswith("tokensieve") or (
            is_there(parent) and hasattr(import_module(parent), own)
        )


def test_every_section_of_the_contracts_that_is_cited_has_its_number():
    page = (ROOT / "docs" / "reference" / "contracts.md").read_text()
    sections = re.findall(r"^## (\d)\. ", page, flags=re.MULTILINE)
    cited = {(short(file), number) for file in SOURCES + PAGES for number in CONTRACT.findall(file.read_text())}

    assert sections == list("1234567")
    assert {number for _, number in cited} >= set("1345")
    assert {one for one in cited if one[1] not in sections} == set()


@pytest.fixture(scope="module")
def checks():
    """Sections by number of the check, from the list on the page about the validation."""
    page = (ROOT / "docs" / "how-to" / "validate.md").read_text()
    rows = re.findall(r"^\| (\d+) \| .+ \| (.+) \|$", page, flags=re.MULTILINE)
    return {int(number): re.findall(r"`(\w+)`", sections) for number, sections in rows}


def test_the_list_of_checks_is_numbered_without_a_gap(checks):
    assert list(checks) == list(range(1, 29))


def test_every_check_that_is_cited_is_in_the_list(checks):
    texts = [
        file.read_text() for file in (*(ROOT / "tokensieve").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *PAGES)
    ]
    cited = set().union(*(numbers(found) for text in texts for found in CHECKS.findall(text)))

    assert cited == set(checks)


def test_every_section_of_the_validation_names_the_checks_that_are_listed_for_it(checks):
    titles = {name: set().union(*map(numbers, CHECKS.findall(title))) for name, title in SECTIONS.items()}

    assert titles == {name: {number for number, where in checks.items() if name in where} for name in SECTIONS}
