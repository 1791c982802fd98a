"""The generator of `java.util.Random`, from which the authors' release draws; Java's documentation states it."""

import numpy as np
import numpy.typing as npt

_FACTOR, _STEP, _MASK = 0x5DEECE66D, 0xB, (1 << 48) - 1


class JavaRandom:
    """A linear congruential generator of 48 bits, seeded as Java does it.

    >>> JavaRandom(1).below(10), JavaRandom(1).integers(1).tolist()
    (5, [-1155869325])
    """

    def __init__(self, seed: int) -> None:
        self._state = (seed ^ _FACTOR) & _MASK

    def integers(self, count: int) -> npt.NDArray[np.int32]:
        """Return the next `count` of ``nextInt()``, 32 bits each."""
        factors, steps = _jumps(count)
        states = (np.uint64(self._state) * factors + steps) & np.uint64(_MASK)
        if count:
            self._state = int(states[-1])
        return (states >> np.uint64(16)).astype(np.uint32).view(np.int32)

    def below(self, bound: int) -> int:
        """Return the next ``nextInt(bound)``, in 0..`bound` - 1."""
        while True:
            bits = self._next(31)
            if bound & (bound - 1) == 0:
                return bound * bits >> 31
            if bits - bits % bound + bound <= 1 << 31:
                return bits % bound

    def shuffled(self, count: int) -> list[int]:
        """Return 0..`count` - 1 in the order of Scala's ``Random.shuffle``."""
        items = list(range(count))
        for n in range(count, 1, -1):
            k = self.below(n)
            items[n - 1], items[k] = items[k], items[n - 1]
        return items

    def _next(self, bits: int) -> int:
        self._state = (self._state * _FACTOR + _STEP) & _MASK
        return self._state >> (48 - bits)


def _jumps(count: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Return factors and steps from a state to each of the `count` after it; they wrap at 2^64, as they may."""
    factors = np.cumprod(np.full(count, _FACTOR, np.uint64), dtype=np.uint64)
    sums = np.cumsum(np.concatenate([np.ones(min(count, 1), np.uint64), factors[:-1]]), dtype=np.uint64)
    return factors, sums * np.uint64(_STEP)
