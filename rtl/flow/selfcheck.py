"""A self-checking test bench in Verilog-2005 that needs nothing of ours: golden's vectors lie beside it as plain hex.

Every vector runs alone from reset, without pauses: beats in their order, payloads and the cycles of the law must be
right. Then all of them run back to back, with pauses on both sides of every stream that a shift register draws.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from tokensieve.rtl.flow.border import Border, Bundle, word_on
from tokensieve.rtl.flow.case import RESET_CYCLES
from tokensieve.rtl.flow.harness.base import Awaited
from tokensieve.rtl.flow.selfcheck_text import EVENT, FRAME, SINK, SOURCE

_TAIL = 8
"""Cycles run at the end of a vector, so that a surplus beat is seen."""

_SLACK = 16
"""A run is given up after this many times the cycles that law and beats explain."""

_TABLE = "vectors"
_WORD = 32


@dataclass(frozen=True, kw_only=True)
class Play:
    """What a test bench plays: one entry per vector everywhere."""

    beats: Mapping[str, Sequence[Sequence[int]]]
    """Per input stream: payloads."""

    awaited: Mapping[str, Sequence[Awaited]]
    """Per output stream, and per event that is checked: what must come."""

    begins: str
    """Input stream with whose first transfer the law's cycles begin."""

    law: Sequence[Mapping[str, int]]
    """Cycles until the last beat of ``o`` (`total`) and, where there is one, until ``found`` (`select`)."""

    after: Mapping[str, tuple[str, Sequence[int]]] = field(default_factory=dict)
    """``"response": ("request", latencies)``, as `Stimulus.after` has it."""


def bench_files(name: str, border: Border, play: Play) -> dict[str, str]:
    """Return the test bench of the module `name` and its vectors, by file name."""
    played = [bundle for bundle in border.bundles if bundle.name in {*play.beats, *play.awaited}]
    memories = {bundle.name: list(_words(border, bundle, play)) for bundle in played}
    columns, rows = _table(play, played)
    files = {f"{bundle.name}.hex": _hex(bundle, memories[bundle.name], play) for bundle in played}
    files[f"{_TABLE}.hex"] = f"// One line a vector: {', '.join(columns)}.\n" + "".join(
        " ".join(f"{value:x}" for value in row) + "\n" for row in rows
    )
    sums = {bundle.name: _checksum(memories[bundle.name]) for bundle in played}
    sums[_TABLE] = _checksum([value for row in rows for value in row])
    return {f"{name}_bench.v": _text(name, border, play, played, columns, sums), **files}


def _words(border: Border, bundle: Bundle, play: Play) -> Iterator[int]:
    """Yield the words of a stream's memory: beats, each with a mask behind it where it comes out of the unit."""
    for beats in play.beats.get(bundle.name, ()):
        yield from (word_on(border, bundle, beat) for beat in beats)
    for awaited in play.awaited.get(bundle.name, ()):
        for payload, mask in awaited:
            bits = word_on(border, bundle, mask)
            yield from (word_on(border, bundle, payload) & bits, bits)


def _hex(bundle: Bundle, words: Sequence[int], play: Play) -> str:
    """Return the file of a stream: a comment that says what stands where, and a line for each beat."""
    places, low = [], 0
    for pin in bundle.pins:
        places.append(f"{low + pin.bits - 1}:{low} {pin.name}" if pin.bits > 1 else f"{low} {pin.name}")
        low += pin.bits
    each = 1 if bundle.name in play.beats else 2
    said = "" if each == 1 else ", then a mask of the bits that count"
    lines = [f"// One line a beat{said}. Bits: {', '.join(places)}."]
    digits = -(-bundle.bits // 4)
    for first in range(0, len(words), each) or [0]:
        lines.append(" ".join(f"{word:0{digits}x}" for word in words[first : first + each] or [0]))
    return "\n".join(lines) + "\n"


def _table(play: Play, played: Sequence[Bundle]) -> tuple[list[str], list[list[int]]]:
    """Return the table of vectors: up to which beat of each stream it goes, memory's latency, cycles of the law."""
    columns, rows = list[str](), list[list[int]]()
    for bundle in played:
        per_vector = play.beats.get(bundle.name) or play.awaited[bundle.name]
        columns.append(f"end of {bundle.name}")
        rows.append(list(accumulate(map(len, per_vector))))
    for response, (_, latencies) in play.after.items():
        columns.append(f"latency of {response}")
        rows.append(list(latencies))
    for kind in play.law[0]:
        columns.append(f"cycles of {kind}")
        rows.append([law[kind] for law in play.law])
    return columns, [list(row) for row in zip(*rows, strict=True)]


def _checksum(words: Sequence[int]) -> int:
    """Return a sum in which every digit of every word counts, as the test bench computes it."""
    total = 0
    for word in words:
        while True:
            total = ((total << 1 | total >> 31) & 0xFFFFFFFF) ^ word & 0xFFFFFFFF
            word >>= _WORD
            if not word:
                break
    return total


def _text(
    name: str, border: Border, play: Play, played: Sequence[Bundle], columns: Sequence[str], sums: Mapping[str, int]
) -> str:
    """Return the test bench."""
    column = {title: place for place, title in enumerate(columns)}
    streams = [_stream(play, bundle, column, place, sums[bundle.name]) for place, bundle in enumerate(played)]
    parts = {key: "".join(one[key] for one in streams) for key in ("declared", "checked", "started", "stepped")}
    beats, cycles = sum(map(_beats, played_lists(play))), sum(law["total"] for law in play.law)
    latency = max((max(latencies) for _, latencies in play.after.values()), default=0)
    return FRAME.format(
        **parts, name=name, pins=",\n".join(_pins(border, played)), vectors=len(play.law), columns=len(columns),
        table=_TABLE, sum=f"{sums[_TABLE]:08x}", resets=RESET_CYCLES, tail=_TAIL,
        limit=_SLACK * (cycles + beats * (1 + latency)) + 4096,
        complete=" && ".join(f"{bundle.name}_next >= {bundle.name}_stop" for bundle in played),
        laws="".join(_law(kind, play, column) for kind in play.law[0]),
        beats=" + ".join(f"{bundle.name}_next" for bundle in played if bundle.name in play.awaited),
    )  # fmt: skip


def played_lists(play: Play) -> Iterator[Sequence[Sequence[object]]]:
    """Yield the beats of each stream, vector by vector."""
    yield from play.beats.values()
    yield from play.awaited.values()


def _beats(per_vector: Sequence[Sequence[object]]) -> int:
    return sum(map(len, per_vector))


def _stream(play: Play, bundle: Bundle, column: Mapping[str, int], place: int, checksum: int) -> dict[str, str]:
    """Return the pieces of the test bench for one stream or event."""
    per_vector = play.beats.get(bundle.name) or play.awaited[bundle.name]
    pieces = SOURCE if bundle.name in play.beats else SINK if bundle.ready else EVENT
    held, chunks = (1 if pieces is SOURCE else 2) * _beats(per_vector), -(-bundle.bits // _WORD)
    request, latency = play.after.get(bundle.name, ("", ()))
    offered = f" && {bundle.name}_next < {request}_next && cycle >= {request}_cycle[{bundle.name}_next] + latency"
    kept = [f"{asked}_cycle[{asked}_next] <= cycle;" for asked, _ in play.after.values() if asked == bundle.name]
    memory = f"  integer {bundle.name}_cycle [0:{max(0, _beats(per_vector) - 1)}];\n" if kept else ""
    told = f"number(vector, {column[f'latency of {bundle.name}']}) : {max(latency)}" if request else ""
    facts = {
        "stream": bundle.name, "top": bundle.bits - 1, "bits": bundle.bits, "held": held, "words": max(1, held) - 1,
        "chunks": chunks, "span": _WORD * chunks - 1, "sum": f"{checksum:08x}",
        "column": column[f"end of {bundle.name}"], "low": 5 * place % 23, "memory": memory,
        "answers": offered if request else "", "keeps": f"\n        {kept[0]}" if kept else "",
        "latency": f"\n        latency <= alone ? {told};" if told else "",
    }  # fmt: skip
    return {key: text.format(**facts) for key, text in pieces.items()}


_ENDS = {"total": "o", "select": "found", "embeddings": "eo"}
"""The stream or event with whose last transfer the cycles of each kind end."""


def _law(kind: str, play: Play, column: Mapping[str, int]) -> str:
    """Return the check of the cycles of a vector that has a beat on the stream with which they begin."""
    end, begun = _ENDS[kind], column[f"end of {play.begins}"]
    return f"""
          if (number(vector, {begun}) !== number(vector - 1, {begun}) &&
              {end}_at - {play.begins}_from + 1 !== number(vector, {column[f"cycles of {kind}"]})) begin
            errors = errors + 1;
            $display("vector %0d: {kind} took %0d cycles, the law says %0d", vector, {end}_at - {play.begins}_from + 1,
              number(vector, {column[f"cycles of {kind}"]}));
          end"""


def _pins(border: Border, played: Sequence[Bundle]) -> Iterator[str]:
    """Yield the connections of the unit."""
    yield f"    .{border.clock}(clk)"
    yield f"    .{border.reset}({'rst' if border.active else '!rst'})"
    for bundle in border.bundles:
        if bundle not in played:
            yield from (f"    .{port}({'0' if bundle.inward else ''})" for port in _unused(bundle))
            continue
        yield f"    .{bundle.valid}({bundle.name}_valid)"
        if bundle.ready:
            yield f"    .{bundle.ready}({bundle.name}_ready)"
        low = 0
        for pin in bundle.pins:
            bits = f"[{low + pin.bits - 1}:{low}]" if pin.bits > 1 else f"[{low}]"
            yield f"    .{pin.name}({bundle.name}_word{bits if bundle.bits > 1 else ''})"
            low += pin.bits


def _unused(bundle: Bundle) -> Iterator[str]:
    """Yield the ports of an event that is not checked, or of a plain port."""
    yield from filter(None, [bundle.valid, *(pin.name for pin in bundle.pins)])
