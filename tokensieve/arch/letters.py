"""Letters that a terminal acts upon or cannot print: controls, marks that turn the direction of a text, halves."""

import re

_CONTROLS = "\x00-\x1f\x7f-\x9f"
_MARKS = "\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff"
_HALVES = "\ud800-\udfff"  # of bytes in a command line that are no text
_ODD = re.compile(f"[{_CONTROLS}{_MARKS}{_HALVES}]")

_LONGEST_WORD, _LONGEST = 500, 8000
"""Characters of a word, or of a whole text, from which on it is shortened: longer than any path that is typed."""

PLAIN = rf"^[^{_CONTROLS}{_MARKS}]*$"
"""Pattern of a name without such letters."""


def escaped(text: str) -> str:
    r"""Return `text` with such letters written as escapes; line feeds and tabs stay.

    >>> escaped("a\tb\x1b[31m\u202ec")
    'a\tb\\x1b[31m\\u202ec'
    """
    return _ODD.sub(lambda one: one[0] if one[0] in "\n\t" else one[0].encode("unicode_escape").decode(), text)


def shortened(text: str) -> str:
    """Return `text` with the middle of very long words left out, and its own where it is still very long.

    >>> shortened(f"--seed {'9' * 5000}")[:16], len(shortened("9" * 5000)), len(shortened("no 9 " * 5000))
    ('--seed 999999999', 241, 4042)
    """
    words = re.sub(rf"\S{{{_LONGEST_WORD},}}", lambda one: _ends(one[0], 200), text)
    return words if len(words) <= _LONGEST else _ends(words, 4000)


def _ends(text: str, kept: int) -> str:
    return f"{text[: kept * 3 // 4]} ... ({len(text) - kept:,} characters are left out) ... {text[-(kept // 4) :]}"


def is_plain(text: str) -> bool:
    """Return whether `text` holds no such letter."""
    return not _ODD.search(text)
