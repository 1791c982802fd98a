"""Numbers for the columns of a table, handed out one after another so that nobody counts them by hand."""

import numpy as np
import numpy.typing as npt

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

NONE = np.int64(-1)
"""No row, no bank, nobody, where a kernel is handed a number: a literal would have it compiled once more."""


class Columns:
    """Hands out the columns of one table, or the values of one code, from 0 on.

    A column is a plain integer in a module: numba compiles it into the kernels as a constant. A new column is one line
    in that module, and the columns below it move up.

    >>> table = Columns()
    >>> LINES = table.take()
    >>> RING = table.take(4)  # four columns; a kernel reads RING + offset
    >>> FROM, WHY = table.block(2)
    >>> LINES, RING, FROM, WHY, table.count
    (0, 1, 5, 6, 7)
    """

    count: int
    """Columns handed out so far: the width of the table once all are."""

    def __init__(self) -> None:
        self.count = 0

    def take(self, places: int = 1) -> int:
        """Return the first of the next `places` columns."""
        return self.block(places)[0]

    def block(self, places: int) -> range:
        """Return the next `places` columns; unpacking them refuses a wrong number of names."""
        self.count += places
        return range(self.count - places, self.count)
