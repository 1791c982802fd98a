"""Twin of a pipeline whose registers move together."""

from typing import Generic, TypeVar

Beat = TypeVar("Beat")


class Pipe(Generic[Beat]):
    """A chain of registers, each with a beat or empty.

    All of them move on if the last one is empty or its beat is taken; else none does. One register alone takes a beat
    whenever it has none or loses it.

    >>> pipe = Pipe[str](2)
    >>> pipe.step("a", takes=False), pipe.step(None, takes=False), pipe.end
    (True, True, 'a')
    >>> pipe.step("b", takes=False), pipe.step("b", takes=True), pipe.end
    (False, True, None)
    """

    def __init__(self, depth: int) -> None:
        self._beats: list[Beat | None] = [None] * depth

    @property
    def end(self) -> Beat | None:
        """The beat on offer at the end, if there is one."""
        return self._beats[-1]

    @property
    def empty(self) -> bool:
        """Whether no register has a beat."""
        return all(beat is None for beat in self._beats)

    def step(self, beat: Beat | None, takes: bool) -> bool:
        """Go on by one cycle, with `beat` offered at the front; return whether there was room for it.

        `takes` says whether the end is taken if there is something.
        """
        moves = takes or self.end is None
        if moves:
            self._beats = [beat, *self._beats[:-1]]
        return moves
