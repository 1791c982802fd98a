"""Pictures of what travelled over streams, cycle by cycle, as SVG text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_NAMES = 120
"""Least width of the column of names; all measures are in pixels."""

_CYCLE, _LANE, _HIGH, _TOP, _LINE, _LETTER = 20, 22, 14, 46, 15, 7
"""A cycle, a lane, a signal in it, the head with title and cycle numbers, a line of text, a letter."""

_GRID, _SIGNAL, _MOVED, _WAITING, _TEXT = "#dddddd", "#333333", "#56B4E9", "#F0E442", "#222222"
_IDLE = "#aaaaaa"
"""Names and signals of a stream on which nothing travels."""

_LEGEND = (
    "yellow: a beat waits for ready; blue: it moves; the number says which beat. Below: what it holds; "
    "grey: lanes without data"
)


_BRACKETS = re.compile(r"\[[^\]]*\]")
"""A lane without data, in the words of a payload."""


@dataclass(frozen=True, kw_only=True)
class Wave:
    """One stream, or a probe."""

    name: str

    valid: Sequence[bool]
    """Per cycle."""

    ready: Sequence[bool] | None = None
    """Per cycle; a probe has none: what it shows is gone in the next cycle."""

    payloads: Sequence[str] = ()
    """What each beat holds, in order."""

    @property
    def beats(self) -> list[tuple[int, int | None]]:
        """First cycle in which each beat is offered, and the one in which it is taken, if it is."""
        found: list[tuple[int, int | None]] = []
        since: int | None = None
        for cycle, valid in enumerate(self.valid):
            since = (cycle if since is None else since) if valid else None
            if since is not None and (self.ready is None or self.ready[cycle]):
                found.append((since, cycle))
                since = None
        return found if since is None else [*found, (since, None)]


def waveform_svg(title: str, waves: Sequence[Wave]) -> str:
    """Return the picture of `waves`: `valid`, `ready` and numbered beats, and below it what the beats hold.

    The same waves give the same text: nothing of it is measured, dated or drawn by a library.
    """
    cycles = max((len(wave.valid) for wave in waves), default=0)
    notes = [_LEGEND, *_notes(waves)] if waves else []
    bottom = _TOP + sum(_height(wave) for wave in waves)
    left = max(_NAMES, *(_LETTER * (len(wave.name) + len(".valid")) + 20 for wave in waves)) if waves else _NAMES
    width = max(left + cycles * _CYCLE, *(_LETTER * len(text) for text in [title, *notes])) + 20
    height = bottom + len(notes) * _LINE + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="monospace" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(10, 18, title, size=13),
        *_grid(cycles, bottom, left),
    ]
    y = _TOP
    for wave in waves:
        parts += _stream(wave, y, left)
        y += _height(wave)
    parts += [_text(10, bottom + 16 + number * _LINE, note) for number, note in enumerate(notes)]
    return "\n".join([*parts, "</svg>", ""])


def _grid(cycles: int, bottom: int, left: int) -> Iterator[str]:
    for cycle in range(0, cycles + 1, 5):
        x = left + cycle * _CYCLE
        yield f'<path d="M{x} {_TOP - 8}V{bottom - 8}" stroke="{_GRID}"/>'
        yield _text(x + 2, _TOP - 10, str(cycle), size=9)


def _height(wave: Wave) -> int:
    return (1 if wave.ready is None else 3) * _LANE + _LANE // 2


def _stream(wave: Wave, y: int, left: int) -> Iterator[str]:
    """Yield the lanes of one stream, the first of them at height `y`; grey ones where nothing travels."""
    ink, line = (_TEXT, _SIGNAL) if wave.beats else (_IDLE, _IDLE)
    for name, level in () if wave.ready is None else (("valid", wave.valid), ("ready", wave.ready)):
        yield _text(10, y + _HIGH - 2, f"{wave.name}.{name}", ink=ink)
        yield f'<path d="{_steps(level, y, left)}" fill="none" stroke="{line}"/>'
        y += _LANE
    yield _text(10, y + _HIGH - 2, wave.name, ink=ink)
    for number, (since, taken) in enumerate(wave.beats):
        end = len(wave.valid) - 1 if taken is None else taken
        yield from _box(left, since, end, y, str(number), taken is not None)


def _steps(level: Sequence[bool], y: int, left: int = _NAMES) -> str:
    """Return the path of a signal.

    >>> _steps([False, True, True, False], 0)
    'M120 14H140V0H180V14H200'
    """
    path, before = [f"M{left} {y if level and level[0] else y + _HIGH}"], bool(level[0]) if level else False
    for cycle, high in enumerate(level):
        if bool(high) != before:
            path.append(f"H{left + cycle * _CYCLE}V{y if high else y + _HIGH}")
            before = bool(high)
    return "".join([*path, f"H{left + len(level) * _CYCLE}"])


def _box(left: int, since: int, end: int, y: int, label: str, taken: bool) -> Iterator[str]:
    """Yield a beat: yellow while it waits, blue in the cycle in which it is taken."""
    x, middle = left + since * _CYCLE, left + end * _CYCLE
    if middle > x or not taken:
        wait = middle - x + (0 if taken else _CYCLE)
        yield f'<rect x="{x}" y="{y}" width="{wait}" height="{_HIGH}" fill="{_WAITING}" stroke="{_SIGNAL}"/>'
    if taken:
        yield f'<rect x="{middle}" y="{y}" width="{_CYCLE}" height="{_HIGH}" fill="{_MOVED}" stroke="{_SIGNAL}"/>'
        yield _text(middle + 3, y + _HIGH - 3, label, size=11 if len(label) < 3 else 8)


def _notes(waves: Sequence[Wave], most: int = 6) -> Iterator[str]:
    """Yield what the beats of each stream hold: `most` of them, the last one always."""
    for wave in waves:
        if not wave.beats:
            yield f"{wave.name}: grey, since nothing travels on it in this run"
        chosen = list(enumerate(wave.payloads))
        if len(chosen) > most:
            chosen = [*chosen[: most - 1], chosen[-1]]
        yield from (f"{wave.name} {number}: {_short(text)}" for number, text in chosen)


def _short(text: str, most: int = 100) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def _text(x: int, y: int, text: str, size: int | None = None, ink: str = _TEXT) -> str:
    attribute = "" if size is None else f' font-size="{size}"'
    told = _BRACKETS.sub(rf'<tspan fill="{_IDLE}">\g<0></tspan>', escape(_printable(text)))
    return f'<text x="{x}" y="{y}"{attribute} fill="{ink}">{told}</text>'


def _printable(text: Iterable[str]) -> str:
    """Return `text` without the characters that XML cannot hold."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
