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
    def holds(self) -> bool:
        """Whether there are beats in the memory."""
        return self._stored > 0

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
    """Sends each beat to all sinks that it is for; those that have had it wait for the others."""

    def __init__(self, sinks: int) -> None:
        self._had = [False] * sinks

    @property
    def had(self) -> Sequence[bool]:
        """Which sinks have had the beat that is on offer."""
        return self._had

    def offers(self, beat: bool, wanted: Sequence[bool]) -> list[bool]:
        """Return to which sinks the beat, if there is one, is on offer; `wanted` says which ones it is for."""
        return [beat and want and not had for want, had in zip(wanted, self._had, strict=True)]

    def step(self, beat: bool, wanted: Sequence[bool], went: Sequence[bool]) -> bool:
        """Go on by one cycle, in which the beat went to some of the sinks; return whether all have had it now."""
        gone = [had or new or not want for had, new, want in zip(self._had, went, wanted, strict=True)]
        if beat:
            self._had = [False] * len(gone) if all(gone) else gone
        return beat and all(gone)
