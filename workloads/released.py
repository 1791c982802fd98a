"""Request lists for the authors' test bench, out of any rows of a 17-column CSV trace.

The rules are those of the bench (`TestSpAtten.scala` of the release): rows in file order, counts rounded up, 6-bit rows
fused in pairs, a latency of the dummy top-k for each head. Of a row only the counts, the bits and `if_requant` matter;
the other columns must be well formed all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from tokensieve.arch.errors import WorkloadError
from tokensieve.arch.reading import read_text
from tokensieve.arch.wholes import whole_number
from tokensieve.workloads.csvcounts import WIDE, Row
from tokensieve.workloads.csvtrace import read_rows
from tokensieve.workloads.fused import FUSED_BITS
from tokensieve.workloads.javarandom import JavaRandom

I64 = npt.NDArray[np.int64]

SEED = 1
"""Seed of the release's generators, of latencies and of vector indices."""

MAX_LATENCY = (1 << 20) - 1
_NARROW = 8  # bits that stand for those of `WIDE`
_HEAD_DIM = 64
_KEYS_AT, _LSB_AT, _VALUES_AT, _APART = 0xAB10000, 0xAB20000, 0xCD10000, 0x10000


@dataclass(frozen=True, slots=True, kw_only=True)
class Requests:
    """Head requests in the order in which the bench offers them; arrays of shape ``(n,)``."""

    keys: I64
    values: I64
    """Vectors that are fetched, rounded up."""

    key_bits: I64
    value_bits: I64
    """4, 6 or 8."""

    second_pass: I64
    """1 where the LSBs of the keys are fetched and the scores computed again."""

    latency: I64
    """Cycles that the dummy top-k waits; it is bypassed where all values are kept."""

    last: I64
    """0 for the first head of a fused pair."""

    lines: tuple[int, ...] = ()
    """Line of each row in its CSV file; empty where there is none."""

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def bases(self) -> I64:
        """Addresses of the keys, their LSBs and the values of each head, shape ``(n, 3)``."""
        return np.array([_KEYS_AT, _LSB_AT, _VALUES_AT]) + _APART * np.arange(len(self))[:, None]


def bench_requests(
    path: Path | str,
    *,
    rounding: int,
    lanes: int,
    iteration: int | None = None,
    latencies: Path | str | None = None,
) -> Requests:
    """Return the requests that the rows of `path` make, only those of one iteration where it is given.

    `lanes` is the parallelism of top-k that the latencies are drawn for, from the counts before rounding; `latencies`
    names a file that holds them instead. Raises `WorkloadError` naming file, line and field.
    """
    everything = read_rows(path)
    rows = [(line, row) for line, row in everything if iteration is None or row["iteration_id"] == iteration]
    if not rows:
        known = sorted({int(row["iteration_id"]) for _, row in everything})
        raise WorkloadError(f"{path}: iteration must be one of those in it ({_spans(known)}), got {iteration}")
    last = _last_of_batches(path, rows)
    for line, row in rows:
        _check(path, line, row)
    given = None if latencies is None else _read_latencies(latencies, everything, rows)
    latency = [0 if second else value for value, second in zip(given, _seconds(last), strict=True)] if given else None
    return Requests(
        keys=_rounded(rows, "key_fetch_num", rounding),
        values=_rounded(rows, "value_fetch_num", rounding),
        key_bits=_bits(rows, "quant_key_bit"),
        value_bits=_bits(rows, "quant_value_bit"),
        second_pass=np.array([row["if_requant"] or row["quant_key_bit"] in WIDE for _, row in rows], np.int64),
        latency=np.array(latency or _drawn(rows, last, lanes), np.int64),
        last=last,
        lines=tuple(line for line, _ in rows),
    )


def vector_indexes(lines: int, ports: int) -> I64:
    """Return the vector indices of the release's index memory, line by line, shape ``(lines * ports,)``.

    A line holds `ports` of `2 * ports` consecutive numbers, ascending. The release fills the memory with them because
    no top-k output is connected to it.
    """
    draw = JavaRandom(SEED)
    return np.array([i * ports + k for i in range(lines) for k in sorted(draw.shuffled(2 * ports)[:ports])], np.int64)


def topk_latency(draw: JavaRandom, size: int, target: int, lanes: int) -> int:
    """Return the cycles of a quick-select over `size` random scores (`TopKLatencyModel.scala`, the release's model).

    `target` counts from 0. Each round costs ``ceil(n / lanes) + 3`` cycles for the n scores that are left.
    """
    return sum(-(-n // lanes) + 3 for n in topk_rounds(draw, size, target))


def topk_rounds(draw: JavaRandom, size: int, target: int) -> list[int]:
    """Return how many scores are left in each round of that quick-select."""
    scores, rounds = draw.integers(size), []
    while len(scores):
        rounds.append(len(scores))
        pivot = scores[draw.below(len(scores))]
        less = scores[scores < pivot]
        equal = int((scores == pivot).sum())
        if len(less) > target:
            scores = less
        elif len(less) + equal > target:
            break
        else:
            target -= len(less) + equal
            scores = scores[scores > pivot]
    return rounds


def _last_of_batches(path: Path | str, rows: Sequence[tuple[int, Row]]) -> I64:
    """Return 0 for the first row of each fused pair, 1 for all others."""
    last, n = np.ones(len(rows), np.int64), 0
    while n < len(rows):
        line, row = rows[n]
        if FUSED_BITS in (row["quant_key_bit"], row["quant_value_bit"]):
            _check_pair(path, line, row, rows[n + 1][1] if n + 1 < len(rows) else None)
            last[n] = row["quant_key_bit"] != FUSED_BITS
            n += 1
        n += 1
    return last


def _check_pair(path: Path | str, line: int, row: Row, partner: Row | None) -> None:
    for name in ("quant_key_bit", "quant_value_bit", "key_fetch_num", "value_fetch_num"):
        if partner is None or partner[name] != row[name]:
            got = "no more row" if partner is None else f"{partner[name]} after {row[name]}"
            _fail(path, line, f"{name} must be that of the next row, as rows of 6 bits are fused in pairs, got {got}")


def _check(path: Path | str, line: int, row: Row) -> None:
    if row["embedding_length_D"] != _HEAD_DIM:
        _fail(path, line, f"embedding_length_D must be {_HEAD_DIM} for the release, got {row['embedding_length_D']}")
    if row["value_fetch_num"] > row["key_fetch_num"]:
        got = f"{row['value_fetch_num']} > {row['key_fetch_num']}"
        _fail(path, line, f"value_fetch_num must not be above key_fetch_num, got {got}")


def _fail(path: Path | str, line: int, problem: str) -> NoReturn:
    raise WorkloadError(f"{path}, line {line}: {problem}")


def _rounded(rows: Sequence[tuple[int, Row]], name: str, rounding: int) -> I64:
    return np.array([-(-int(row[name]) // rounding) * rounding for _, row in rows], np.int64)


def _bits(rows: Sequence[tuple[int, Row]], name: str) -> I64:
    return np.array([_NARROW if row[name] in WIDE else row[name] for _, row in rows], np.int64)


def _seconds(last: I64) -> list[bool]:
    """Return which rows are the second of a pair that shares its keys; these are charged no top-k."""
    return [n > 0 and last[n - 1] == 0 for n in range(len(last))]


def _drawn(rows: Sequence[tuple[int, Row]], last: I64, lanes: int) -> list[int]:
    draw = JavaRandom(SEED)
    return [
        0 if second else topk_latency(draw, int(row["key_fetch_num"]), int(row["value_fetch_num"]), lanes)
        for (_, row), second in zip(rows, _seconds(last), strict=True)
    ]


def _read_latencies(
    path: Path | str, everything: Sequence[tuple[int, Row]], rows: Sequence[tuple[int, Row]]
) -> list[int]:
    """Return the latencies in a file that has one line for each row of the CSV file, or for each one that is run."""
    given = _integers(path)
    if len(given) == len(rows):
        return given
    if len(given) != len(everything):
        either = f"{len(everything)} or {len(rows)}" if len(everything) != len(rows) else len(rows)
        raise WorkloadError(f"{path}: one line for each row is expected, {either}, got {len(given)}")
    chosen = {line for line, _ in rows}
    return [value for value, (line, _) in zip(given, everything, strict=True) if line in chosen]


def _integers(path: Path | str) -> list[int]:
    lines = read_text(Path(path), WorkloadError).split("\n")
    found = []
    for n, text in enumerate(map(str.strip, lines), 1):
        latency = whole_number(text)
        if text and (latency is None or not 0 <= latency <= MAX_LATENCY):
            _fail(path, n, f"a top-k latency must be a whole number in 0..{MAX_LATENCY}, got {text[:40]!r}")
        found += [] if latency is None else [latency]
    return found


def _spans(numbers: Sequence[int]) -> str:
    """Return ascending numbers in words: ``0..3, 7``."""
    spans: list[list[int]] = []
    for n in numbers:
        if spans and n == spans[-1][1] + 1:
            spans[-1][1] = n
        else:
            spans.append([n, n])
    return ", ".join(f"{a}..{b}" if a < b else str(a) for a, b in spans)
