"""Twin of the bitwidth converter: how full the buffers of the planes are, and what each side waits for."""

from dataclasses import dataclass

from tokensieve.arch.bitwidth_converter import lsb_widths, msb_widths, unit_bits
from tokensieve.arch.machine import Arch
from tokensieve.sim.twins.feed import Feed, Moves


@dataclass(frozen=True)
class Vector:
    """A vector's elements, and their bits in both planes."""

    elements: int
    msb: int
    lsb: int
    illegal: bool = False
    """Its beats are dropped, and one empty beat leaves."""


class Plane:
    """Bits of one plane that have come in and have not gone out."""

    def __init__(self, name: str, widths: tuple[int, ...], beat_bits: int) -> None:
        unit, self._lanes, self._beat_bits = unit_bits(widths), beat_bits // 4, beat_bits
        self._name = name
        self._most = (max(widths, default=unit) - unit) * self._lanes + beat_bits
        self._held = self._beats = 0

    def full(self, vector: Vector) -> bool:
        """Return whether the next elements are there."""
        held = not vector.illegal and self._held >= self._bits(vector) * self._lanes
        return held or self.ended(vector)

    def ended(self, vector: Vector) -> bool:
        """Return whether all beats of the plane have come."""
        return self._beats * self._beat_bits >= vector.elements * self._bits(vector)

    def _bits(self, vector: Vector) -> int:
        return vector.msb if self._name == "msb" else vector.lsb

    @property
    def room(self) -> bool:
        """Whether another beat fits, even if nothing leaves."""
        return self._held + self._beat_bits <= self._most

    def step(self, vector: Vector | None, enters: Vector | None, pops: bool, offers: bool) -> bool:
        """Go on by one cycle: elements leave, another vector begins, a beat may come; return whether it came."""
        if enters:
            self._held = self._beats = 0
            comes = not self.ended(enters)
        else:
            if vector and vector.illegal:
                self._held = 0
            elif vector and pops:
                self._held = max(self._held - self._bits(vector) * self._lanes, 0)
            comes = vector is not None and not self.ended(vector) and self._held + self._beat_bits <= self._most
        if not (comes and offers):
            return False
        self._held, self._beats = self._held + self._beat_bits, self._beats + 1
        return True


def twin(arch: Arch, feed: Feed) -> Moves:
    """Return what happens at all streams. Data: `vectors`."""
    vectors: list[Vector] = list(feed.data["vectors"])
    bits, beat_bits, lanes = arch.number.onchip_bits, 8 * arch.converter.plane_bytes, arch.converter.lanes
    widths = {"msb": msb_widths(bits), "lsb": lsb_widths(bits, arch.number.lsb_bits)}
    planes = {name: Plane(name, of, beat_bits) for name, of in widths.items()}
    moves = Moves(sources=["command", *planes], sinks=["o"])
    after: Vector | None = None
    now: Vector | None = None
    leaving, done = False, 0
    for cycle in range(feed.cycles):
        takes = feed.takes("o", cycle)
        moves.offer("o", cycle, leaving, takes)
        free = takes or not leaving
        pops = now is not None and free and all(plane.full(now) for plane in planes.values())
        last = pops and now is not None and (now.illegal or done + lanes >= now.elements)
        enters = after if now is None or last else None
        feed.saw({"a vector's words have left in part": done > 0})
        if now is not None:
            full = {name: plane.full(now) for name, plane in planes.items()}
            feed.saw(
                {
                    "words wait for their LSBs": free and full["msb"] and not full["lsb"],
                    "a buffer has no room": any(not p.room and not p.ended(now) for p in planes.values()),
                }
            )
        for name, plane in planes.items():
            if plane.step(now, enters, pops, feed.offers(name, cycle)):
                moves.take(name, cycle)
        leaving = pops if free else leaving
        done = 0 if last else done + lanes * pops
        now = enters if now is None or last else now
        if after is None or enters is not None:
            after = vectors.pop(0) if vectors and feed.offers("command", cycle) else None
            if after:
                moves.take("command", cycle)
    return moves
