"""The page about the host link: its example prints what stands there, its tables have the codes."""

import doctest
import re

import pytest
from conftest import ROOT

from tokensieve.arch.host_frames import COUNTER_FIELDS, REPLY_START, REQUEST_START, VERSION_FIELDS, Command, ReplyStatus

PAGE = (ROOT / "docs/reference/host-link.md").read_text(encoding="utf-8")


def test_the_rates_of_the_page_are_those_of_the_function():
    (example,) = re.findall(r"```python\n(>>> .*?)```", PAGE, re.DOTALL)
    test = doctest.DocTestParser().get_doctest(example, {}, "host-link.md", None, 0)
    result = doctest.DocTestRunner(verbose=False).run(test)

    assert result.attempted == 7
    assert result.failed == 0


@pytest.mark.parametrize("code", [*Command, *ReplyStatus], ids=repr)
def test_each_code_stands_in_its_table(code):
    name = code.name.lower().replace("_", " ").replace("crc", "CRC")

    assert f"| {int(code)} {name} |" in PAGE or (code == ReplyStatus.OK and "| 0 | OK |" in PAGE)


def test_start_bytes_and_fields_are_those_of_the_format():
    sizes = [int(size) for size in re.findall(r"\((\d)\)", re.search(r"^\| 3 counters .*$", PAGE, re.MULTILINE)[0])]

    assert f"| request | `{REQUEST_START:X}` |" in PAGE
    assert f"| reply | `{REPLY_START:X}` |" in PAGE
    assert sizes == list(COUNTER_FIELDS.values())
    assert f"digest of the pruner's parameters ({VERSION_FIELDS['digest']})" in PAGE
