"""Tables in Markdown."""

from collections.abc import Iterable, Sequence


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
