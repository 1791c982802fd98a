"""Brings what README and docs quote up to date: ``.venv/bin/python scripts/requote.py [PAGE...]``.

Each command of a page is run as `tests/docs/test_commands.py` runs it. A quoted line that is still printed is set as it
is printed now; one that is not is replaced by the printed line that is most like it, figures aside. What has no such
line stays, and is named: a figure in the text around a block is for a person to mend.
"""

import contextlib
import difflib
import io
import os
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The tests lie in no package: their folders must be on the path before the import.
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "docs")]

import test_commands  # noqa: E402

from tokensieve.cli.app import call  # noqa: E402

ALIKE = 0.6
"""Least likeness, 0 to 1, of a line and the one that replaces it."""


def main() -> None:
    """Bring the named pages up to date, or all."""
    pages = [Path(name).resolve() for name in sys.argv[1:]] or test_commands.PAGES
    for page in pages:
        text = page.read_text(encoding="utf-8")
        mended = requoted(page, text)
        if mended != text:
            page.write_text(mended, encoding="utf-8")
            print(f"{page.relative_to(ROOT)}: mended")


def requoted(page: Path, text: str) -> str:
    """Return the text of a page with its blocks as their commands print them."""
    parts = test_commands.blocks(page)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "here")
        folder.mkdir()
        if (ROOT.parent / "shared").is_dir():
            Path(name, "shared").symlink_to(ROOT.parent / "shared")
        for block in parts:
            if block.tag == "file":
                (folder / block.what).write_text(block.text, encoding="utf-8")
        for block in parts:
            if block.kind == "console" and block.tag != "not run":
                text = text.replace(block.text, requoted_block(block, folder), 1)
    return text


def requoted_block(block: test_commands.Block, folder: Path) -> str:
    """Return the text of a block, each command followed by what it prints."""
    told = []
    for part in re.split(r"^(?=\$ )", block.text, flags=re.MULTILINE):
        for arguments, wanted in test_commands.commands(test_commands.Block("console", None, None, part)):
            told += [part.splitlines()[0], *renewed(wanted, printed(arguments, folder))]
    return "\n".join(told) + "\n"


def printed(arguments: list[str], folder: Path) -> list[str]:
    """Return the lines that a command prints in `folder`."""
    out, err = io.StringIO(), io.StringIO()
    before = Path.cwd()
    os.chdir(folder)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            call(arguments)
    finally:
        os.chdir(before)
    return (out.getvalue() or err.getvalue()).splitlines()


def renewed(wanted: list[str], told: list[str]) -> list[str]:
    """Return the quoted lines as they are printed now."""
    if "..." not in wanted and wanted and len(wanted) != len(told):
        return told
    lines, place = [], 0
    for line in wanted:
        if line == "..." or not line.strip():
            lines.append(line)
            continue
        here = found(line, told, place)
        if here is None:
            print(f"  no line like: {line}")
            lines.append(line)
            continue
        lines.append(told[here])
        place = here + 1
    return lines


def found(line: str, told: list[str], place: int) -> int | None:
    """Return where in `told`, from `place` on, `line` stands, or else the line that is most like it."""
    same = [n for n in range(place, len(told)) if test_commands.squeezed(told[n]) == test_commands.squeezed(line)]
    if same:
        return same[0]
    scores = [(likeness(line, told[n]), -n) for n in range(place, len(told))]
    best = max(scores, default=(0.0, 0))
    if best[0] >= ALIKE or sum(score > 0 for score, _ in scores) == 1:  # the only one that begins as it does
        return -best[1]
    return None


def likeness(one: str, other: str) -> float:
    """Return how alike two lines are, figures aside."""
    bare = [re.sub(r"[\d.,]+", "#", test_commands.squeezed(line)).split() for line in (one, other)]
    same = bare[0][:1] == bare[1][:1]
    return difflib.SequenceMatcher(None, *bare, autojunk=False).ratio() if same else 0.0


if __name__ == "__main__":
    main()
