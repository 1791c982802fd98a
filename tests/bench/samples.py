"""Fewer of many: parameters of which every one occurs in each run of the tests, and all pairs in the long runs."""

import pytest


def diagonal(rows, columns):
    """Return parameters for all pairs of `rows` and `columns`, both tuples; pairs off the diagonals are marked long.

    The diagonals lie so that every row and every column is on one: of rows 1, 2, 3 and columns a, b the pairs 1a, 2b
    and 3a occur in every run.
    """
    apart = min(len(rows), len(columns))
    return [
        pytest.param(*row, *column, marks=() if (down - right) % apart == 0 else pytest.mark.long)
        for down, row in enumerate(rows)
        for right, column in enumerate(columns)
    ]
