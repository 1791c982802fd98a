"""The commands in README and docs run, and print what stands below them.

A ``console`` block holds commands behind ``$`` and, below each, lines of its output in order; ``...`` stands for any
lines. Blocks of a page share a folder. A comment before a block says what else it is: ``file: NAME`` (written to the
folder), ``needs: torch``, ``needs: shared`` or ``not run: REASON``.
"""

import re
import shlex
from dataclasses import dataclass
from importlib.util import find_spec

import pytest
from conftest import ROOT, lacking

from tokensieve.cli.app import call

BLOCK = re.compile(r"(?:<!-- (?P<tag>[\w ]+): (?P<what>[^>]+) -->\n)?```(?P<kind>\w+)\n(?P<text>.*?)```", re.DOTALL)
MAKE = {"make run": "tokensieve ladder"}
"""What a target of the Makefile runs, once .venv is there."""

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    kind: str
    tag: str | None
    what: str | None
    text: str


def blocks(page):
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [Block(m["kind"], m["tag"], m["what"], m["text"]) for m in found]


def commands(block):
    """Yield the arguments of each command of a block, and the lines that it should print."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        line, *printed = part.splitlines()
        program, *arguments = shlex.split(MAKE.get(line, line), comments=True)
        assert program.removeprefix(".venv/bin/") == "tokensieve", f"{line}: only tokensieve can be run here"
        yield arguments, printed


def sessions():
    """Yield the blocks of each page that are run together: those without needs, and each one with."""
    for page in PAGES:
        parts = [b for b in blocks(page) if b.tag != "not run" and (b.kind == "console" or b.tag == "file")]
        files = [b for b in parts if b.tag == "file"]
        for need in (None, "torch", "shared"):
            chosen = [b for b in parts if b.kind == "console" and (b.what if b.tag == "needs" else None) == need]
            name = f"{page.relative_to(ROOT)}{f' ({need})' if need else ''}"
            if chosen:
                yield pytest.param(need, files, chosen, id=name)


def squeezed(line):
    """Return a line without the number of spaces and dashes that tables are drawn with."""
    return re.sub(r"-{3,}", "---", " ".join(line.split()))


def first_missing(printed, wanted):
    """Return the first of the `wanted` lines that does not follow in `printed`, where ``...`` stands for any lines."""
    have, free = [squeezed(line) for line in printed if line.strip()], False
    for line in (squeezed(line) for line in wanted if line.strip()):
        if line == "...":
            free = True
            continue
        here = have.index(line) if free and line in have else 0
        if not have or have[here] != line:
            return line
        have, free = have[here + 1 :], False
    return None if free or not have else f"(nothing) before {have[0]}"


@pytest.mark.parametrize(("need", "files", "session"), list(sessions()))
def test_the_commands_of_a_page_print_what_it_says(need, files, session, tmp_path, monkeypatch, capsys, request):
    if need == "shared":
        (tmp_path / "shared").symlink_to(request.getfixturevalue("shared_data").parent)
    if need == "torch" and find_spec("torch") is None:
        lacking("torch is missing: pip install -e '.[golden,models]'")
    folder = tmp_path / "here"
    folder.mkdir()
    for file in files:
        (folder / file.what).write_text(file.text, encoding="utf-8")
    monkeypatch.chdir(folder)

    for arguments, wanted in (command for block in session for command in commands(block)):
        code = call(arguments)
        out, err = capsys.readouterr()
        refused = bool(wanted) and wanted[0].startswith("error: ")
        missing = first_missing((err if refused else out).splitlines(), wanted or ["..."])

        assert code == (2 if refused else 0), f"{arguments}: {err}"
        assert missing is None, f"{arguments} does not print: {missing}"


def test_make_run_runs_what_the_pages_are_compared_with():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert all(f"\n{name.removeprefix('make ')}: venv " in makefile for name in MAKE)
    assert all(f"\t$(BIN)/{command} $(ARGS)\n" in makefile for command in MAKE.values())


def test_the_readme_shows_all_that_make_run_prints_on_25_lines_of_80_columns():
    first = next(b for b in blocks(ROOT / "README.md") if b.kind == "console" and b.tag is None)
    command, *printed = first.text.splitlines()

    assert command == "$ make run"
    assert "..." not in printed
    assert 15 < len(printed) <= 25
    assert max(map(len, printed)) <= 80


def test_every_console_block_is_run_or_says_why_not():
    found = [b for page in PAGES for b in blocks(page) if b.kind == "console"]

    assert len(found) > 10
    assert {b.tag for b in found} <= {None, "needs", "not run"}
    assert all(text.lstrip().startswith("$ ") for text in (b.text for b in found))


@pytest.mark.parametrize(
    ("printed", "missing"),
    [
        (["a  1", "b 2", "c 3"], None),
        (["a 1", "b 2", "x", "c 3"], None),
        (["a 1", "b 9", "c 3"], "b 2"),
        (["a 1", "b 2"], "c 3"),
        (["a 1", "b 2", "c 3", "d 4"], "(nothing) before d 4"),
    ],
)
def test_a_page_that_is_out_of_date_is_found(printed, missing):
    assert first_missing(printed, ["a 1", "b 2", "...", "c 3"]) == missing


def test_every_link_of_the_docs_leads_somewhere():
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")

    assert broken == []


def test_no_page_names_a_folder_of_this_machine_or_a_package_index():
    words = re.compile(
        r"/(?:home|root|tmp|work)/|(?:index|find-links)[- _]?url|download\.\w+\.org|pypi\.", re.IGNORECASE
    )
    found = [f"{p.relative_to(ROOT)}: {m.group()}" for p in PAGES if (m := words.search(p.read_text(encoding="utf-8")))]

    assert found == []
