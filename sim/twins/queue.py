"""Twin of a queue in block memory, and of a beat that goes to several sinks."""

from collections.abc import Sequence


class Queue:
    """Beats in a memory of `depth`, and one that has been read and stands on the output.

    What is written in a cycle can be read in the next one.
    """

    def __init__(self, depth: int) -> None:
        self._depth, self._stored = depth, 0
        self.offers = False

    @property
    def takes(self) -> bool:
        """Whether there is room for a beat."""
        return self._stored < self._depth

    def step(self, enters: bool, takes: bool) -> None:
        """Go on by one cycle, in which a beat came in or not, and the one on offer was taken or not."""
        if takes or not self.offers:
            self.offers = self._stored > 0
            self._stored -= self.offers
        self._stored += enters


class Fork:
    """Sends each beat to all sinks; those that have had it wait for the others."""

    def __init__(self, sinks: int) -> None:
        self._had = [False] * sinks

    def takes(self, ready: Sequence[bool]) -> bool:
        """Return whether the beat on offer, if there is one, goes in this cycle to the last of the sinks."""
        return all(had or takes for had, takes in zip(self._had, ready, strict=True))

    def step(self, offers: bool, ready: Sequence[bool]) -> list[bool]:
        """Go on by one cycle, with a beat on offer or not; return to which sinks it went."""
        went = [offers and takes and not had for had, takes in zip(self._had, ready, strict=True)]
        gone = [had or new for had, new in zip(self._had, went, strict=True)]
        self._had = [False] * len(gone) if all(gone) else gone
        return went
