"""Code and pages use the words of docs/reference/glossary.md, and not those that it retires."""

import ast
import io
import re
import tokenize

import pytest
from conftest import ROOT

from tokensieve.arch.memory import Dram

GLOSSARY = ROOT / "docs" / "reference" / "glossary.md"
RETIRED = "Words that we do not use"
FOLDERS = ("benchmarks", "explore", "golden", "rtl", "sim", "tests", "tokensieve", "workloads")
SOURCES = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.py"))]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    ROOT / "benchmarks" / "README.md",
    *sorted(file for file in (ROOT / "docs").rglob("*") if file.suffix in (".md", ".patch")),
    *sorted(file for folder in ("tokensieve", "workloads") for file in (ROOT / folder).rglob("*.yaml")),
]

KEEP = {
    "docs/reference/accuracy.md": "printed by `tokensieve validate`, whose names of rows stay",
    "tokensieve/validate/sections/traces.py": "names of rows that `tokensieve validate` prints",
    "rtl/attention_front.py": "rows of an attention matrix, one of which is the longest",
    "tests/docs/test_glossary.py": "quotes what is retired",
}
"""Files in which a retired phrase may stand, and why."""

TWINS = {
    "sim/twins/": "the twins",
    "tokensieve/verify/": "compares hardware with the twins",
    "tokensieve/cli/cosim.py": "prints the comparison",
    "tests/rtl/": "tests of units against their twins",
    "tests/bench/units.py": "the bench of these tests",
    "tests/docs/test_bisect_engine.py": "cosim of an engine against its twin",
    "docs/how-to/bisect-engine.patch": "its test",
    "tests/docs/test_glossary.py": "these rules",
}
JOBS = {
    "sim/kernels/": "the fetcher serves jobs",
    "sim/cycle/": "makes the tables of jobs",
    "rtl/flow/formal.py": "a job of SymbiYosys",
    "tests/sim/test_kernels.py": "looks into these tables",
    "tests/docs/test_glossary.py": "these rules",
}
PLACES = {"twin": TWINS, "twins": TWINS, "job": JOBS, "jobs": JOBS, "requantize": {}, "requantization": {}}
"""Words of identifiers, and the only places in which each may occur."""


def short(path):
    return str(path.relative_to(ROOT))


def section(heading):
    """Return the part of the glossary below `heading`."""
    return re.split(rf"^## {heading}$", GLOSSARY.read_text(encoding="utf-8"), flags=re.MULTILINE)[1].split("\n## ")[0]


def table_rows(text):
    """Return the cells of all table rows of `text`, without heads and rules."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [cells for cells in ([c.strip() for c in line.strip("|").split("|")] for line in lines)
            if cells[0] not in ("term", "not")]  # fmt: skip


TERMS = table_rows(GLOSSARY.read_text(encoding="utf-8").split(f"## {RETIRED}")[0])
PHRASES = [p for cells in table_rows(section(RETIRED)) for p in re.findall(r"`([^`]+)`", cells[0])]


def pattern(phrase):
    """Return what finds a phrase in text: each word in singular or plural, over ends of lines, in any case.

    A word in backquotes is the name of something in the code: a row of the array `scores` is one.
    """
    words = [f"{word}s?" if len(word) > 2 else word for word in phrase.replace("-", r"[-\s]").split(" ")]
    return re.compile(r"(?<![\w-])" + r"[\s*]+".join(words) + r"(?![\w-])", re.IGNORECASE)


PATTERNS = {phrase: pattern(phrase) for phrase in PHRASES}


def prose(source):
    """Return the strings and comments of Python code, comments that follow one another joined."""
    kinds = {tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type in kinds]
    return "\n".join(t.string.lstrip("# ") if t.type == tokenize.COMMENT else t.string + "\n.\n" for t in tokens)


def retired_in(text):
    return [phrase for phrase, found in PATTERNS.items() if found.search(text)]


def identifiers(source):
    """Return the names of what Python code defines: classes, functions, arguments, variables, attributes."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.arg(arg=name):
                names.add(name)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                names.add(name)
    return names


def words_of(name):
    """Return the words of an identifier in small letters, camel case taken apart."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")


def misplaced(file, source):
    """Return the identifiers of `source` whose words belong to other files, or are a retired phrase."""
    found = {name: words_of(name) for name in identifiers(source)}
    bad = {n for n, words in found.items() for w in words if w in PLACES and not file.startswith(tuple(PLACES[w]))}
    return sorted(bad | {n for n, words in found.items() if retired_in(" ".join(words))})


def test_every_term_has_one_entry_and_a_meaning_of_one_sentence():
    names = [cells[0] for cells in TERMS]

    assert sorted(names) == sorted(set(names))
    assert len(names) > 60
    assert [cells for cells in TERMS if len(cells) != 3] == []
    assert [name for name, meaning, _ in TERMS if not re.fullmatch(r"[A-Z](?:[^.]|\.(?! ))*\.\)?", meaning)] == []


def test_the_settled_words_are_there():
    settled = {"row", "vector", "packet", "beat", "line", "job", "command", "twin", "reference", "requant"}

    of_this_project = {
        "engine",
        "round",
        "trace",
        "workload",
        "schedule",
        "decisions",
        "machine",
        "level",
        "band",
        "room",
    }
    settled |= of_this_project | {"section", "stage", "utilization", "work record", "kind"}

    assert settled <= {cells[0] for cells in TERMS}


def test_every_jedec_symbol_is_a_field_of_the_dram():
    symbols = [name for name, _, unit in TERMS if unit == "clocks"]

    assert len(symbols) > 5
    assert set(symbols) < Dram.model_fields.keys()


def test_every_retired_phrase_has_a_word_in_its_place():
    rows = table_rows(section(RETIRED))

    assert len(PHRASES) > 20
    assert sorted(PHRASES) == sorted(set(PHRASES))
    assert [cells for cells in rows if len(cells) != 2 or not cells[1]] == []


@pytest.mark.parametrize("file", PAGES, ids=short)
def test_no_page_uses_a_retired_phrase(file):
    text = file.read_text(encoding="utf-8")
    read = text.split(f"## {RETIRED}")[0] if file == GLOSSARY else text

    assert short(file) in KEEP or retired_in(read) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_docstring_comment_or_text_uses_a_retired_phrase(folder):
    files = [file for file in SOURCES if short(file).startswith(f"{folder}/") and short(file) not in KEEP]
    found = {short(file): retired_in(prose(file.read_text(encoding="utf-8"))) for file in files}

    assert {file: phrases for file, phrases in found.items() if phrases} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_name_is_made_of_a_word_that_means_something_else(folder):
    files = [file for file in SOURCES if short(file).startswith(f"{folder}/")]
    found = {short(file): misplaced(short(file), file.read_text(encoding="utf-8")) for file in files}

    assert {file: names for file, names in found.items() if names} == {}


@pytest.mark.parametrize("file", sorted(KEEP))
def test_every_exception_is_needed(file):
    text = (ROOT / file).read_text(encoding="utf-8")

    assert retired_in(text) != []


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_retired_phrase_that_comes_back_is_found(phrase):
    """In a docstring, over the end of a line, in the plural, at the beginning of a sentence; and in a name."""
    first, *rest = phrase.split()
    broken = f"{first.capitalize()}\n    {' '.join(rest)}"
    plural = re.sub(r"\brow\b", "rows", phrase)
    name = "_".join(re.findall(r"\w+", phrase.lower()))

    assert retired_in(prose(f'"""Return one\n    {phrase}."""'))
    assert retired_in(prose(f'"""{broken}."""'))
    assert retired_in(prose(f"x = 1  # {plural}\n"))
    assert misplaced("sim/work.py", f"def {name}(): ...") == [name]


@pytest.mark.parametrize(
    ("file", "source", "names"),
    [
        ("tokensieve/run/simulate.py", "twin = dense(decisions)", ["twin"]),
        ("tests/bench/dram_plain.py", "class Twin: ...", ["Twin"]),
        ("sim/twins/topk.py", "def twin(arch): ...", []),
        ("rtl/drain.py", "def f(job): ...", ["job"]),
        ("sim/cycle/plan.py", "jobs = []", []),
        ("golden/attention.py", "def requantize(): ...", ["requantize"]),
        ("tokensieve/arch/datapath.py", "class Requant: ...", []),
    ],
)
def test_a_name_of_a_settled_word_is_found_outside_its_place(file, source, names):
    assert misplaced(file, source) == names
