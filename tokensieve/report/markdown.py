"""Tables and blocks in Markdown."""

import re
from collections.abc import Iterable, Sequence

from tokensieve.arch import TokensieveError


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, without a line break at its end.

    >>> print(table(["unit", "LUT4"], [["topk", "6,207"]]))
    | unit | LUT4 |
    |---|---|
    | topk | 6,207 |
    """
    head = [_line(titles), f"|{'---|' * len(titles)}"]
    return "\n".join([*head, *(_line([cell.replace("|", "\\|") for cell in row]) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def with_block(page: str, commands: Sequence[str], printed: str, name: str) -> str:
    """Return `page` with `printed` below the command of its first console block that begins with one of `commands`.

    Raises `TokensieveError` where there is no such block; `name` names the page.
    """
    starts = "|".join(map(re.escape, commands))
    block = re.compile(rf"(```console\n\$ (?:\.venv/bin/)?(?:{starts})(?: [^\n]*)?\n).*?(?=```)", re.DOTALL)
    found = block.search(page)
    if found is None:
        raise TokensieveError(f"--write {name}: has no console block that begins with $ {' or $ '.join(commands)}")
    return f"{page[: found.start()]}{found[1]}{printed}{page[found.end() :]}"
